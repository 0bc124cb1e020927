"""Resources that the API server would refuse."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelyard.findings import Finding, NotChecked, UserError, error
from modelyard.rendering import MISSING, SchemaProblem, parse, value_at
from modelyard.repository import Files, derived
from modelyard.rules import rule
from modelyard.rules.placeholders import holds_placeholder
from modelyard.rules.wording import nearest
from modelyard.view import Environment, Manifest

# Groups of the API server itself, whose versions follow from Kubernetes' version.
_NATIVE = re.compile(
    r"|apps|autoscaling|batch|extensions|policy|(?:admissionregistration|apiextensions|apiregistration|authentication"
    r"|authorization|certificates|coordination|discovery|events|flowcontrol\.apiserver|internal\.apiserver|networking"
    r"|node|rbac\.authorization|resource|scheduling|storage|storagemigration)\.k8s\.io"
)
# How a rule of several schemas names the field that fits none of them.
_NAMED = re.compile(r'"([a-z][\w.\[\]-]{0,200})" must ')
_PREDICATES = ("cannot ", "has ", "is ", "may ", "must ", "needs ", "should ")


@rule("schema/invalid-resource", error, since="0.1.0")
def invalid_resource(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The API server rejects a resource that violates its schema or CEL rules, and the Application does not sync."""
    for manifest in environment.resources:
        verdict = manifest.resource.verdict
        if verdict is None or verdict.status == "no-schema":
            continue  # whoever validates says which kinds were not checked
        whole = _amended(environment, manifest, verdict.problems) if environment.is_gathered else ""
        if whole:
            reason = f"it is a part of what {whole} holds whole, and no kustomization that lists it as a patch was read"
            yield NotChecked(manifest, reason, application=manifest.application)
            continue
        if verdict.problems and not environment.is_generated and manifest.mapping("sops"):
            reason = "SOPS encrypted it; what is applied is what whoever decrypts it makes of it"
            yield NotChecked(manifest, reason, application=manifest.application)
            continue
        for problem in _causes(verdict.problems):
            said, _, remedy = problem.message.partition("; ")
            reason = "" if environment.is_generated else _unsure(manifest, problem)
            if reason:
                told = f"{manifest}: {_with_field(problem.path, said)}"
                yield NotChecked(told, reason, application=manifest.application)
                continue
            is_unknown = said.startswith("unknown field") or " has no field " in said
            yield Finding(
                at=manifest.at(problem.path, key=is_unknown),
                message=f"{manifest}: {_with_field(problem.path, said)}",
                fix=remedy
                or _served(said)
                or _plain_fix(problem.path, said)
                or "correct it by the API reference of the kind",
            )


def _causes(problems: Sequence[SchemaProblem]) -> Iterator[SchemaProblem]:
    """Yield the problems without those that are told where the key of a required field is misspelt."""
    unknown = [each.path.rpartition(".") for each in problems if each.message.startswith("unknown field")]
    for problem in problems:
        above, _, name = problem.path.rpartition(".")
        is_missing = problem.message.partition("; ")[0] == "is required"
        if not is_missing or not nearest(name, [key for parent, _, key in unknown if parent == above]):
            yield problem


def _unsure(manifest: Manifest, problem: SchemaProblem) -> str:
    """Return why a problem may be none in a repository of which little is known; empty where it is one."""
    if problem.path == "apiVersion" and not _NATIVE.fullmatch(manifest.group):
        return "which release of its CRD is installed is not known"
    named = _NAMED.search(problem.message)
    path = problem.path or (named[1] if named else "")
    value = value_at(manifest.resource.value, parse(path)) if path else MISSING
    if holds_placeholder(value):
        return "what stands there is filled in before it is applied"
    if value is None:
        return "the API server drops a null where it makes the object, and may refuse one that is applied on its side"
    return ""


def _amended(environment: Environment, manifest: Manifest, problems: Sequence[SchemaProblem]) -> str:
    """Return the file that holds, of the same kind and name, all that a resource lacks; empty where none does."""
    lacking = [field for each in problems if (field := _lacked(each))]
    if not lacking:
        return ""
    for path, value in _of_name(environment.repository.files).get((manifest.kind, manifest.name), ()):
        if path != manifest.resource.origin and all(value_at(value, each) is not MISSING for each in lacking):
            return path
    return ""


def _lacked(problem: SchemaProblem) -> tuple[str | int, ...]:
    """Return the path of a field that is missing; empty where something else is wrong."""
    _, lacks, field = problem.message.partition("; ")[0].rpartition(" lacks ")
    if not lacks:
        return ()
    path = tuple(parse(problem.path)) if problem.path else ()
    return path if path and path[-1] == field else (*path, field)


@derived
def _of_name(files: Files) -> Mapping[tuple[str, str], list[tuple[str, Any]]]:
    """Return the objects in all files by kind and name, each with its file."""
    found: dict[tuple[str, str], list[tuple[str, Any]]] = {}
    for path in files.below(("yaml", "yml")):
        try:
            content = files.documents(path)
        except UserError:
            continue
        for each in content:
            named = each.get("metadata") if isinstance(each, dict) else None
            if isinstance(named, dict):
                found.setdefault((str(each.get("kind")), str(named.get("name"))), []).append((path, each))
    return found


def _with_field(path: str, said: str) -> str:
    """Return what is wrong, with its field, which the line of a missing one or of a chart does not show."""
    if not path or path in said:
        return said
    return f"{path} {said}" if said.startswith(_PREDICATES) else f"{path}: {said}"


def _plain_fix(path: str, said: str) -> str:
    """Return what to add or to write, where that is sure."""
    near = said.partition(", did you mean ")[2].rstrip("?")
    if near:
        return f"write {near}"
    return f"add {path}" if path and said == "is required" else ""


def _served(said: str) -> str:
    """Return what to write for a version of an API that the cluster does not serve."""
    versions = said.partition(" is served as ")[2].partition(", not as ")[0]
    return f"write apiVersion: {versions.rpartition(' and ')[2]}" if versions else ""
