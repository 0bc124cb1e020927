"""Names that only AWS knows: every one that is written here is in the catalogue's data, with where it was read."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modelyard.catalog import AwsNameKind, aws_names
from tests.terraform.configuration import CONFIGURATIONS, REPOSITORY, Plan

KINDS = AwsNameKind
TEXTS = [
    path
    for folder in ("terraform", "bases", "template")
    for path in (REPOSITORY / folder).rglob("*")
    if path.is_file() and path.suffix not in {".json", ".png"} and ".terraform" not in path.parts
]
# Name of a kind as it is written; a scan looks at Terraform alone unless it says otherwise.
WRITTEN = {
    KINDS.MANAGED_POLICY: r'"(?:arn:[^"]*iam::aws:policy/)?((?:[a-z-]+/)*Amazon[A-Z]\w+)"',
    KINDS.ACCESS_POLICY: r"cluster-access-policy/(Amazon\w+)",
    KINDS.QUOTA: r"\b(L-[0-9A-F]{8})\b",
    KINDS.SERVICE_PRINCIPAL: r'"([a-z][a-z0-9.-]*(?:us-west-2[a-z0-9.-]*)?\.amazonaws\.com(?:\.cn)?)"',
    KINDS.IMAGE_TYPE: r"\b((?:AL2023|BOTTLEROCKET)_\w+)\b",
    KINDS.PARAMETER: r'"(/aws/service/[^"*]+)"',
    KINDS.IMAGE_RELEASE: r"\b((?:bottlerocket|al2023)@v[\w.]*\w)",
}
LISTS = {
    KINDS.ADDON: (
        ("modules/nodes/addons.tf", r"_nodes\s*=\s*toset\((.*?)\)\n"),
        ("variables-cluster.tf", r"addon_versions\) : contains\(\[(.*?)\]"),
    ),
    KINDS.ENDPOINT_SERVICE: (("variables-network.tf", r"(?:default\s*=|setsubtract\()\s*\[(.*?)\]"),),
}


def written(kind: AwsNameKind) -> Iterator[tuple[str, Path]]:
    for path in TEXTS:
        text = path.read_text().replace("${var.region}", "us-west-2")
        if kind is KINDS.IMAGE_RELEASE or "terraform" in path.relative_to(REPOSITORY).parts:
            yield from ((name, path) for name in re.findall(WRITTEN[kind], text))


def missing(kind: AwsNameKind, names: Iterator[tuple[str, Path]]) -> list[str]:
    found = list(names)
    assert found, f"no name of {kind} is written any more, or not in the form that is looked for"
    known = aws_names(kind)
    return sorted({f"{path.relative_to(REPOSITORY)}: {name}" for name, path in found if known.find(name) is None})


@pytest.mark.parametrize("kind", WRITTEN)
def test_written_names_are_known(kind: AwsNameKind) -> None:
    names = written(kind)
    if kind is KINDS.MANAGED_POLICY:
        # Locals name policies of both kinds alike.
        of_clusters = aws_names(KINDS.ACCESS_POLICY).names
        names = ((name, path) for name, path in names if name not in of_clusters or "/" in name)
    assert missing(kind, names) == []


@pytest.mark.parametrize("kind", LISTS)
def test_listed_names_are_known(kind: AwsNameKind) -> None:
    listed = (
        (name, REPOSITORY / "terraform" / file)
        for file, pattern in LISTS[kind]
        for block in re.findall(pattern, (REPOSITORY / "terraform" / file).read_text(), re.DOTALL)
        for name in re.findall(r'"([a-z0-9][a-z0-9.-]+)"', block)
        if name not in ("single", "per-zone", "none", "NAT")
    )
    assert missing(kind, listed) == []


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_planned_names_are_known(planned: Callable[[str], Plan], configuration: str) -> None:
    plan = planned(configuration)
    attachments = ("aws_iam_role_policy_attachment", "policy_arn", "arn:aws:iam::aws:policy/")
    access = ("aws_eks_access_policy_association", "policy_arn", "arn:aws:eks::aws:cluster-access-policy/")
    for kind, (resource, attribute, prefix) in {
        KINDS.MANAGED_POLICY: attachments,
        KINDS.ACCESS_POLICY: access,
        KINDS.ADDON: ("aws_eks_addon", "addon_name", ""),
        KINDS.IMAGE_TYPE: ("aws_eks_node_group", "ami_type", ""),
        KINDS.ENDPOINT_SERVICE: ("aws_vpc_endpoint", "service_name", "com.amazonaws.us-west-2."),
    }.items():
        given = {str(it.values[attribute]) for it in plan.of(resource) if it.values.get(attribute)}
        # What is made here has an account in its ARN, and is none of AWS's names.
        of_aws = {name.removeprefix(prefix) for name in given if name.startswith(prefix)}
        assert {name for name in of_aws if aws_names(kind).find(name) is None} == set()
    services = {
        service
        for _, _, document in plan.policies()
        for statement in document["Statement"]
        if isinstance(statement.get("Principal"), dict)
        for service in [statement["Principal"].get("Service", [])]
        for service in (service if isinstance(service, list) else [service])
    }
    assert {name for name in services if aws_names(KINDS.SERVICE_PRINCIPAL).find(name) is None} == set()
    assert services


@pytest.mark.parametrize("kind", AwsNameKind)
def test_every_name_says_where_and_when_it_was_read(kind: AwsNameKind) -> None:
    for name in aws_names(kind).names.values():
        assert name.source
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", name.read)


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (KINDS.MANAGED_POLICY, "service-role/AmazonEBSCSIDriverPolicyV2"),
        (KINDS.ACCESS_POLICY, "AmazonEKSClusterAdmin"),
        (KINDS.ADDON, "ebs-csi-driver"),
        (KINDS.QUOTA, "L-00000000"),
        (KINDS.ENDPOINT_SERVICE, "ecr"),
        (KINDS.SERVICE_PRINCIPAL, "logs.us-west-2.aws.com"),
        (KINDS.IMAGE_TYPE, "AL2023_ARM_64_NEURON"),
        (KINDS.IMAGE_RELEASE, "bottlerocket@v1.64"),
        (KINDS.PARAMETER, "/aws/service/bottlerocket/aws-k8s-1.36-neuron/x86_64/latest/image_id"),
    ],
)
def test_a_name_that_is_nearly_right_is_not_known(kind: AwsNameKind, wrong: str) -> None:
    assert aws_names(kind).find(wrong) is None
