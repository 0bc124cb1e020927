"""Applications with one source and several at a time."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment


@rule("argocd/source-and-sources", error, since="0.1.0")
def source_and_sources(environment: Environment) -> Iterator[Finding | NotChecked]:
    """With both `source` and `sources`, Argo CD reads only `sources`; with neither, it has nothing to sync."""
    for manifest in environment.of_kind("Application", "argoproj.io"):
        one, many = bool(manifest.get("spec.source")), bool(manifest.get("spec.sources"))
        if one and many:
            yield Finding(
                at=manifest.at("spec.source", key=True),
                message=f"application {manifest.name} has both source and sources, and Argo CD ignores source",
                fix="keep one; a patch that writes /spec/source should target single-source Applications only",
            )
        elif not one and not many and not manifest.get("spec.sourceHydrator"):
            yield Finding(
                at=manifest.at("spec", key=True),
                message=f"application {manifest.name} has neither source nor sources",
                fix="add spec.source with the path of its folder",
            )
