"""Images without a tag."""

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rendering import split_image
from modelyard.rules import rule
from modelyard.view import Environment

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


@rule("images/missing-tag", error, since="0.1.0")
def missing_tag(environment: Environment) -> Iterator[Finding | NotChecked]:
    """An image without a tag means `latest`: each new node may run another version, and no check knows which."""
    for workload in environment.own_workloads:
        for container in workload.containers:
            name, tag, digest = split_image(container.image)
            if name.rpartition("/")[2].isupper() and not environment.is_generated:
                yield NotChecked(
                    workload, f"{name} is filled in before it is applied: names of images are in lower case"
                )
                continue
            if digest and not _DIGEST.fullmatch(digest.removeprefix("@")) and "$" not in digest:
                yield Finding(
                    at=container.at("image"),
                    message=f"{container} runs {name}@{digest}, which is no digest: the kubelet refuses the name",
                    fix="write sha256: and 64 digits, or the version as newTag instead of digest",
                )
            if name and not tag and not digest:
                yield Finding(
                    at=container.at("image"),
                    message=f"{container} runs {name} without a tag, which means latest",
                    fix=f"add {name} to images in {environment.folder.path}/versions, and list that component last"
                    if environment.is_generated
                    else "pin a release, such as v1.2.3, or a digest",
                )
