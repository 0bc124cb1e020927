"""Engines whose image and label name two versions."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rendering import split_image
from modelyard.rules import rule
from modelyard.view import VERSION_LABEL, Environment, version_in


@rule("serving/version-mismatch", warning, since="0.1.0")
def version_mismatch(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A version label that differs from the image misleads dashboards and people; checks use the image's version."""
    configured = environment.repository.engine_versions
    for model in environment.models:
        by_tag, by_mapping = model.tag_version, configured.get(split_image(model.container.image)[0])
        by_image = by_tag or by_mapping
        told = "its image" if by_tag else "modelyard.yaml"
        for labels, at in (
            (
                model.template.labels,
                model.template.manifest.at((*model.template.path, "metadata", "labels", VERSION_LABEL)),
            ),
            (model.workload.manifest.labels, model.workload.manifest.at(("metadata", "labels", VERSION_LABEL))),
        ):
            by_label = version_in(str(labels.get(VERSION_LABEL) or ""))
            if by_image and by_label and by_label != by_image:
                yield Finding(
                    at=at,
                    message=f"{model.name} runs version {by_image} by {told}, but {VERSION_LABEL} says {by_label}",
                    fix=f"write {by_image}, or remove the label if the tag is a version",
                )
                break
