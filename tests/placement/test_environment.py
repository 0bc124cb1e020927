"""Placement in a repository: the view that rules and `modelyard place` read, in words and in numbers."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from modelyard.catalog import instance_type
from modelyard.checking.environments import environments
from modelyard.cli.application import run
from modelyard.placement import (
    QUOTAS,
    Demand,
    Fleet,
    Placement,
    Step,
    cluster,
    demands,
    fleet,
    other_architecture,
    placements,
    quota_of,
    scale,
    vcpus,
)
from modelyard.placement.capacity import allocatable, pods
from modelyard.placement.node_classes import KarpenterSettings, NodeClass
from modelyard.placement.volumes import Storage, volume_requirements
from modelyard.repository import Repository
from modelyard.view import Environment

PROJECT = Path(__file__).parents[2]
KUSTOMIZATION = "environments/dev/models/chat/kustomization.yaml"
ARGUMENT = "{op: add, path: /spec/template/spec/containers/0/args/-, value: --max-num-seqs=64}"


def view(root: Path) -> Environment:
    """Return the one environment of a repository."""
    return environments(Repository(root)).views[0]


def patched(root: Path, *operations: str) -> Environment:
    """Return the environment with other operations in the place of one that sets a flag."""
    file = root / KUSTOMIZATION
    file.write_text(file.read_text().replace(f"- {ARGUMENT}", "\n      ".join(f"- {each}" for each in operations)))
    return view(root)


def placement(environment: Environment, name: str = "chat") -> Placement:
    """Return where the pods of a workload can run."""
    return next(each for each in placements(environment) if each.workload.name == name)


def together(environment: Environment) -> list[tuple[Demand, Placement]]:
    """Return demands with the placements of their pods; DaemonSets follow the nodes."""
    counted = {id(each.template): each for each in demands(environment)}
    return [(counted[id(each.template)], each) for each in placements(environment) if not each.daemon]


POOLS = "environments/dev/platform/karpenter/kustomization.yaml"
NO_GRAVITON = """\
  - patch: |-
      apiVersion: karpenter.sh/v1
      kind: NodePool
      metadata: {name: cpu-arm64}
      $patch: delete
"""


def test_a_model_on_cpus_is_told_what_another_architecture_costs(one_model: Path) -> None:
    environment = view(one_model)
    assert other_architecture(placement(environment), cluster(environment)) is None, "it uses a GPU"
    model, pools = one_model / KUSTOMIZATION, one_model / POOLS
    model.write_text(model.read_text().replace("qwen3-1-7b-vllm-gpu", "tabular-xgboost-mlserver-cpu"))
    environment = view(one_model)
    found, other = placement(environment), other_architecture(placement(environment), cluster(environment))
    assert [each.pool for each in found.accepting] == ["cpu-amd64"]
    assert other is not None and (other.pool, other.options[0].name) == ("cpu-arm64", "c7g.large")
    pools.write_text(pools.read_text() + NO_GRAVITON)
    environment = view(one_model)
    assert other_architecture(placement(environment), cluster(environment)) is None, "there are no other CPUs"


def test_pools_come_in_karpenters_order_and_types_by_price(one_model: Path) -> None:
    found = placement(view(one_model))
    assert [each.pool for each in found.accepting] == ["gpu"]
    verdict = found.accepting[0]
    prices = [option.price(verdict.requirements) for option in verdict.options]
    known = [price for price in prices if price is not None]
    assert known == sorted(known) and len(known) > 10
    assert verdict.options[0].name == "g6.xlarge"
    assert verdict.capacity_types == ("on-demand",)
    assert [each.step for each in found.verdicts[1:]] == sorted((e.step for e in found.verdicts[1:]), reverse=True)


@pytest.mark.parametrize(
    ("operation", "step", "words"),
    [
        (
            "{op: replace, path: /spec/template/spec/containers/0/resources/requests/memory, value: 3Ti}",
            Step.ROOM,
            ["a pod asks for 3,072 GiB of memory", "its largest, leaves"],
        ),
        (
            "{op: add, path: /spec/template/spec/nodeSelector/topology.kubernetes.io~1zone, value: us-west-2x}",
            Step.TYPES,
            ["topology.kubernetes.io/zone=us-west-2x"],
        ),
        (
            "{op: add, path: /spec/template/spec/nodeSelector/karpenter.sh~1capacity-type, value: spot}",
            Step.LABELS,
            ["karpenter.sh/capacity-type=spot is required", "karpenter.sh/capacity-type=on-demand"],
        ),
        (
            "{op: remove, path: /spec/template/spec/tolerations}",
            Step.TAINTS,
            ["its taint nvidia.com/gpu:NoSchedule is not tolerated"],
        ),
    ],
)
def test_each_reason_in_words(one_model: Path, operation: str, step: Step, words: list[str]) -> None:
    found = placement(patched(one_model, operation))
    assert not found.accepting
    gpu = next(each for each in found.verdicts if each.pool == "gpu")
    assert gpu.step is step
    for each in words:
        assert each in "; ".join(gpu.reasons)
    assert all(each.reasons for each in found.verdicts), "a refusal without a reason"


CLAIM = "{op: add, path: /spec/template/spec/resourceClaims, value: [{name: gpu}]}"
FREE = "{op: replace, path: /spec/template/spec/nodeSelector, value: {example.com/devices: claimed}}"
NO_LIMIT = "{op: remove, path: /spec/template/spec/containers/0/resources/limits/nvidia.com~1gpu}"
GROUP = """
device_node_groups = {
  claimed = {
    ami_type       = "AL2023_x86_64_NVIDIA"
    instance_types = ["g6.12xlarge"]
    max_size       = 2
    labels         = { "example.com/devices" = "claimed" }
    taints         = [{ key = "nvidia.com/gpu", value = "present", effect = "NO_SCHEDULE" }]
  }
}
"""


def test_pods_with_resource_claims_need_a_managed_node_group(one_model: Path) -> None:
    found = placement(patched(one_model, CLAIM))
    assert found.refused and not found.verdicts
    [system] = found.groups
    assert system.group.name == "system"
    assert "karpenter.sh/nodepool=gpu is required, and its nodes do not have it" in system.reasons
    assert "m6i.large has no devices to claim" in system.reasons


def test_a_managed_node_group_takes_them_by_its_labels_and_taints(
    one_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    variables = one_model / "environments/dev/terraform.tfvars"
    variables.write_text(variables.read_text() + GROUP)
    replicas = "{op: replace, path: /spec/replicas, value: 3}"
    found = placement(patched(one_model, CLAIM, FREE, NO_LIMIT, replicas))
    assert not found.refused and not found.unknown
    [taken] = found.taking
    assert (taken.group.name, taken.group.most, taken.pods_per_node, taken.most_pods) == ("claimed", 2, 1, 2)
    assert _run(["place", str(one_model), "--application", "chat"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "claimed g6.12xlarge, a managed node group; 2 nodes at most" in shown
    assert "so 1 of 3 pods find no place" in shown
    variables.write_text(variables.read_text().replace('"nvidia.com/gpu"', '"example.com/else"'))
    refused = placement(view(one_model))
    assert refused.refused
    assert refused.groups[1].reasons == ("its taint example.com/else=present:NoSchedule is not tolerated",)


def test_pods_that_name_one_claim_are_all_on_the_node_that_has_the_device(one_model: Path) -> None:
    variables = one_model / "environments/dev/terraform.tfvars"
    variables.write_text(variables.read_text() + GROUP)
    named = CLAIM.replace("name: gpu", "name: gpu, resourceClaimName: gpu-shared")
    [taken] = placement(patched(one_model, named, FREE, NO_LIMIT)).taking
    assert taken.pods_per_node > 1
    assert (taken.nodes, taken.most_pods) == (1, taken.pods_per_node)


def test_without_known_groups_nothing_is_said_of_claims(one_model: Path) -> None:
    variables = one_model / "environments/dev/terraform.tfvars"
    variables.write_text(variables.read_text() + '\nexisting_cluster = { name = "theirs" }\n')
    found = placement(patched(one_model, CLAIM))
    assert found.unknown == "Karpenter starts no nodes for resource claims, and no managed node groups are known"
    assert not found.refused


def test_a_region_without_facts_is_not_judged(one_model: Path) -> None:
    file = one_model / "environments/dev/environment.yaml"
    file.write_text(file.read_text().replace("region: us-west-2", "region: mars-north-1"))
    assert placement(view(one_model)).unknown == "region mars-north-1 is not in the catalogue"


def test_nodes_at_scale_against_limits(one_model: Path) -> None:
    environment = patched(one_model, "{op: replace, path: /spec/replicas, value: 3}")
    seen = cluster(environment)
    pairs = [(demand, each.shape) for demand, each in together(environment)]
    running = fleet(seen, scale(pairs, lambda demand: demand.least))
    rolling = fleet(seen, scale(pairs, lambda demand: demand.most + demand.surge))
    assert running.used("gpu")["nvidia.com/gpu"] >= 3000
    assert rolling.used("gpu")["nvidia.com/gpu"] >= 4000
    assert len([pod for node in rolling.nodes for pod in node.pods]) == 4
    assert not running.left and not rolling.left


def test_pods_beyond_the_limit_are_left(one_model: Path) -> None:
    environment = patched(one_model, "{op: replace, path: /spec/replicas, value: 20}")
    seen = cluster(environment)
    pairs = [(demand, each.shape) for demand, each in together(environment)]
    found = fleet(seen, scale(pairs, lambda demand: demand.least))
    placed = sum(len(node.pods) for node in found.nodes)
    assert placed == 16 and len(found.left) == 4
    assert not found.takes(pairs[0][1])


@pytest.mark.parametrize("base", ["one-model", "multi-node", "other-engines"])
def test_more_pods_beside_a_fleet_go_where_they_would_go_after_it(bases: Mapping[str, Path], base: str) -> None:
    environment = view(bases[base])
    seen = cluster(environment)
    pairs = [(demand, each.shape) for demand, each in together(environment)]
    least = scale(pairs, lambda demand: demand.least)
    more = scale(pairs, lambda demand: 3 * demand.least)
    running = fleet(seen, least)
    alone = shown(running)
    assert [running.takes(shape) for _, shape in pairs], "what was asked leaves no trace"
    beside = running.beside(more)
    assert shown(beside) == shown(fleet(seen, [*least, *more]))
    assert len(shown(beside)[0]) > len(alone[0]) and shown(running) == alone
    assert shown(running.beside(more)) == shown(beside)


def shown(found: Fleet) -> tuple[list[tuple[str, str, list[str]]], list[str]]:
    """Return nodes with their pods, and pods that are left."""
    return (
        [(each.template.pool.name, each.option.name, [pod.workload.name for pod in each.pods]) for each in found.nodes],
        [each.workload.name for each in found.left],
    )


def test_surge_is_rounded_as_kubernetes_does(one_model: Path) -> None:
    environment = patched(
        one_model,
        "{op: replace, path: /spec/replicas, value: 3}",
        "{op: replace, path: /spec/strategy/rollingUpdate, value: {maxSurge: 25%, maxUnavailable: 25%}}",
    )
    demand = next(each for each in demands(environment) if each.workload.name == "chat")
    assert (demand.least, demand.most, demand.surge, demand.waits_for_surge) == (3, 3, 1, True)


def test_max_pods_by_interfaces_or_by_setting() -> None:
    kind = instance_type("g6.xlarge")
    assert kind is not None
    settings = KarpenterSettings()
    by_interfaces = pods(kind, NodeClass(), settings)
    assert by_interfaces == kind.default_card_enis * (kind.ipv4_per_eni - 1) + 2
    # With prefix delegation somebody has to say so, and Bottlerocket then keeps more memory for the kubelet.
    dense = NodeClass(max_pods=110)
    assert pods(kind, dense, settings) == 110
    less = allocatable(kind, NodeClass(), settings)["memory"] - allocatable(kind, dense, settings)["memory"]
    assert less == (110 - by_interfaces) * 11 * 2**20 * 1000


def test_volumes_bind_pods_to_zones() -> None:
    classes = yaml.safe_load(
        "{near: {allowedTopologies: [{matchLabelExpressions: [{key: topology.kubernetes.io/zone, values: [a, b]}]}]}}"
    )
    volumes = yaml.safe_load(
        "{old: {spec: {nodeAffinity: {required: {nodeSelectorTerms: "
        "[{matchExpressions: [{key: topology.kubernetes.io/zone, operator: In, values: [b]}]}]}}}}}"
    )
    claims = {
        ("models", "new"): {"spec": {"storageClassName": "near"}},
        ("models", "bound"): {"spec": {"volumeName": "old"}},
    }
    known = Storage(claims, volumes, classes)
    spec = {"volumes": [{"persistentVolumeClaim": {"claimName": name}} for name in ("new", "bound")]}
    found = volume_requirements(spec, "models", known)
    assert [sorted(each.get("topology.kubernetes.io/zone").values) for each in found] == [["b"]]
    assert volume_requirements({"volumes": [{"emptyDir": {}}]}, "models", known) == ()


def test_the_command_shows_pools_types_and_prices(one_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = _run(["place", str(one_model), "--env", "dev", "--application", "chat"])
    shown = capsys.readouterr().out
    assert code == 0
    assert "Deployment chat: 1 pod with 2 CPU" in shown
    assert "g6.xlarge at 0.8048 USD an hour" in shown
    assert "pool gpu" in shown and "of 16 nvidia.com/gpu" in shown


def test_the_command_fails_when_pods_run_nowhere(one_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    patched(one_model, "{op: replace, path: /spec/template/spec/containers/0/resources/requests/memory, value: 3Ti}")
    assert _run(["place", str(one_model)]) == 1
    shown = capsys.readouterr().out
    assert "no node pool takes them" in shown and "its largest, leaves" in shown
    assert _run(["place", str(one_model), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    chat = next(each for each in found["environments"][0]["workloads"] if each["name"] == "chat")
    assert chat["requests"]["memory"] == 3 * 2**40
    assert all(not pool["accepts"] and pool["reasons"] for pool in chat["pools"])


def test_the_command_names_an_application_that_is_missing(one_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(["place", str(one_model), "--application", "chta"]) == 2
    assert "has no application chta" in capsys.readouterr().err


def test_a_thousand_equal_shapes_are_judged_once(thousand: Callable[[], Environment]) -> None:
    environment = thousand()
    cluster(environment)
    started = time.process_time()
    found = placements(environment)
    seconds = time.process_time() - started
    assert len(found) >= 1000
    assert len({id(each.verdicts) for each in found}) == 1
    assert seconds < 2, f"{len(found)} placements took {seconds:.2f} s of processor time"


@pytest.fixture
def thousand(one_model: Path) -> Callable[[], Environment]:
    """Return a function that makes a view with a thousand workloads of one shape."""
    from dataclasses import replace

    def made() -> Environment:
        environment = view(one_model)
        application = next(each for each in environment.applications if each.name == "chat")
        return replace(environment, applications=tuple(replace(application) for _ in range(1000)))

    return made


def _run(arguments: list[str]) -> int:
    try:
        return run(arguments)
    except SystemExit as leaving:
        return int(leaving.code or 0)


def test_spot_without_prices_goes_in_the_order_of_on_demand_prices(
    one_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pools = [each for each in (one_model / "bases").rglob("*.yaml") if "kind: NodePool\n" in each.read_text()]
    assert pools
    for file in pools:
        file.write_text(file.read_text().replace("on-demand", "spot"))
    verdict = placement(view(one_model)).accepting[0]
    assert verdict.capacity_types == ("spot",)
    known = [option.offer.on_demand for option in verdict.options if option.offer.on_demand is not None]
    assert known == sorted(known) and verdict.options[0].name == "g6.xlarge"
    assert all(option.price(verdict.requirements) is None for option in verdict.options)
    assert _run(["place", str(one_model), "--application", "chat"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "g6.xlarge (spot prices are not known; in the order of on-demand prices)" in shown


def test_quotas_are_those_that_terraform_asks_the_account_for() -> None:
    import hcl2

    [found] = hcl2.loads((PROJECT / "terraform/quotas.tf").read_text())["locals"]
    written = {
        key: (str(each["code"]).strip('"'), str(each["name"]).strip('"')) for key, each in found["vcpu_quotas"].items()
    }
    assert {quota.key: (quota.code, quota.name) for quota in QUOTAS} == written


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("g6.xlarge", "g"),
        ("p5.48xlarge", "p"),
        ("trn1.32xlarge", "trn"),
        ("inf2.xlarge", "inf"),
        ("m7i.large", "standard"),
    ],
)
def test_families_count_against_their_quota(name: str, key: str) -> None:
    kind = instance_type(name)
    assert kind is not None
    assert vcpus([(kind, "on-demand"), (kind, "on-demand"), (kind, "spot")]) == {key: 2 * kind.vcpus}


def test_families_without_a_quota_here_are_not_counted() -> None:
    kind = instance_type("x2idn.16xlarge")
    assert kind is not None and quota_of(kind) is None
    assert vcpus([(kind, "on-demand")]) == {}


def test_the_command_shows_quotas_and_incomplete_groups(
    bases: Mapping[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = Path(shutil.copytree(bases["multi-node"], tmp_path / "multi-node", symlinks=True))
    pools = root / "environments/dev/platform/karpenter/kustomization.yaml"
    pools.write_text(pools.read_text().replace('nvidia.com/gpu: "32"', 'nvidia.com/gpu: "11"'))
    _run(["place", str(root)])
    shown = " ".join(capsys.readouterr().out.split())
    assert "vCPUs of quota g (L-DB2E81BA, Running On-Demand G and VT instances): at least" in shown
    assert "what the account has of standard and g is not known" in shown
    assert (
        "at least, 0 of 1 group of LeaderWorkerSet scout is whole; one serves only when all of its 2 pods run" in shown
    )
    assert "of RayService mistral is whole" not in shown.partition("at most, ")[0]
    _run(["place", str(root), "--json"])
    [found] = json.loads(capsys.readouterr().out)["environments"]
    assert found["units"]["at least"] == [
        {"workload": "LeaderWorkerSet scout", "unit": "group", "pods": 2, "wanted": 1, "whole": 0},
        {"workload": "RayService mistral", "unit": "cluster", "pods": 2, "wanted": 1, "whole": 1},
    ]
    [standard, g] = found["vcpu-quotas"]
    assert (standard["name"], g["name"], g["stated"]) == ("standard", "g", None)
    assert [group["name"] for group in found["managed-groups"]] == ["system"]


SHARED = """[settings.kubelet-device-plugins.nvidia]
    device-sharing-strategy = "time-slicing"
    [settings.kubelet-device-plugins.nvidia.time-slicing]
    replicas = 4
    rename-by-default = false
"""


def test_a_ready_node_counts_its_shares_against_room_and_limits(one_model: Path) -> None:
    pools = one_model / "bases/platform/karpenter/pools/gpu.yaml"
    pools.write_text(pools.read_text().rstrip() + "\n    " + SHARED)
    limits = one_model / "environments/dev/platform/karpenter/kustomization.yaml"
    limits.write_text(limits.read_text().replace('nvidia.com/gpu: "16"', 'nvidia.com/gpu: "8"'))
    environment = patched(one_model, "{op: replace, path: /spec/replicas, value: 9}")
    wanted = [(demand, found.shape) for demand, found in together(environment) if found.workload.name == "chat"]
    placed = fleet(cluster(environment), scale(wanted, lambda demand: demand.least))
    own = [len(node.pods) for node in placed.nodes if node.template.pool.name == "gpu"]
    # The third node would be within what EC2 reports, and beyond what two ready nodes count.
    assert len(own) == 2 and placed.used("gpu")["nvidia.com/gpu"] == 8_000
    assert sum(own) + len(placed.left) == 9
