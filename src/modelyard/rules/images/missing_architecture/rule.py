"""Images that have no half for the processors that their pods land on."""

from collections.abc import Iterator

from modelyard.catalog import image_architectures
from modelyard.findings import Finding, NotChecked, error
from modelyard.placement import placements
from modelyard.rendering import split_image
from modelyard.rules import rule
from modelyard.view import Environment
from modelyard.wording import join_and


@rule("images/missing-architecture", error, since="0.1.0")
def missing_architecture(environment: Environment) -> Iterator[Finding | NotChecked]:
    """An x86 image does not run on Graviton: the container fails with `exec format error` on every node."""
    for placement in placements(environment):
        nodes = {option.kind.architecture for verdict in placement.accepting for option in verdict.options}
        for container in placement.template.containers:
            built = image_architectures(split_image(container.image)[0])
            missing = sorted(each for each in nodes if each and each not in built) if built else []
            if missing:
                yield Finding(
                    at=container.image_name_at,
                    message=f"{container} may land on {join_and(missing)} nodes, but {container.image} is "
                    f"built only for {join_and(sorted(built))}",
                    fix="build the image for both (images/mlserver) and set it in versions/, or require other nodes",
                )
