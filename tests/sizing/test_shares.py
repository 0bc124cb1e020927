"""Devices that pods share, draft models, and logs of deployments that differ in them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from modelyard.catalog import instance_type
from modelyard.checking.environments import environments
from modelyard.placement import Sharing, sharing_of
from modelyard.rendering import Resource
from modelyard.repository import Repository
from modelyard.sizing import (
    Fit,
    FitVerdict,
    assess,
    bars,
    changes_that_fit,
    effective_settings,
    fits,
    measured_budget,
    memory_budget,
)
from modelyard.sizing.slices import part_gib
from modelyard.view import Manifest, Pool
from tests.sizing.deployments import LLAMA, QWEN, SMALL, VERSION, device, shape

BOTTLEROCKET = "[settings.kubelet-device-plugins.nvidia]\n"
SLICED = (
    BOTTLEROCKET + 'device-sharing-strategy = "time-slicing"\n[settings.kubelet-device-plugins.nvidia.time-slicing]\n'
)
MIG = (
    BOTTLEROCKET
    + 'device-partitioning-strategy = "mig"\n'
    + '[settings.kubelet-device-plugins.nvidia.mig.profile]\n"h100.80gb" = "3g.40gb"\n"a100.40gb" = "3g.20gb"\n'
)
PLUGIN = "version: v1\nsharing:\n  mps:\n    resources:\n      - {name: nvidia.com/gpu, replicas: 3}\n"


def pool(root: Path, data: str = "", labels: Mapping[str, str] | None = None) -> Pool:
    """Return a pool whose node class has some user data."""
    repository = Repository(root)

    def manifest(kind: str, spec: dict[str, Any]) -> Manifest:
        value = {"apiVersion": "karpenter.sh/v1", "kind": kind, "metadata": {"name": "shared"}, "spec": spec}
        return Manifest(repository, "", Resource(value, None, ()))

    made = manifest("NodePool", {"template": {"metadata": {"labels": dict(labels or {})}}})
    return Pool(made, manifest("EC2NodeClass", {"userData": data} if data else {}))


def test_a_node_class_says_how_its_devices_are_shared(tmp_path: Path) -> None:
    assert sharing_of(pool(tmp_path), {}) == Sharing()
    assert sharing_of(pool(tmp_path, "[settings.container-runtime]\n"), {}) == Sharing()
    assert sharing_of(pool(tmp_path, SLICED + "replicas = 4\n"), {}) == Sharing("time-slicing", 4, renamed=True)
    cut = sharing_of(pool(tmp_path, MIG), {})
    assert part_gib(cut, device("H100")) == pytest.approx(38.0)
    assert part_gib(cut, device("A100")) == pytest.approx(19.0), "the A100 with 40 GB"
    assert part_gib(cut, device("H200")) is None
    assert "is no TOML" in sharing_of(pool(tmp_path, BOTTLEROCKET + "nonsense"), {}).unknown


def test_a_label_names_a_configuration_of_the_device_plugin(tmp_path: Path) -> None:
    labelled = pool(tmp_path, labels={"nvidia.com/device-plugin.config": "thirds"})
    assert sharing_of(labelled, {"thirds": PLUGIN}) == Sharing("mps", 3)
    assert "names thirds as configuration of the device plugin" in sharing_of(labelled, {}).unknown
    assert sharing_of(labelled, {"thirds": "flags: {migStrategy: single}"}).unknown
    script = 'declare -A profile=(\n  ["h100.80gb"]="3g.40gb"\n  ["h200.141gb"]="3g.71gb"\n)\n'
    by_script = pool(tmp_path, script, {"nvidia.com/device-plugin.config": "thirds"})
    scripted = sharing_of(by_script, {"thirds": "flags: {migStrategy: single}"})
    assert (scripted.strategy, scripted.unknown) == ("mig", "")
    assert scripted.profiles == (("h100.80gb", "3g.40gb"), ("h200.141gb", "3g.71gb"))
    assert sharing_of(labelled, {"thirds": "a: [b"}).unknown
    assert sharing_of(labelled, {"thirds": "version: v1"}) == Sharing()


@pytest.mark.parametrize(
    ("profile", "instances"),
    [("1g.10gb", 7), ("1g.20gb", 4), ("2g.20gb", 3), ("3g.40gb", 2), ("4g.40gb", 1), ("7g.80gb", 1)],
)
def test_a_profile_fits_as_often_as_nvidia_says(profile: str, instances: int) -> None:
    """Table "GPU Instance Profiles on H100" of NVIDIA's MIG user guide, of the device with 80 GB."""
    kind = instance_type("p5.48xlarge")
    assert kind is not None
    assert Sharing("mig", 1, (("h100.80gb", profile),)).shares(kind) == instances


def test_a_share_is_all_that_an_engine_may_take() -> None:
    """Time-slicing divides no memory: each engine sees all of it, and takes what it is told to."""
    quarter = Sharing("time-slicing", 4)
    greedy = assess({}, VERSION, shape(SMALL), device("L40S"), sharing=quarter)
    assert greedy.verdict is FitVerdict.DOES_NOT_FIT
    assert "a device that 4 pods share" in greedy.reasons[0] and "0.25 or less" in greedy.reasons[0]
    tight = assess({"gpu-memory-utilization": 0.25}, VERSION, shape(SMALL), device("L40S"), sharing=quarter)
    assert tight.verdict is FitVerdict.UNSURE and "of a share are left" in tight.reasons[0]
    modest = {"gpu-memory-utilization": 0.22, "max-model-len": 4096, "max-num-seqs": 64}
    fitting = assess(modest, VERSION, shape(SMALL), device("L40S"), sharing=quarter)
    assert fitting.verdict is FitVerdict.FITS
    assert bars(fitting).endswith("0.22, shared by 4 pods)")
    assert assess(modest, VERSION, shape(SMALL), device("L40S"), sharing=Sharing("mps", 4)).verdict is FitVerdict.UNSURE
    flags = {"max-model-len": 4096, "max-num-seqs": 64}
    again = assess(flags, VERSION, shape(SMALL), device("L40S"), sharing=quarter)
    changes = changes_that_fit(again, flags, VERSION, shape(SMALL))
    assert [set(change.flags) for change in changes] == [{"gpu-memory-utilization"}]
    assert changes[0].assessment.verdict is FitVerdict.FITS


def test_mig_without_a_profile_of_the_device_is_unsure() -> None:
    cut = Sharing("mig", 1, (("h100.80gb", "3g.40gb"),))
    unknown = assess({"max-model-len": 4096}, VERSION, shape(SMALL), device("H200"), sharing=cut)
    assert unknown.verdict is FitVerdict.UNSURE and "no profile is set for this one" in unknown.reasons[0]
    known = assess({"max-model-len": 4096}, VERSION, shape(SMALL), device("H100"), total_gib=38.0, sharing=cut)
    assert known.verdict is FitVerdict.FITS and known.budget.total_gib == 38.0
    large = assess({"max-model-len": 4096}, VERSION, shape(QWEN), device("H100"), total_gib=38.0, sharing=cut)
    assert large.verdict is FitVerdict.DOES_NOT_FIT


def chat(root: Path) -> Fit:
    """Return how the model of a repository fits."""
    return fits(environments(Repository(root)).views[0])[0]


@pytest.mark.parametrize(
    ("data", "verdict", "gib"),
    [(SLICED + "replicas = 4\n", FitVerdict.DOES_NOT_FIT, 22.03), (SLICED + "replicas = 1\n", FitVerdict.FITS, 22.03)],
)
def test_models_are_held_against_the_shares_of_their_pool(
    one_model: Path, data: str, verdict: FitVerdict, gib: float
) -> None:
    files = [each for each in (one_model / "bases").rglob("gpu.yaml") if "discard-unpacked-layers" in each.read_text()]
    assert len(files) == 1
    added = "".join(f"    {line}\n" for line in data.splitlines())
    files[0].write_text(files[0].read_text().rstrip("\n") + "\n" + added)
    found = chat(one_model)
    assert found.verdict is verdict
    assert found.worst is not None and found.worst.assessment.budget.total_gib == pytest.approx(gib)


def test_a_draft_model_takes_weights_and_cache() -> None:
    config = {"speculative-config": {"model": SMALL, "num_speculative_tokens": 3, "draft_tensor_parallel_size": 1}}
    settings = effective_settings({**config, "tensor-parallel-size": 2}, VERSION, shape(QWEN), device("H100"))
    alone = memory_budget(shape(QWEN), settings, device("H100"))
    both = memory_budget(shape(QWEN), settings, device("H100"), draft=shape(SMALL))
    # 1.7 billion parameters with tied embeddings in 16 bits, on each rank; 28 layers with 8 heads of 128.
    assert both.draft_gib == pytest.approx(3.2, abs=0.1)
    assert both.kv_bytes_per_token - alone.kv_bytes_per_token == 2 * 28 * 8 * 128 * 2
    assert both.kv_available_gib == pytest.approx(alone.kv_available_gib - both.draft_gib)
    assert both.kv_request_gib > alone.kv_request_gib and both.largest_length <= alone.largest_length
    found = assess(config, VERSION, shape(SMALL), device("H100"), draft=shape(SMALL))
    assert found.verdict is FitVerdict.UNSURE, "its part of the profile run is not known"
    assert "the profile run of the draft model" in found.reasons[0]
    assert assess(config, VERSION, shape(SMALL), device("L4"), draft=shape(QWEN)).verdict is FitVerdict.DOES_NOT_FIT


LOG = """\
vLLM API server version {version}
non-default args: {args}
Initializing a V1 LLM engine (v{version}) with config: model='meta-llama/Llama-3.1-8B-Instruct', \
speculative_config={drafting}, tensor_parallel_size=1, max_seq_len=8192, kv_cache_dtype=auto
Model loading took 14.99 GiB and 3.2 seconds
Available KV cache memory: 50.0 GiB
"""


@pytest.mark.parametrize(
    ("args", "drafting", "flags", "applies"),
    [
        ("{}", "None", {}, True),
        ("{}", "None", {"enable-lora": True}, False),
        ("{'enable_lora': True}", "None", {"enable-lora": True}, True),
        ("{'enable_lora': True, 'max_loras': 4}", "None", {"enable-lora": True}, False),
        ("{}", "None", {"speculative-config": {"method": "eagle3", "model": "x"}}, False),
        (
            "{}",
            "SpeculativeConfig(method='eagle3', model='x', num_spec_tokens=3)",
            {"speculative-config": {"method": "eagle3", "model": "x"}},
            True,
        ),
        ("{'cpu_offload_gb': 4}", "None", {"cpu-offload-gb": 4}, True),
        ("{'cpu_offload_gb': 4}", "None", {}, False),
    ],
)
def test_a_log_counts_for_what_was_switched_on_when_it_was_written(
    args: str, drafting: str, flags: dict[str, Any], applies: bool
) -> None:
    measured = measured_budget(LOG.format(version=VERSION, args=args, drafting=drafting))
    found = assess({"max-model-len": 8192, **flags}, VERSION, shape(LLAMA), device("H100"), measured=measured)
    assert found.budget.measured is applies
