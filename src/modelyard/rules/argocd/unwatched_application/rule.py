"""Applications and ApplicationSets that no controller of Argo CD looks at."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import ChartValues, Environment

_CHART = "argo-cd"
_OBJECTS = ("Application", "ApplicationSet", "AppProject")


@rule("argocd/unwatched-application", error, since="0.3.0")
def unwatched_application(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Argo CD reads Applications of its own namespace; those of ApplicationSets are made by a controller of its own."""
    values = next((each for each in environment.chart_values if each.source.chart == _CHART), None)
    if values is None or values.unreadable or values.missing:
        return
    own = str(values.get("namespaceOverride") or values.application.namespace)
    for kind in _OBJECTS:
        for manifest in environment.of_kind(kind, "argoproj.io"):
            if not environment.is_ours(manifest):
                continue
            namespace = environment.namespace_of(manifest)
            if own and namespace and not _reads(values, kind, namespace, own):
                yield Finding(
                    at=manifest.at("metadata.namespace"),
                    message=f"{kind} objects are in namespace {namespace}, and Argo CD reads those of {own} alone",
                    fix=f"write namespace: {own}",
                )
    replicas = values.get("applicationSet.replicas")
    if replicas == 0 or values.get("applicationSet.enabled") is False:
        for manifest in environment.of_kind("ApplicationSet", "argoproj.io"):
            if environment.is_ours(manifest):
                yield Finding(
                    at=manifest.at("kind"),
                    message=f"{manifest} makes no Applications: chart {_CHART} runs no controller of ApplicationSets "
                    "(applicationSet.replicas is 0)",
                    fix="set applicationSet.replicas to 1, or write the Applications themselves",
                )


def _reads(values: ChartValues, kind: str, namespace: str, own: str) -> bool:
    setting = "applicationsetcontroller.namespaces" if kind == "ApplicationSet" else "application.namespaces"
    params = values.get("configs.params", {})
    more = str(params.get(setting) or "") if isinstance(params, dict) and kind != "AppProject" else ""
    return namespace == own or any(
        fnmatchcase(namespace, pattern.strip()) or pattern.strip().startswith("/")
        for pattern in more.split(",")
        if pattern
    )
