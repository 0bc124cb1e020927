"""Images whose tag moves."""

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rendering import split_image
from modelyard.rules import rule
from modelyard.view import Environment, mapping, numbered

_NAMES = "latest|main|master|head|nightly|dev|develop|edge|stable|canary|rolling|lts|current|slim|alpine"
_MOVING = re.compile(rf"({_NAMES}|v?\d+(\.\d+)?)([-_.].*)?", re.I)
# The last form is a month's release, such as 26.07-vllm-python-py3 of NVIDIA's containers.
_FIXED = re.compile(r"(?<!\d)v?\d+\.\d+\.\d+|[0-9a-f]{7,40}\b|\d{8}|^[2-9]\d\.(0[1-9]|1[0-2])-")
_FIX = "pin a release, such as v1.2.3, or a digest"


@rule("images/floating-tag", warning, since="0.1.0")
def floating_tag(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A mutable tag lets replicas run different engines, and changes what runs without a commit."""
    for workload in environment.workloads:
        for container in workload.containers:
            name, tag, digest = split_image(container.image)
            if tag and not digest and moves(tag):
                yield Finding(
                    at=container.at("image"),
                    message=f"{container} runs {name}:{tag}, a mutable tag",
                    fix=_FIX,
                )
        for template in workload.templates:
            for index, volume in numbered(template.spec, "volumes"):
                name, tag, digest = split_image(str(mapping(volume, "image").get("reference") or ""))
                if tag and not digest and moves(tag):
                    yield Finding(
                        at=workload.manifest.at((*template.spec_path, "volumes", index, "image", "reference")),
                        message=f"volume {volume.get('name')} of {workload.manifest} is {name}:{tag}, a mutable tag",
                        fix=_FIX,
                    )


def moves(tag: str) -> bool:
    """Return whether an image tag is one that its owner moves, as far as its form tells."""
    return bool(_MOVING.fullmatch(tag)) and not _FIXED.search(tag)
