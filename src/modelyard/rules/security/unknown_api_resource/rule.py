"""Rights on resources that the API server does not have."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import orjson

from modelyard.catalog import api_resources, api_verbs
from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of
from modelyard.schemas.bundle import FOLDER
from modelyard.view import NATIVE_GROUPS, Environment, Manifest, listed, numbered

_MISTYPED = 0.92
_KINDS = ("Role", "ClusterRole")


@rule("security/unknown-api-resource", warning, since="0.3.0")
def unknown_api_resource(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A role with an API group, resource or verb that does not exist grants nothing; API calls get 403."""
    for kind in _KINDS:
        for manifest in environment.of_kind(kind, "rbac.authorization.k8s.io"):
            if environment.is_ours(manifest):
                yield from _judged(environment, manifest)


def _judged(environment: Environment, manifest: Manifest) -> Iterator[Finding]:
    for index, entry in numbered(manifest.value, "rules"):
        groups = [str(each) for each in listed(entry, "apiGroups")]
        resources = [str(each) for each in listed(entry, "resources")]
        known = set().union(*(api_resources().get(group, frozenset()) for group in groups))
        for number, group in enumerate(groups):
            if group and group not in _groups(environment) and "*" not in group:
                homes = sorted(
                    g for g, names in api_resources().items() if {r.partition("/")[0] for r in resources} & names
                )
                near = nearest(group, _groups(environment), cutoff=0.8 if environment.is_generated else _MISTYPED)
                if "." in group and not near and not environment.is_generated:
                    continue  # of an operator that somebody else installs, whatever its resources are called
                if homes or near:
                    written = homes[0] if homes else near
                    yield Finding(
                        at=manifest.at(("rules", index, "apiGroups", number)),
                        message=f"{manifest} grants permissions in the API group {group}, which does not exist",
                        fix='write "", the group of the core resources' if not written else f"write {written}",
                    )
        if all(group in api_resources() for group in groups):
            for number, resource in enumerate(resources):
                plain = resource.partition("/")[0]
                if "*" in plain or plain in known:
                    continue
                elsewhere = [group for group, names in api_resources().items() if plain in names]
                if not groups or not (elsewhere or nearest(plain, known, cutoff=0.8)):
                    continue
                said = " or ".join(each or "core" for each in groups)
                yield Finding(
                    at=manifest.at(("rules", index, "resources", number)),
                    message=f"{manifest} grants permissions on {resource}, which API group {said} does not have",
                    fix=f'use its group, "{elsewhere[0]}"' if elsewhere else f"write {nearest(plain, known)}",
                )
        for number, verb in enumerate(listed(entry, "verbs")):
            if str(verb) not in api_verbs() and (near := nearest(str(verb), api_verbs())):
                yield Finding(
                    at=manifest.at(("rules", index, "verbs", number)),
                    message=f"{manifest} grants {verb}, which is not a verb",
                    fix=f"write {near}, or {one_of(sorted(api_verbs() - {'*', near}), 4)}",
                )


def _groups(environment: Environment) -> frozenset[str]:
    """Return the API groups that Kubernetes, a bundled definition or one of the environment brings."""
    defined = (each.get("spec.group", "") for each in environment.of_kind("CustomResourceDefinition"))
    return frozenset(NATIVE_GROUPS | _bundled() | {str(each) for each in defined} | {"metrics.k8s.io"})


@cache
def _bundled() -> frozenset[str]:
    return frozenset(entry["group"] for entry in orjson.loads((FOLDER / "index.json").read_bytes()))
