"""Images without a tag."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rendering import split_image
from modelyard.rules import rule
from modelyard.view import Environment


@rule("images/missing-tag", error, since="0.1.0")
def missing_tag(environment: Environment) -> Iterator[Finding | NotChecked]:
    """An image without a tag is `latest`: what runs changes with every new node, and no check knows its version."""
    for workload in environment.own_workloads:
        for container in workload.containers:
            name, tag, digest = split_image(container.image)
            if name and not tag and not digest:
                yield Finding(
                    at=container.at("image"),
                    message=f"{container} runs {name} without a tag, which means latest",
                    fix=f"add {name} to images in {environment.folder.path}/versions, and list that component last"
                    if environment.is_generated
                    else "name a release, such as v1.2.3, or a digest",
                )
