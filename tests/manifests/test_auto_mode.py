"""Pools of EKS Auto Mode: those of Karpenter under other names, and nothing installed that it brings."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard.catalog import component_from_mapping
from modelyard.placement.auto_mode import FAMILIES
from modelyard.placement.labels import OF_AUTO_MODE_TYPES
from tests.manifests.composition import BASES, Resource, shipped
from tests.manifests.test_devices import Environments, illegal, of_kind, requirements

PLATFORM = BASES / "platform"
BROUGHT = {
    "aws-load-balancer-controller",
    "efa-device-plugin",
    "karpenter",
    "karpenter-crd",
    "neuron-device-plugin",
    "neuron-scheduler",
    "nvidia-device-plugin",
    "nvidia-dra-driver",
}
"""What Auto Mode brings, and what works with nothing but that."""
# Labels that pools may require beside those of instance types; kubernetes.io/os is one that Auto Mode does not take.
OTHERS = {"karpenter.sh/capacity-type", "kubernetes.io/arch", "topology.kubernetes.io/zone"}


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Environments:
    return Environments(tmp_path_factory.mktemp("environments"))


def under_names_of_auto_mode(wanted: dict[str, list[str]]) -> dict[str, list[str]]:
    return {
        key.replace("karpenter.k8s.aws/", "eks.amazonaws.com/"): values
        for key, values in wanted.items()
        if key != "kubernetes.io/os"
    }


@pytest.mark.parametrize(("multinode", "spot"), list(itertools.product((False, True), repeat=2)))
def test_pools_are_those_of_karpenter(environments: Environments, multinode: bool, spot: bool) -> None:
    answers: dict[str, Any] = {"gpu_multinode_pool": multinode, "spot_capacity": spot, "gpu_limit": 24}
    theirs = of_kind(environments.of("karpenter", **answers), "NodePool")
    resources = environments.of("auto-mode", auto_mode=True, **answers)
    ours = of_kind(resources, "NodePool")
    assert set(ours) == set(theirs) == set(of_kind(resources, "NodeClass"))
    for name, pool in ours.items():
        template, other = pool["template"]["spec"], theirs[name]["template"]["spec"]
        assert template["nodeClassRef"] == {"group": "eks.amazonaws.com", "kind": "NodeClass", "name": name}
        assert requirements(pool) == under_names_of_auto_mode(requirements(theirs[name])), name
        assert template.get("taints") == other.get("taints"), name
        assert pool["limits"] == theirs[name]["limits"], name
        assert pool["disruption"] == theirs[name]["disruption"], name
        assert set(requirements(pool)) <= {*OF_AUTO_MODE_TYPES, *OTHERS}, name
        assert set(requirements(pool)["eks.amazonaws.com/instance-family"]) <= FAMILIES, name
    assert not list(illegal([each for each in resources if each["kind"] in ("NodePool", "NodeClass")]))


def test_node_classes_have_the_role_the_network_and_the_tag_of_the_cluster(environments: Environments) -> None:
    classes = of_kind(environments.of("auto-mode", auto_mode=True, gpu_multinode_pool=True), "NodeClass")
    found = [{"tags": {"karpenter.sh/discovery": "my-platform-dev"}}]
    for name, spec in classes.items():
        assert spec["role"] == "my-platform-dev-auto-mode-node"
        assert spec["subnetSelectorTerms"] == found
        assert spec["securityGroupSelectorTerms"][:1] == found
        assert spec["tags"] == {"modelyard.dev/cluster": "my-platform-dev"}
        assert ("capacityReservationSelectorTerms" in spec) is (name in ("gpu-multinode", "neuron"))
    efa = {"tags": {"modelyard.dev/security-group": "efa", "Name": "my-platform-dev-efa"}}
    assert efa in classes["gpu-multinode"]["securityGroupSelectorTerms"]


def test_a_misspelt_field_of_a_node_class_is_refused(environments: Environments) -> None:
    resources = environments.of("auto-mode", auto_mode=True)
    broken: list[Resource] = [each for each in resources if each["kind"] == "NodeClass"][:1]
    broken[0]["spec"]["ephemeralStorage"] = {"sise": "80Gi", "iops": 2000}
    problems = str([each[3] for each in illegal(broken)])
    assert "sise" in problems and "iops" in problems


def test_what_auto_mode_brings_is_not_installed() -> None:
    left_out = set()
    for file in PLATFORM.glob("*/component.yaml"):
        component = component_from_mapping(file.parent.name, yaml.safe_load(file.read_text()))
        if component.answers.get("auto_mode") is False:
            left_out.add(component.name)
    assert left_out == BROUGHT
    for file in PLATFORM.glob("*/component.yaml"):
        component = component_from_mapping(file.parent.name, yaml.safe_load(file.read_text()))
        if component.name not in BROUGHT:
            assert not BROUGHT.intersection(component.needs), f"{component.name} needs what Auto Mode leaves out"


def test_volumes_come_from_the_driver_of_auto_mode(environments: Environments) -> None:
    for auto_mode, driver in ((False, "ebs.csi.aws.com"), (True, "ebs.csi.eks.amazonaws.com")):
        (storage,) = [
            each
            for each in environments.of("storage", auto_mode=auto_mode)
            if each["kind"] == "StorageClass" and each["metadata"]["name"] == "gp3"
        ]
        assert storage["provisioner"] == driver
        assert storage["parameters"]["encrypted"] == "true"


def test_every_policy_that_lets_pods_ask_for_names_lets_them_ask_the_node() -> None:
    asked = 0
    for folder in (*sorted(PLATFORM.iterdir()), BASES / "logging/fluent-bit"):
        if not (folder / "kustomization.yaml").is_file() or folder.name in BROUGHT:
            continue
        for resource in documents(folder):
            if resource.get("kind") != "NetworkPolicy":
                continue
            for egress in resource["spec"].get("egress") or ():
                if "kube-dns" in str(egress):
                    asked += 1
                    assert {"ipBlock": {"cidr": "172.20.0.10/32"}} in egress["to"], folder.name
    assert asked >= 10


def documents(folder: Path) -> list[Resource]:
    return [
        each
        for file in folder.glob("*.yaml")
        for each in yaml.safe_load_all(file.read_text())
        if isinstance(each, dict)
    ]


def test_network_policies_are_enforced(environments: Environments) -> None:
    (settings,) = [
        each for each in environments.of("auto-mode", auto_mode=True) if each["metadata"]["name"] == "amazon-vpc-cni"
    ]
    assert settings["metadata"]["namespace"] == "kube-system"
    assert settings["data"] == {"enable-network-policy-controller": "true"}
    assert settings in list(shipped(PLATFORM / "auto-mode"))
