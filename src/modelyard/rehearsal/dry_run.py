"""Applying everything of an environment to an API server, without keeping it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modelyard.rehearsal.api import Answer, Api, ServedKind, object_path
from modelyard.rehearsal.filled_in import filled_in
from modelyard.rehearsal.objections import Objection, objections
from modelyard.rendering import Path
from modelyard.tooling import parallel
from modelyard.view import NATIVE_GROUPS, Environment, Manifest

_DEFAULT_NAMESPACE = "default"
_CORE = "v1"
_POLICY_SECONDS = 2.0

# What later requests depend on is kept, not only tried.
KEPT = (
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ("", "Namespace"),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
)
_POLICIES = "admissionregistration.k8s.io"


@dataclass(frozen=True, slots=True)
class Tried:
    """What the server said to one resource.

    Attributes:
        manifest: The resource.
        objections: Why it is refused; empty when it is taken.
        warnings: What the server warns of, in its words.
        gap: Why the server could not be asked; empty when it was.
        filled: Places in lists that the definition fills in, so that Argo CD would see a difference for ever.
    """

    manifest: Manifest
    objections: tuple[Objection, ...] = ()
    warnings: tuple[str, ...] = ()
    gap: str = ""
    filled: tuple[Path, ...] = ()


def keep_what_others_need(api: Api, view: Environment, kept: Iterable[tuple[str, str]] = KEPT) -> list[Tried]:
    """Make the server hold the environment's definitions, namespaces and admission policies, in this order.

    A namespace that resources name, but none of them makes, is made as well: whether it exists is not this rung's
    question.

    Args:
        api: The server.
        view: The environment.
        kept: Groups and kinds of what is kept.
    """
    tried: list[Tried] = []
    for group, kind in kept:
        manifests = list(view.of_kind(kind, group))
        if manifests:
            tried += attempts(api, manifests, view.namespace_of, dry_run=False)
        if kind == "Namespace":
            _make_namespaces(api, {view.namespace_of(manifest) for manifest in view.resources} | {_DEFAULT_NAMESPACE})
    if any(each.manifest.group == _POLICIES for each in tried):
        time.sleep(_POLICY_SECONDS)  # the server reads policies by a watch and does not say when it has
    return tried


def try_the_rest(
    api: Api,
    view: Environment,
    progress: Callable[[int, int], None] = lambda done, total: None,
    definitions: Iterable[dict[str, Any]] = (),
) -> Iterator[Tried]:
    """Apply every other resource of the environment as a dry run.

    Args:
        api: The server.
        view: The environment.
        progress: Told how many of all were tried.
        definitions: Those of custom resources, of which is told what they fill into lists.
    """
    known = {(str(each["spec"]["group"]), str(each["spec"]["names"]["kind"])): each for each in definitions}
    rest = [manifest for manifest in view.resources if (manifest.group, manifest.kind) not in KEPT]
    for done, each in enumerate(attempts(api, rest, view.namespace_of, dry_run=True, known=known), 1):
        progress(done, len(rest))
        yield each


def attempts(
    api: Api,
    manifests: Iterable[Manifest],
    namespace_of: Callable[[Manifest], str],
    *,
    dry_run: bool,
    known: Mapping[tuple[str, str], dict[str, Any]] | None = None,
    workers: int = 4,
) -> Iterator[Tried]:
    """Apply things, a few at a time, and yield what the server said, in their order."""
    served = api.served()

    def attempt(manifest: Manifest) -> Tried:
        kind = served.get((manifest.identity.api_version, manifest.kind))
        if kind is None:
            return _unserved(manifest)
        namespace = namespace_of(manifest) or _DEFAULT_NAMESPACE
        answer = apply(api, kind, namespace, manifest.value, dry_run=dry_run)
        if answer.ok:
            definition = (known or {}).get((manifest.group, manifest.kind))
            filled = () if definition is None else tuple(filled_in(definition, manifest.value, answer.value))
            return Tried(manifest, warnings=answer.warnings, filled=filled)
        if answer.failed:
            return Tried(manifest, warnings=answer.warnings, gap=f"the API server failed: {answer.message[:300]}")
        return Tried(manifest, tuple(objections(answer, manifest.value)), answer.warnings)

    yield from parallel(attempt, manifests, workers=workers)


def apply(api: Api, kind: ServedKind, namespace: str, value: dict[str, Any], *, dry_run: bool) -> Answer:
    """Send one object; one that leaves its name to the server is created, since it cannot be applied."""
    metadata = value.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    api_version = str(value.get("apiVersion"))
    if kind.namespaced and metadata.get("namespace") in (None, ""):
        value = {**value, "metadata": {**metadata, "namespace": namespace}}
    name = metadata.get("name")
    if not name:
        path = object_path(kind, api_version, namespace)
        return api.request("POST", f"{path}?fieldValidation=Strict" + ("&dryRun=All" if dry_run else ""), value)
    return api.apply(object_path(kind, api_version, namespace, str(name)), value, dry_run=dry_run)


def _unserved(manifest: Manifest) -> Tried:
    api_version, kind = manifest.identity.api_version, manifest.kind
    if manifest.group in NATIVE_GROUPS:
        path = ("kind",) if kind else ("apiVersion",)
        return Tried(manifest, (Objection(path, f"the API server serves no {kind} in {api_version}"),))
    return Tried(manifest, gap=f"no definition of {api_version} {kind} is installed")


def _make_namespaces(api: Api, names: Iterable[str]) -> None:
    namespaces = ServedKind("namespaces", False)
    for name in sorted(set(names) - {""}):
        value = {"apiVersion": _CORE, "kind": "Namespace", "metadata": {"name": name}}
        if api.request("GET", object_path(namespaces, _CORE, "", name)).status == 404:
            api.request(
                "POST", object_path(namespaces, _CORE, ""), value
            )  # a name that is refused shows at its objects
