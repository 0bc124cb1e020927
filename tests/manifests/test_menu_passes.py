"""Every overlay alone, with each feature, and with every legal pair of features, through `modelyard check`.

An environment that has what features assume (file systems, keys, a group of nodes for claims) leaves few findings, and
each of them stands here with its reason.
"""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from modelyard.checking import CheckOptions, check
from modelyard.editing import Changes, Menu, environment_files, sync_outputs
from modelyard.editing.changes import StagedFiles
from modelyard.editing.environment_folder import EnvironmentFiles
from modelyard.editing.identity import write_model
from modelyard.findings import Finding, NotChecked, Report
from tests.manifests.composition import BASES, OVERLAYS, engine_of, load, names
from tests.manifests.features import ENGINES, FEATURES, PAIRS, companies, is_legal, with_needs
from tests.repositories import URL, copy_template
from tests.repositories.edits import apply_edits

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("menu")]  # one check for all tests

# A region that offers every family of the overlays, and limits that hold all models at a time.
ANSWERS = {
    "scope": "environment",
    "account_id": "111122223333",
    "region": "us-east-2",
    "gpu_multinode_pool": True,
    "neuron_pool": True,
    "spot_capacity": True,
    "shared_file_system": True,
    "lustre_file_system": True,
    "weights_mount": True,
    "image_snapshot_id": "snap-0123456789abcdef0",
    "gpu_limit": 10_000,
    "gpu_multinode_limit": 10_000,
    "gpu_shared_limit": 10_000,
    "neuron_limit": 10_000,
    "cpu_limit": 100_000,
    "starter_models": "",
}
# Components that another excludes, or that ask for an answer of their own, and that no model needs.
LEFT_OUT = ("alert-receiver", "argocd-notifications", "fluent-bit-cloudwatch")
SHARING = {"gpu-mps": "mps", "gpu-mig": "mig"}
MENUS = 4
BUCKET = "my-platform-{}-models-111122223333"
OUTPUTS = {
    "shared_file_system_id": "fs-0123456789abcdef0",
    "lustre": {
        "file_system_id": "fs-0123456789abcdef1",
        "dns_name": "fs-0123456789abcdef1.fsx.us-east-2.amazonaws.com",
        "mount_name": "abcdefgh",
    },
}
NODES_FOR_CLAIMS = """
device_node_groups = {
  claims = {
    ami_type       = "AL2023_x86_64_NVIDIA"
    instance_types = ["g6e.12xlarge"]
    max_size       = 1000
    min_size       = 1
    labels         = { "nvidia.com/dra-kubelet-plugin" = "true" }
    taints         = [{ key = "nvidia.com/gpu", effect = "NO_SCHEDULE" }]
  }
  parts = {
    ami_type       = "AL2023_x86_64_NVIDIA"
    instance_types = ["p5.48xlarge"]
    max_size       = 1000
    min_size       = 1
    labels         = { "nvidia.com/dra-kubelet-plugin" = "true" }
    taints         = [{ key = "nvidia.com/gpu", effect = "NO_SCHEDULE" }]
    mig_profiles   = ["3g.40gb", "3g.40gb"]
  }
}
"""
CALLERS = '"keys of callers by the name of the model"'
CHOICE = "../../../../bases/platform"
# The whole menu stands in one namespace, which no environment's does.
ROOM = """\
- op: add
  path: /spec/hard/pods
  value: "100000"
- op: add
  path: /spec/hard/persistentvolumeclaims
  value: "100000"
"""
KEYS = """\
- op: add
  path: /spec/dataFrom/0/extract/key
  value: my-platform-{}/api-keys
"""


@dataclass(frozen=True)
class Served:
    """One model of the repository that is checked."""

    overlay: str
    features: tuple[str, ...]

    @property
    def devices(self) -> int:
        return int(load(OVERLAYS / self.overlay / "overlay.yaml").get("devices") or 1)

    @property
    def names_nodes(self) -> bool:
        """Whether it asks for a kind of node by a label that Karpenter gives."""
        return "karpenter.k8s.aws/" in (OVERLAYS / self.overlay / "devices.yaml").read_text()


@dataclass(frozen=True)
class Expected:
    """A finding or a gap that is right, and why."""

    rule: str
    features: frozenset[str]
    because: str
    of: Callable[[Served], bool] = lambda _: True
    saying: str = ""

    def covers(self, said: Finding | NotChecked, model: Served) -> bool:
        words = said.message if isinstance(said, Finding) else said.reason
        having = not self.features or bool(self.features.intersection(model.features))
        return said.rule == self.rule and having and self.of(model) and re.search(self.saying, words) is not None


CLAIMS = frozenset({"dra-gpu", "dra-gpu-mig", "dra-gpu-shared"})
PARTS = frozenset({"gpu-mig", "gpu-mps", "gpu-time-slicing"})
# No pool has all that a pod asks for: of several demands together, or of one that the others do not go with.
ODD_DEMAND = "together with more than any one node pool offers|and no other pool has the rest"
# Rules that say nothing of MLServer.
MLSERVER_GAPS = ("fit/host-memory-beyond-pod",)


def of_mlserver(model: Served) -> bool:
    return model.overlay.endswith("-mlserver-cpu")


FINDINGS = (
    Expected(
        "scheduling/unselectable-node",
        frozenset({"spot"}),
        "pools without devices buy on-demand alone, and the feature says that its pool must allow spot",
        of_mlserver,
        ODD_DEMAND,
    ),
    Expected(
        "images/missing-architecture",
        frozenset({"graviton"}),
        "new environments take the maker's image of MLServer, which is for x86; the feature says that it needs another",
    ),
    Expected(
        "devices/claims-on-karpenter-nodes",
        CLAIMS,
        "these models ask for nodes by labels of Karpenter, which the features say they must not",
        lambda model: model.names_nodes,
    ),
    Expected(
        "scheduling/unplaceable-pod",
        PARTS,
        "these models need several GPUs, and the features say they must ask for one",
        lambda model: model.devices > 1,
        "a pod asks for",
    ),
    Expected(
        "scheduling/unselectable-node",
        PARTS,
        "these models ask for a family of nodes that no pool of shared GPUs has",
        lambda model: model.names_nodes,
        ODD_DEMAND,
    ),
    Expected(
        "scheduling/unselectable-node",
        frozenset({"spot"}),
        "gpu-multinode, the only pool with the family of these models, has no spot capacity",
        lambda model: model.names_nodes,
        ODD_DEMAND,
    ),
    Expected(
        "scheduling/unplaceable-pod",
        frozenset({"efa"}),
        "these models run in the pool gpu by default, and the feature says that it needs one with EFA",
        saying="vpc.amazonaws.com/efa",
    ),
    Expected("fit/weights-beyond-device", PARTS, "the features say that a model must fit its part, and not all do"),
    Expected(
        "serving/missing-shm",
        frozenset({"gpu-mps"}),
        "these models have several ranks, and the feature says that it is for one",
        lambda model: model.devices > 1,
    ),
    Expected(
        "network/placeholder-certificate",
        frozenset({"public-endpoint"}),
        "the feature asks for the certificate, and nobody answers here",
    ),
    Expected(
        "storage/weights-beyond-volume",
        frozenset({"weights-copy"}),
        "the feature says that larger models need a larger volume of the environment",
    ),
    Expected("fit/kv-cache-too-small", PARTS, "the features say that a model must fit its part, and not all do"),
    Expected("fit/tight-memory", frozenset({"lora"}), "adapters take room that these models have too little of"),
)
"""Findings that are right: the feature says that it is not for such a model, which only its facts tell."""

GAPS = (
    *(
        Expected(
            rule,
            frozenset(),
            "what a model of one's own takes of MLServer is not modelled",
            of_mlserver,
        )
        for rule in MLSERVER_GAPS
    ),
    Expected(
        "fit/host-memory-beyond-pod", CLAIMS, "what a claim hands out is known on the node", saying="asks for no GPU"
    ),
    Expected(
        "fit/host-memory-beyond-pod",
        PARTS | {"spot", "efa"},
        "a finding says that no node takes these pods",
        saying="no node with devices takes its pods",
    ),
    Expected(
        "fit/host-memory-beyond-pod",
        frozenset(),
        "what a pipeline of several models needs beside its weights is not known",
        lambda model: engine_of(model.overlay) == "vllm-omni",
        "is a pipeline",
    ),
    Expected(
        "fit/kv-cache-too-small",
        PARTS | {"lora"},
        "what is left is less than the estimate may be off by",
        saying="(are left for|are missing per device before) the KV cache",
    ),
    Expected(
        "fit/kv-cache-too-small",
        frozenset({"gpu-mps"}),
        "how much of the device an engine sees under MPS is not known",
        saying="under MPS",
    ),
    Expected(
        "fit/kv-cache-too-small",
        frozenset(),
        "what the profile run of an encoder takes is not modelled",
        lambda model: (
            load(OVERLAYS / model.overlay / "overlay.yaml")["task"] != "generate"
            or "VL" in load(OVERLAYS / model.overlay / "overlay.yaml")["model"]
        ),
        "encoder",
    ),
)
"""What stays unchecked of a model, and why."""


@dataclass(frozen=True)
class Checked:
    """The report, and which model each Application serves, by environment and name."""

    report: Report
    models: dict[tuple[str, str], Served]


def plain_and_single() -> Iterator[Served]:
    """Yield every overlay without features of choice, and with each legal one."""
    for overlay in names(OVERLAYS):
        required = load(OVERLAYS / overlay / "overlay.yaml").get("requires") or []
        for feature in ([], *([each] for each in FEATURES)):
            features = with_needs(required, *feature)
            if is_legal(engine_of(overlay), *features) and (not feature or feature[0] not in required):
                yield Served(overlay, tuple(features))


def in_company() -> Iterator[Served]:
    """Yield the smallest overlay of each engine with sets of features that hold every legal pair."""
    for engine in ENGINES:
        facts = {name: load(OVERLAYS / name / "overlay.yaml") for name in names(OVERLAYS) if engine_of(name) == engine}
        smallest = min(facts, key=lambda name: (facts[name]["task"] != "generate", facts[name]["weights-gb"]))
        for company in companies(engine):
            features = with_needs(facts[smallest].get("requires") or [], *company)
            assert is_legal(engine, *features)
            yield Served(smallest, tuple(features))


def environment_of(model: Served, otherwise: str) -> str:
    return next((SHARING[each] for each in model.features if each in SHARING), otherwise)


def write_environment(root: Path, name: str, sharing: str) -> None:
    components = [
        each
        for each in names(BASES / "platform")
        if load(BASES / "platform" / each / "component.yaml")["install"] != "always" and each not in LEFT_OUT
    ]
    copy_template(
        root, {**ANSWERS, "environment_name": name, "gpu_sharing": sharing, "components": ",".join(components)}
    )
    folder = root / "environments" / name
    variables = folder / "terraform.tfvars"
    variables.write_text(
        variables.read_text().replace("component_secrets = {", f"component_secrets = {{\n  api-keys = {CALLERS}")
        + NODES_FOR_CLAIMS
    )
    namespace, driver, balancers = (
        f"environments/{name}/platform/{each}/kustomization.yaml"
        for each in ("model-namespace", "nvidia-dra-driver", "aws-load-balancer-controller")
    )
    keys = {"target": {"kind": "ExternalSecret", "name": "api-keys"}, "patch": KEYS.format(name)}
    room = {"target": {"kind": "ResourceQuota", "name": "models"}, "patch": ROOM}
    apply_edits(
        root,
        {
            "edit": {
                namespace: {
                    "components": [
                        f"{CHOICE}/model-namespace/choices/{each}" for each in ("api-keys", "readiness-gates")
                    ],
                    "patches.+": keys,
                },
                balancers: {"components": [f"{CHOICE}/aws-load-balancer-controller/choices/public"]},
                driver: {"components": [f"{CHOICE}/nvidia-dra-driver/choices/gpu-shared"]},
            }
        },
    )
    apply_edits(root, {"edit": {namespace: {"patches.+": room}}})


def write_again(root: Path, old: str, new: str) -> None:
    """Write an environment like another under its own name, as fast as files are copied."""
    shutil.copytree(root / "environments" / old, root / "environments" / new)
    for path in (root / "environments" / new).rglob("*"):
        if path.is_file():
            path.write_text(path.read_text().replace(old, new))


def write_models(root: Path, wanted: Sequence[tuple[str, Served]]) -> dict[tuple[str, str], Served]:
    """Write models by the code behind `modelyard model add`, with what Terraform would have told."""
    changes = Changes(root)
    menu = Menu(StagedFiles(changes))
    files: dict[str, EnvironmentFiles] = {}
    models = {}
    for number, (name, model) in enumerate(wanted):
        if name not in files:
            files[name] = environment_files(changes, name)
            _, missing = sync_outputs(changes, name, {**OUTPUTS, "models_bucket_name": BUCKET.format(name)})
            assert not missing
        overlay = menu.overlays[model.overlay]
        write_model(files[name], f"m{number}", overlay, menu.engines[overlay.engine], model.features, menu)
        models[name, f"m{number}"] = model
    changes.apply()
    return models


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checked]:
    """Return what a check says of the whole menu."""
    root = tmp_path_factory.mktemp("menu") / "my-platform"
    copy_template(root, {"scope": "repository", "repository_name": "my-platform", "repository_url": URL})
    menus = [f"menu-{number}" for number in range(MENUS)]
    write_environment(root, menus[0], "time-slicing")
    for name in (*menus[1:], "company"):
        write_again(root, menus[0], name)
    for sharing in SHARING.values():
        write_environment(root, sharing, sharing)
    placed = {overlay: menus[number % MENUS] for number, overlay in enumerate(names(OVERLAYS))}
    wanted = [(environment_of(model, placed[model.overlay]), model) for model in plain_and_single()]
    wanted += [(environment_of(model, "company"), model) for model in in_company()]
    models = write_models(root, wanted)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODELYARD_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield Checked(check(root, CheckOptions(policies=False)), models)


def of_models(checked: Checked, said: Sequence[Finding | NotChecked]) -> Iterator[tuple[Finding | NotChecked, Served]]:
    """Yield what is said of models, each with the model."""
    for each in said:
        model = checked.models.get((each.environment, each.application))
        if model is not None:
            yield each, model


def surprises(checked: Checked, said: Sequence[Finding | NotChecked], expected: Sequence[Expected]) -> list[str]:
    """Return what is said of models and not expected, one line each."""
    return [
        f"{each.rule} of {model.overlay} with {', '.join(model.features) or 'no feature'}: "
        + (each.message if isinstance(each, Finding) else each.reason)
        for each, model in of_models(checked, said)
        if not any(entry.covers(each, model) for entry in expected)
    ]


def idle(checked: Checked, said: Sequence[Finding | NotChecked], expected: Sequence[Expected]) -> list[str]:
    """Return what is expected and never said."""
    found = list(of_models(checked, said))
    return [entry.because for entry in expected if not any(entry.covers(each, model) for each, model in found)]


def test_the_whole_menu_is_checked(checked: Checked) -> None:
    served = list(checked.models.values())
    assert {model.overlay for model in served} == set(names(OVERLAYS))
    assert {feature for model in served for feature in model.features} == set(FEATURES)
    for engine in ENGINES:
        together = {
            frozenset(pair)
            for model in served
            if engine_of(model.overlay) == engine
            for pair in itertools.combinations(model.features, 2)
        }
        assert not [pair for pair in PAIRS if is_legal(engine, *pair) and frozenset(pair) not in together]
    counted = sum(environment.models for environment in checked.report.environments)
    assert counted == len(served), "each is a model that the checker sees"


def test_nothing_stands_in_the_way_of_the_menu_but_what_is_known(checked: Checked) -> None:
    assert not surprises(checked, checked.report.findings, FINDINGS)
    assert not idle(checked, checked.report.findings, FINDINGS)


def test_nothing_stands_in_the_way_of_the_platform_beside_it(checked: Checked) -> None:
    assert not [
        (each.environment, each.rule, each.message)
        for each in checked.report.findings
        if (each.environment, each.application) not in checked.models
    ]


def test_what_stays_unchecked_of_a_model_is_known(checked: Checked) -> None:
    assert not surprises(checked, checked.report.not_checked, GAPS)
    assert not idle(checked, checked.report.not_checked, GAPS)
