"""Sources of Applications that do not say what to read."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import both
from modelyard.view import Environment, Source, sources


@rule("argocd/incomplete-source", error, since="0.3.0")
def incomplete_source(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Argo CD refuses an Application whose source names no repository, no path or chart, or a chart of no version."""
    for manifest in environment.of_kind("Application", "argoproj.io"):
        several = manifest.has("spec.sources")
        for source in sources(manifest):
            if missing := _missing(source, several=several):
                yield Finding(
                    at=manifest.at(source.path, key=True),
                    message=f"{'.'.join(map(str, source.path))} of application {manifest.name} does not set {missing}",
                    fix=f"set {missing}",
                )


def _missing(source: Source, *, several: bool) -> str:
    """Return what Argo CD asks for, as validateSourcePermissions of its util/argo/argo.go does."""
    lacking = [] if source.repository else ["repoURL"]
    if not source.value.get("path") and not source.chart and not (several and source.value.get("ref")):
        lacking.append("path or chart")
    if source.chart and not source.revision:
        lacking.append("targetRevision")
    return both(lacking)
