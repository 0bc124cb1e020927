"""What level `cloud` reads of others: values, user data, logs, Terraform's messages; and what it refuses."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from modelyard.checking.environments import environments
from modelyard.findings import UserError
from modelyard.rehearsal.cloud import karpenter, needs, outcomes
from modelyard.rehearsal.cloud.mock_result import MockCloudResult
from modelyard.rehearsal.cloud.registrar import Registrar, bootstrap
from modelyard.rehearsal.cloud.terraform import Diagnostic
from modelyard.repository import Repository
from modelyard.view import Environment

PROJECT = Path(__file__).parents[2]
BOTTLEROCKET = """
[settings]
[settings.kubernetes]
cluster-name = "dev"
[settings.kubernetes.node-labels]
'karpenter.sh/nodepool' = 'gpu'
[settings.kubernetes.node-taints]
'karpenter.sh/unregistered' = [':NoExecute']
'kubernetes.io/arch' = ['arm64:NoSchedule']
"""
AL2023 = """MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="//"

--//
Content-Type: application/node.eks.aws

apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec:
  instance:
    localStorage:
      strategy: RAID0

--//
Content-Type: application/node.eks.aws

# Karpenter Generated NodeConfig
apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec:
  cluster:
    name: dev
  kubelet:
    config:
      registerWithTaints:
      - effect: NoExecute
        key: karpenter.sh/unregistered
    flags:
    - --node-labels="karpenter.sh/capacity-type=on-demand,karpenter.sh/nodepool=gpu"

--//--
"""


@pytest.fixture(scope="module")
def view(bases: Mapping[str, Path]) -> Environment:
    return environments(Repository(bases["one-model"])).views[0]


def test_the_chart_puts_the_same_settings_into_karpenters_environment(view: Environment) -> None:
    found = karpenter.variables(karpenter.values_of(view))
    assert found == {
        "CLUSTER_NAME": "my-platform-dev",
        "INTERRUPTION_QUEUE": "my-platform-dev-karpenter",
        "EKS_CONTROL_PLANE": "true",
        "IGNORE_DRA_REQUESTS": "true",
        "FEATURE_GATES": "ReservedCapacity=true,SpotToSpotConsolidation=false,NodeRepair=true",
    }


def test_the_program_is_the_karpenter_that_the_template_installs() -> None:
    component = yaml.safe_load((PROJECT / "bases/platform/karpenter/component.yaml").read_text())
    shipped = component["chart"]["app-version"]
    locked = (PROJECT / "tools/rehearsal/karpenter-aws/go.mod").read_text()
    assert f"github.com/aws/karpenter-provider-aws v{shipped} " in locked
    assert f"sigs.k8s.io/karpenter v{shipped} " in locked


def test_auto_mode_has_no_karpenter_to_rehearse() -> None:
    view: Any = SimpleNamespace(name="dev", chart_values=())
    with pytest.raises(UserError, match="does not install Karpenter") as caught:
        karpenter.values_of(view)
    assert "Auto Mode" in caught.value.fix


def test_user_data_say_which_cluster_is_joined_and_how() -> None:
    assert bootstrap(BOTTLEROCKET) == {
        "cluster": "dev",
        "labels": {"karpenter.sh/nodepool": "gpu"},
        "taints": [
            {"key": "karpenter.sh/unregistered", "value": "", "effect": "NoExecute"},
            {"key": "kubernetes.io/arch", "value": "arm64", "effect": "NoSchedule"},
        ],
    }
    assert bootstrap(AL2023) == {
        "cluster": "dev",
        "labels": {"karpenter.sh/capacity-type": "on-demand", "karpenter.sh/nodepool": "gpu"},
        "taints": [{"effect": "NoExecute", "key": "karpenter.sh/unregistered"}],
    }
    assert bootstrap("#!/bin/sh\n/etc/eks/bootstrap.sh dev")["cluster"] == ""


class Cluster:
    """An API server that keeps what is posted, and knows one NodeClaim."""

    def __init__(self) -> None:
        self.made: list[dict[str, Any]] = []

    def request(self, method: str, path: str, body: Any = None, content_type: str = "") -> Any:
        if method == "POST":
            self.made.append(body)
        claim = {"status": {"providerID": "aws:///us-west-2a/i-1", "capacity": {"nvidia.com/gpu": "1"}}}
        return SimpleNamespace(ok=True, status=200, value={"items": [claim]})


MACHINE = {
    "id": "i-1",
    "type": "g6.xlarge",
    "zone": "us-west-2a",
    "name": "ip-10-0-0-1",
    "address": "10.0.0.1",
    "architecture": "x86_64",
    "user_data": BOTTLEROCKET,
    "role": "arn:aws:iam::111122223333:role/nodes",
    "admitted": {"dev": "EC2_LINUX"},
}


@pytest.mark.parametrize(
    "change, why",
    [
        ({"admitted": {}}, "no access entry of type EC2_LINUX for its role arn:aws:iam::111122223333:role/nodes"),
        ({"admitted": {"dev": "STANDARD"}}, "no access entry of type EC2_LINUX"),
        ({"role": ""}, "no instance profile with a role"),
        ({"user_data": BOTTLEROCKET.replace('"dev"', '"prod"')}, "names cluster prod, and this is dev"),
    ],
)
def test_a_machine_that_the_cluster_would_not_take_makes_no_node(change: dict[str, Any], why: str) -> None:
    api: Any = Cluster()
    registrar = Registrar(api, "dev")
    registrar.turn([{**MACHINE, **change}])
    assert api.made == [] and why in registrar.refused["i-1"]
    registrar.turn([MACHINE])
    (node,) = api.made
    assert registrar.refused == {}
    assert node["spec"]["providerID"] == "aws:///us-west-2a/i-1"
    assert node["metadata"]["labels"]["karpenter.sh/nodepool"] == "gpu"
    assert {each["key"] for each in node["spec"]["taints"]} == {"karpenter.sh/unregistered", "kubernetes.io/arch"}
    registrar.turn([MACHINE])
    assert len(api.made) == 1


def test_a_condition_that_stays_unknown_is_told_by_the_log(tmp_path: Path) -> None:
    log = tmp_path / "karpenter.log"
    lines = [
        {"level": "INFO", "EC2NodeClass": {"name": "gpu"}, "message": "fine"},
        {"level": "ERROR", "EC2NodeClass": {"name": "gpu"}, "error": "adding role, NoSuchEntity", "message": "failed"},
        {"level": "ERROR", "controller": "interruption", "error": "creating sqs provider, QueueDoesNotExist"},
    ]
    log.write_text("not JSON\n" + "".join(json.dumps(each, separators=(",", ":")) + "\n" for each in lines))
    conditions = [
        {"type": "Ready", "status": "Unknown", "reason": "ReconcilingDependents"},
        {"type": "InstanceProfileReady", "status": "Unknown", "reason": "AwaitingReconciliation"},
        {"type": "SubnetsReady", "status": "False", "reason": "SubnetsNotFound", "message": "none"},
        {"type": "ValidationSucceeded", "status": "False", "reason": "DependenciesNotReady"},
    ]
    answer = SimpleNamespace(value={"items": [{"metadata": {"name": "gpu"}, "status": {"conditions": conditions}}]})
    plane: Any = SimpleNamespace(api=SimpleNamespace(request=lambda *words: answer))
    process: Any = SimpleNamespace(log=log)
    (found,) = karpenter.node_classes(plane, process)
    assert not found.ready
    assert [(each.kind, each.told) for each in found.problems] == [
        ("SubnetsReady", "SubnetsNotFound: none"),
        ("InstanceProfileReady", "adding role, NoSuchEntity"),
    ]
    assert ("interruption", "creating sqs provider, QueueDoesNotExist") in list(karpenter.errors_of(process))


def test_what_the_mock_cannot_do_is_a_gap_and_no_finding(view: Environment) -> None:
    seen = MockCloudResult(
        failed=[Diagnostic("creating thing", "api error StandInException: KeyError", address="aws_x.y")]
    )
    assert list(outcomes.of_terraform(seen, view)) == []
    gaps = list(outcomes.gaps_of_terraform(seen, view))
    assert [each.subject for each in gaps] == ["Terraform's aws_x.y", "Karpenter in the account"]
    unanswered = karpenter.Condition("CapacityReservationsReady", "https response error StatusCode: 500, ...")
    seen = MockCloudResult(node_classes={"gpu": karpenter.NodeClass("gpu", False, (unanswered,), {})})
    assert not [each for each in outcomes.of_cloud(seen, view) if "CapacityReservations" in each.message]
    assert any("CapacityReservationsReady" in str(each.subject) for each in outcomes.gaps(seen, view))
    seen = MockCloudResult(failed=[Diagnostic("Invalid value", "name is too long", "terraform/main.tf", 3)])
    (found,) = outcomes.of_terraform(seen, view)
    assert str(found.at.place()) == "terraform/main.tf:3:1" and found.detail == ("name is too long",)


def test_without_moto_it_is_said_how_it_is_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "require", lambda name: None)
    monkeypatch.setattr(needs, "find", lambda name: None)
    known = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "moto" else known(name))
    with pytest.raises(UserError, match="moto") as caught:
        needs.require_all()
    assert "modelyard[rehearsal]" in caught.value.fix and caught.value.exit_code == 2


def test_the_provider_is_looked_for_where_terraform_puts_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (needs.PLUGINS, "TF_PLUGIN_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(needs, "_PLACES", ())
    assert needs.plugin_folder(tmp_path) is None
    there = tmp_path / "terraform/.terraform/providers/registry.terraform.io/hashicorp/aws/5.100.0/linux_amd64"
    there.mkdir(parents=True)
    (there / "terraform-provider-aws_v5.100.0_x5").touch()
    assert needs.plugin_folder(tmp_path) == tmp_path / "terraform" / ".terraform" / "providers"
    monkeypatch.setenv(needs.PLUGINS, str(tmp_path / "terraform" / ".terraform" / "providers"))
    assert needs.plugin_folder() == tmp_path / "terraform" / ".terraform" / "providers"
