"""Private networks in which nodes cannot do what they need the internet for."""

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rendering import split_image
from modelyard.rules import rule
from modelyard.rules.wording import both
from modelyard.view import Environment

_VARIABLE = "nat_gateways"
_ECR = re.compile(r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?")


@rule("terraform/missing-egress", warning, since="0.1.0")
def missing_egress(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Without NAT gateways, nodes pull images only from ECR, and Karpenter cannot create instance profiles."""
    terraform = environment.terraform
    if terraform is None or terraform.variable(_VARIABLE) != "none" or not terraform.resources("aws_vpc"):
        return
    images = {container.image for workload in environment.workloads for container in workload.containers}
    registries = sorted({registry for image in images if not _ECR.fullmatch(registry := _registry(image))})
    if registries:
        yield Finding(
            at=terraform.variable_at(_VARIABLE),
            message=f"{_VARIABLE} is none, but images of {environment} come from {', '.join(registries)}, which nodes "
            "without internet access cannot reach",
            fix="use copies in ECR (pull_through_caches), or set nat_gateways to single or per-zone",
        )
    classes = [
        each
        for each in environment.of_kind("EC2NodeClass")
        if each.get("spec.role") and not each.get("spec.instanceProfile")
    ]
    if classes:
        yield Finding(
            at=classes[0].at("spec.role"),
            message=f"{_VARIABLE} is none, so Karpenter cannot create instance profiles in IAM for the role of "
            f"{both(sorted(str(each) for each in classes))}",
            fix="set an instanceProfile that Terraform creates instead of role",
        )


def _registry(image: str) -> str:
    name, _, _ = split_image(image)
    host, slash, _ = name.partition("/")
    return host if slash and ("." in host or ":" in host or host == "localhost") else "docker.io"
