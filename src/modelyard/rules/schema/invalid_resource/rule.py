"""Resources that the API server would refuse."""

from collections.abc import Iterator

from modelyard.findings import Finding, error
from modelyard.rules import rule
from modelyard.view import Environment

_PREDICATES = ("cannot ", "has ", "is ", "may ", "must ", "needs ", "should ")


@rule("schema/invalid-resource", error, since="0.1.0")
def invalid_resource(environment: Environment) -> Iterator[Finding]:
    """The API server rejects a resource that violates its schema or CEL rules, and the Application does not sync."""
    for manifest in environment.resources:
        verdict = manifest.resource.verdict
        if verdict is None or verdict.status == "no-schema":
            continue  # whoever validates says which kinds were not checked
        for problem in verdict.problems:
            said, _, remedy = problem.message.partition("; ")
            is_unknown = said.startswith("unknown field") or " has no field " in said
            yield Finding(
                at=manifest.at(problem.path, key=is_unknown),
                message=f"{manifest}: {_with_field(problem.path, said)}",
                fix=remedy
                or _served(said)
                or _plain_fix(problem.path, said)
                or "correct it by the API reference of the kind",
            )


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
