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
    """A program for x86 does not run on Graviton: the container ends with `exec format error`, on every node again."""
    for placement in placements(environment):
        nodes = {option.kind.architecture for verdict in placement.accepting for option in verdict.options}
        for container in placement.template.containers:
            built = image_architectures(split_image(container.image)[0])
            missing = sorted(each for each in nodes if each and each not in built) if built else []
            if missing:
                yield Finding(
                    at=container.image_name_at,
                    message=f"{container} may land on {join_and(missing)} nodes, and {container.image} is built for "
                    f"{join_and(sorted(built))} alone",
                    fix="build the image for both (images/mlserver), and name it in versions/; or choose other nodes",
                )
