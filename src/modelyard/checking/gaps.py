"""What schemas and their rules could not be consulted for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from modelyard.findings import NotChecked
from modelyard.repository import SETTINGS
from modelyard.schemas import DEFAULT_KUBERNETES, SchemaBundle
from modelyard.view import Environment, Manifest
from modelyard.wording import join_and


def schema_gaps(view: Environment, kubernetes_version: str) -> Iterator[NotChecked]:
    """Yield the kinds without a schema, by Application, and the kinds whose CEL rules were not evaluated."""
    if not view.facts:
        yield NotChecked(
            f"facts of environment {view.name}",
            f"{view.folder.facts_file} is missing or empty",
            (
                f"restore it as the template wrote it; Kubernetes {DEFAULT_KUBERNETES} is assumed"
                if view.folder.path
                else f"Kubernetes {DEFAULT_KUBERNETES} is assumed; --kubernetes-version names another"
            ),
            environment=view.name,
        )
    unevaluated: dict[tuple[str, str], None] = {}
    unknown: dict[tuple[str, str], None] = {}
    for manifest in view.resources:
        verdict = manifest.resource.verdict
        if verdict is None:
            continue
        if verdict.status == "no-schema":
            unknown[manifest.application, f"{manifest.identity.api_version} {manifest.kind}"] = None
        elif not verdict.rules_checked and _has_rules(manifest, kubernetes_version):
            unevaluated[manifest.group, manifest.kind] = None
    for application, kind in unknown:
        yield NotChecked(
            f"kind {kind}",
            "no schema",
            f"list a file with its CustomResourceDefinition under crds: in {SETTINGS}",
            environment=view.name,
            application=application,
        )
    if unevaluated:
        yield NotChecked(
            f"CEL rules of {join_and(sorted({kind for _, kind in unevaluated}))}",
            "kubeconform does not evaluate them",
            "modelyard tools install modelyard-render, and use the library backend",
            environment=view.name,
        )


def _has_rules(manifest: Manifest, kubernetes_version: str) -> bool:
    return _rules(kubernetes_version or DEFAULT_KUBERNETES, manifest.identity.api_version, manifest.kind)


@cache
def _rules(kubernetes_version: str, api_version: str, kind: str) -> bool:
    return SchemaBundle(kubernetes_version).has_rules(api_version, kind)
