"""What an environment costs, from its manifests and its Terraform variables."""

from __future__ import annotations

import re
from pathlib import Path

import hcl2
import pytest
import yaml

from modelyard.catalog import region
from modelyard.checking.environments import environments
from modelyard.costing import EnvironmentCost, dimensions, environment_cost, node_costs, platform_lines
from modelyard.costing.prices import service_prices
from modelyard.costing.variables import KEYS
from modelyard.repository import Repository
from modelyard.view import Environment

PROJECT = Path(__file__).parents[2]
CHAT = "environments/dev/models/chat/kustomization.yaml"
PATCH = "      - {op: add, path: /spec/template/spec/containers/0/args/-, value: --max-num-seqs=64}\n"

HOUR = 730.0
DISKS = 24 * 0.08 / HOUR  # 4 and 20 GiB; images and weights are on the type's own disks
GUIDE = 296.21  # USD a month: AWS's guide for an inference-ready cluster, see prices.yaml


def cost_of(root: Path) -> EnvironmentCost:
    [view] = environments(Repository(root)).views
    return environment_cost(view)


def price(name: str) -> float:
    found = region("us-west-2")
    assert found is not None
    usd = found.offers[name].price.usd_per_hour
    assert usd is not None
    return usd


def edit(root: Path, file: str, old: str, new: str) -> None:
    text = (root / file).read_text()
    assert text.count(old) == 1, (file, old)
    (root / file).write_text(text.replace(old, new))


def test_one_model_on_one_node(one_model: Path) -> None:
    cost = cost_of(one_model)
    [chat] = cost.nodes.models
    assert (chat.name, chat.pool, chat.nodes) == ("chat", "gpu", "1 x g6.xlarge")
    assert chat.cost.floor.low == pytest.approx(price("g6.xlarge") + DISKS)
    assert chat.cost.ceiling == chat.cost.floor
    # maxSurge 1 and maxUnavailable 0: a second pod needs a second GPU before the first goes.
    assert chat.cost.rolling.low == pytest.approx(2 * chat.cost.floor.low)
    [pool] = cost.nodes.pools
    assert pool.nodes == (1, 1, 2)
    assert cost.total.floor.complete
    assert cost.total.floor.low == pytest.approx(
        chat.cost.floor.low + sum(line.cost.floor.low for line in cost.platform)
    )


def test_an_autoscaler_has_a_floor_and_a_ceiling(one_model: Path) -> None:
    (one_model / "environments/dev/models/chat/scaler.yaml").write_text(
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: chat}\nspec:\n"
        "  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: chat}\n  minReplicas: 1\n  maxReplicas: 3\n"
    )
    edit(one_model, CHAT, "qwen3-1-7b-vllm-gpu\n", "qwen3-1-7b-vllm-gpu\n  - scaler.yaml\n")
    [chat] = cost_of(one_model).nodes.models
    assert chat.cost.floor.low == pytest.approx(price("g6.xlarge") + DISKS)
    # Three pods with a GPU each: one type of three nodes, or fewer larger ones, whatever is cheapest for Karpenter.
    assert chat.cost.ceiling.low > 2 * chat.cost.floor.low
    assert chat.cost.rolling.low > chat.cost.ceiling.low


def test_two_models_share_a_pool(bases: dict[str, Path]) -> None:
    cost = cost_of(bases["two-models"])
    assert [owner.name for owner in cost.nodes.models] == ["chat", "chat-batch"]
    [pool] = cost.nodes.pools
    assert sum(owner.cost.floor.low for owner in cost.nodes.models) == pytest.approx(pool.cost.floor.low)


def test_spot_is_a_range(one_model: Path) -> None:
    edit(
        one_model,
        "bases/platform/karpenter/pools/gpu.yaml",
        "            - on-demand\n",
        "            - spot\n",
    )
    [chat] = cost_of(one_model).nodes.models
    # No spot price is in the data, so which type is cheapest today is not known either.
    kind = chat.nodes.removeprefix("1 x ")
    assert chat.cost.floor.low == pytest.approx(0.1 * price(kind) + DISKS)
    assert chat.cost.floor.high == pytest.approx(price(kind) + DISKS)


def test_volumes_and_load_balancers_of_manifests(one_model: Path) -> None:
    (one_model / "environments/dev/models/chat/more.yaml").write_text(
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: cache}\nspec:\n"
        "  storageClassName: gp3\n  accessModes: [ReadWriteOnce]\n  resources: {requests: {storage: 100Gi}}\n---\n"
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: shared}\nspec:\n"
        "  storageClassName: efs\n  accessModes: [ReadWriteMany]\n  resources: {requests: {storage: 100Gi}}\n---\n"
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: public\n  annotations:\n"
        "    service.beta.kubernetes.io/aws-load-balancer-scheme: internet-facing\n"
        "spec: {type: LoadBalancer, selector: {app: chat}, ports: [{port: 80}]}\n"
    )
    edit(one_model, CHAT, "qwen3-1-7b-vllm-gpu\n", "qwen3-1-7b-vllm-gpu\n  - more.yaml\n")
    cost = cost_of(one_model)
    rows = {line.name: line.cost.floor.month[0] for line in cost.platform}
    assert rows["volumes of pods"] == pytest.approx(8.00)
    assert rows["network load balancer"] == pytest.approx(0.0225 * 730)
    assert rows["public address"] == pytest.approx(4 * 3.65)
    assert ("PersistentVolumeClaim shared", "the price of storage class efs is not known") in cost.gaps


def test_variables_change_the_bill(one_model: Path) -> None:
    file = "environments/dev/terraform.tfvars"
    edit(one_model, file, 'nat_gateways       = "single"', 'nat_gateways       = "per-zone"')
    with (one_model / file).open("a") as stream:
        stream.write(
            'interface_endpoints = ["sts"]\nmanagement_host = true\nlustre = { storage_gib = 2400 }\n'
            'system_nodes = { instance_types = ["m7i.large"], min_size = 3, max_size = 3 }\n'
            'device_node_groups = { block = { ami_type = "AL2023_x86_64_NVIDIA", instance_types = ["p5.48xlarge"], '
            'max_size = 2, capacity_reservation_id = "cr-1" } }\n'
        )
    cost = cost_of(one_model)
    rows = {line.name: line for line in cost.platform}
    assert rows["NAT gateway"].quantity == "4"
    assert rows["VPC endpoint"].quantity == "1 in 4 zones"
    assert rows["nodes system"].quantity == "3 x m7i.large, 54 GiB gp3 each"
    assert rows["nodes system"].cost.floor.low == pytest.approx(3 * (price("m7i.large") + 54 * 0.08 / HOUR))
    assert rows["management host"].cost.floor.low == pytest.approx(price("t4g.small") + 20 * 0.08 / HOUR)
    assert rows["nodes block"].cost.floor.low == 0
    assert "capacity block of nodes block" in rows["nodes block"].cost.ceiling.unknown
    assert "fsx-lustre" in cost.total.floor.unknown


@pytest.mark.parametrize(
    ("variables", "absent"),
    [
        ({"existing_cluster": {"vpc_id": "vpc-1"}}, {"NAT gateway", "VPC endpoint", "nodes system"}),
        ({"nat_gateways": "none"}, {"NAT gateway", "address of NAT gateway"}),
        ({"auto_mode": True}, {"nodes system"}),
        ({"zones": "many", "system_nodes": "two", "interface_endpoints": 9, "lustre": 3}, {"VPC endpoint"}),
    ],
)
def test_what_is_not_made_is_not_billed(variables: dict[str, object], absent: set[str]) -> None:
    lines = platform_lines(dimensions({"zones": ["a", "b"], **variables}), "us-west-2")
    assert absent.isdisjoint(line.name for line in lines)
    assert "EKS control plane" in {line.name for line in lines}


def test_an_unknown_region_costs_an_unknown_amount(one_model: Path) -> None:
    edit(one_model, "environments/dev/environment.yaml", "region: us-west-2", "region: moon-1")
    cost = cost_of(one_model)
    assert cost.total.floor.low == 0
    assert "EKS control plane" in cost.total.floor.unknown
    assert any("moon-1" in reason for _, reason in cost.gaps)


@pytest.mark.parametrize("content", ["zones = [", 'x = "', "}{"])
def test_variables_that_cannot_be_read_are_a_gap(one_model: Path, content: str) -> None:
    (one_model / "environments/dev/terraform.tfvars").write_text(content)
    cost = cost_of(one_model)
    assert cost.platform == ()
    assert any("cannot be read as Terraform variables" in reason for _, reason in cost.gaps)


def test_defaults_are_those_of_terraform() -> None:
    def default(file: str, name: str) -> object:
        blocks = hcl2.loads((PROJECT / "terraform" / file).read_text())["variable"]
        found = next(block[key] for block in blocks for key in block if key.strip('"') == name)
        return found.get("default")

    assert default("variables-network.tf", "interface_endpoints") == []
    assert str(default("variables-network.tf", "nat_gateways")).strip('"') == "single"
    text = (PROJECT / "terraform/variables-cluster.tf").read_text()
    for line in (
        'instance_types = optional(list(string), ["m6i.large"])',
        "min_size       = optional(number, 2)",
        "max_size       = optional(number, 4)",
        "disk_gib       = optional(number, 50)",
        "min_size                = optional(number, 0)",
        "disk_gib                = optional(number, 40)",
    ):
        assert line in text
    keys = (PROJECT / "terraform/modules/encryption/main.tf").read_text()
    assert len(re.findall(r"^    \w+ += \"", keys.partition("keys = {")[2].partition("\n  }")[0], re.M)) == KEYS
    host = (PROJECT / "terraform/modules/management-host/main.tf").read_text()
    assert '"t4g.small"' in host


def test_a_bill_for_any_number_of_environments_is_worked_out_once(
    one_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def counted(view: Environment) -> object:
        calls.append(view.name)
        return node_costs(view)

    monkeypatch.setattr("modelyard.costing.environment.node_costs", counted)
    [view] = environments(Repository(one_model)).views
    assert environment_cost(view) is environment_cost(view)
    assert calls == ["dev"]


def test_a_default_platform_costs_no_more_than_the_guides(one_model: Path) -> None:
    cost = cost_of(one_model)
    platform = sum(line.cost.floor.low for line in cost.platform) * HOUR
    assert all(line.cost.floor.complete for line in cost.platform)
    assert 0.8 * GUIDE <= platform <= 1.1 * GUIDE


def test_questions_tell_the_prices_of_the_table() -> None:
    asked = yaml.safe_load((PROJECT / "copier.yml").read_text())
    month = {
        name: (service_prices()[name].usd or 0) * HOUR for name in ("interface-endpoint", "nat-gateway", "public-ipv4")
    }
    (endpoints,) = [each for each, value in asked["vpc_endpoints"]["choices"].items() if value == "interface"]
    assert f"({month['interface-endpoint']:.2f} USD a month each in us-west-2, " in endpoints
    assert f"so {9 * month['interface-endpoint']:.2f} a zone)" in endpoints
    for choice in asked["nat_gateways"]["choices"]:
        assert f"({month['nat-gateway'] + month['public-ipv4']:.2f} USD a month" in choice


@pytest.mark.parametrize(("suspend", "when"), [("true", "started by hand"), ("false", "at 0 3 * * 0")])
def test_a_run_is_not_there_all_month(one_model: Path, suspend: str, when: str) -> None:
    before = cost_of(one_model)
    (one_model / "environments/dev/models/chat/run.yaml").write_text(
        "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: nightly, namespace: chat}\nspec:\n"
        f"  suspend: {suspend}\n  schedule: 0 3 * * 0\n  jobTemplate:\n    spec:\n      activeDeadlineSeconds: 7200\n"
        "      template:\n        spec:\n          restartPolicy: Never\n"
        "          tolerations: [{operator: Exists}]\n          containers:\n"
        "            - {name: run, image: example.org/run:1, resources: {limits: {nvidia.com/gpu: 1}}}\n"
    )
    edit(one_model, CHAT, "qwen3-1-7b-vllm-gpu\n", "qwen3-1-7b-vllm-gpu\n  - run.yaml\n")
    cost = cost_of(one_model)
    assert cost.total == before.total
    [run] = cost.runs
    assert (run.name, run.application, run.nodes, run.when, run.longest) == (
        "CronJob nightly",
        "chat",
        "1 x g6.xlarge",
        when,
        2,
    )
    assert run.per_hour.low == pytest.approx(before.nodes.models[0].cost.floor.low)
