"""The mock AWS makes nothing because its name was missing: it refuses, in AWS's words where they are known."""

from __future__ import annotations

import pytest

from modelyard.rehearsal.cloud.mock_aws.eks import Eks
from modelyard.rehearsal.cloud.mock_aws.json_services import Targets
from modelyard.rehearsal.cloud.mock_aws.names import architecture_of_image, unknown_principals
from modelyard.rehearsal.cloud.mock_aws.scope import Json, Refused, Scope

SCOPE = Scope("123456789012", "us-west-2")
POLICY = "arn:aws:eks::aws:cluster-access-policy"
BOTTLEROCKET = "/aws/service/bottlerocket/aws-k8s-1.36-nvidia/x86_64"
AL2023 = "/aws/service/eks/optimized-ami/1.35/amazon-linux-2023"


@pytest.fixture
def eks() -> Eks:
    made = Eks(SCOPE, lambda vpc, cluster: "sg-1", lambda subnet: "vpc-1")
    network = {"subnetIds": ["subnet-1"]}
    made.answer("POST", "/clusters", {}, {"name": "dev", "version": "1.36", "resourcesVpcConfig": network})
    made.answer("POST", "/clusters/dev/access-entries", {}, {"principalArn": "me"})
    return made


@pytest.mark.parametrize(
    ("path", "right", "wrong", "words"),
    [
        (
            "addons",
            {"addonName": "vpc-cni"},
            {"addonName": "amazon-vpc-cni"},
            "Addon amazon-vpc-cni specified is not supported in 1.36 kubernetes version",
        ),
        (
            "access-entries/me/access-policies",
            {"policyArn": f"{POLICY}/AmazonEKSViewPolicy"},
            {"policyArn": f"{POLICY}/AmazonEKSReadPolicy"},
            "AmazonEKSReadPolicy is not valid",
        ),
        (
            "node-groups",
            {"nodegroupName": "a", "amiType": "AL2023_x86_64_NEURON"},
            {"nodegroupName": "b", "amiType": "BOTTLEROCKET_x86_64_NEURON"},
            "BOTTLEROCKET_x86_64_NEURON is not supported",
        ),
    ],
)
def test_eks_refuses_what_it_does_not_know(eks: Eks, path: str, right: Json, wrong: Json, words: str) -> None:
    assert eks.answer("POST", f"/clusters/dev/{path}", {}, right)
    with pytest.raises(Refused, match=words) as caught:
        eks.answer("POST", f"/clusters/dev/{path}", {}, wrong)
    assert caught.value.code == "InvalidParameterException"


def test_service_quotas_refuse_a_code_that_is_not_ec2s() -> None:
    targets = Targets(SCOPE)
    asked = {"ServiceCode": "ec2", "QuotaCode": "L-2C3B7624"}
    told = targets.answer("servicequotas", "GetServiceQuota", asked)
    assert told is not None and told["Quota"]["QuotaName"] == "Running On-Demand Trn instances"
    for wrong in ({**asked, "QuotaCode": "L-2C3B7625"}, {**asked, "ServiceCode": "eks"}):
        with pytest.raises(Refused, match="does not exist") as caught:
            targets.answer("servicequotas", "GetServiceQuota", wrong)
        assert caught.value.code == "NoSuchResourceException"


@pytest.mark.parametrize(
    ("parameter", "architecture"),
    [
        (f"{BOTTLEROCKET}/1.64.0/image_id", "x86_64"),
        (f"{BOTTLEROCKET}/latest/image_id", "x86_64"),
        (f"{BOTTLEROCKET}/1.64.9/image_id", None),
        (f"{BOTTLEROCKET.replace('nvidia', 'neuron')}/1.64.0/image_id", None),
        (f"{AL2023}/arm64/nvidia/recommended/image_id", "arm64"),
        (f"{AL2023}/x86_64/neuron/amazon-eks-node-al2023-x86_64-neuron-1.35-v20260714/image_id", "x86_64"),
        (f"{AL2023}/x86_64/neuron/amazon-eks-node-al2023-x86_64-neuron-1.35-v20260799/image_id", None),
        (f"{AL2023}/arm64/neuron/recommended/image_id", None),
    ],
)
def test_images_are_those_of_known_releases(parameter: str, architecture: str | None) -> None:
    assert architecture_of_image(parameter) == architecture


def test_principals_of_a_policy_that_no_service_has() -> None:
    policy = '{"Statement": [{"Principal": {"Service": ["ec2.amazonaws.com", "eks.aws.com"]}}, {"Principal": "*"}]}'
    assert unknown_principals(policy) == ["eks.aws.com"]
