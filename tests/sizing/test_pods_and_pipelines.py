"""Pod memory, /dev/shm, diffusion pipelines, Neuron."""

from __future__ import annotations

import pytest

from modelyard import catalog
from modelyard.sizing import (
    FitVerdict,
    automatic_buckets,
    host_budget,
    host_problems,
    neuron_budget,
    pipeline_budget,
    slice_gib,
)
from tests.sizing.deployments import LLAMA, QWEN, SMALL, device, settings, shape

GIB = 2**30


def test_one_rank_needs_no_shared_memory_and_several_need_rings() -> None:
    one = host_budget(shape(SMALL), settings(SMALL))
    assert one.shm_gib == 0
    assert host_problems(one, memory_bytes=16 * GIB, shm_bytes=None, default_shm=True) == []
    two = host_budget(shape(QWEN), settings(QWEN, tensor_parallel_size=2))
    assert two.shm_gib == pytest.approx((160 + 2 * 240) / 1024)
    (problem,) = host_problems(two, memory_bytes=64 * GIB, shm_bytes=None, default_shm=True)
    assert problem.endswith("has 0.06 GiB, the engine needs 0.62 GiB (rings between the ranks 0.62 GiB)")
    assert host_problems(two, memory_bytes=64 * GIB, shm_bytes=8 * GIB) == []
    assert host_problems(two, memory_bytes=None, shm_bytes=None) == []


def test_offload_is_held_against_the_pods_memory() -> None:
    budget = host_budget(shape(QWEN), settings(QWEN, tensor_parallel_size=2, cpu_offload_gb=20, kv_offloading_size=30))
    named = {need.name: need.gib for need in budget.needs}
    assert named["weights kept in memory (cpu-offload-gb)"] == 40
    problems = host_problems(budget, memory_bytes=48 * GIB, shm_bytes=16 * GIB)
    assert len(problems) == 2
    assert "the memory limit is 48.0 GiB, the settings keep 70.6 GiB there" in problems[1]


def test_a_pod_of_a_group_counts_its_own_ranks() -> None:
    chosen = settings(QWEN, tensor_parallel_size=8, pipeline_parallel_size=2, cpu_offload_gb=1)
    assert host_budget(shape(QWEN), chosen, ranks_in_pod=8).memory_gib < host_budget(shape(QWEN), chosen).memory_gib


def test_a_pipeline_is_the_sum_of_its_components() -> None:
    flux = catalog.model("black-forest-labs/FLUX.1-schnell")
    assert flux is not None
    small = pipeline_budget(flux, device("A10G"))
    assert small is not None and small.verdict is FitVerdict.DOES_NOT_FIT
    assert sum(small.components_gib.values()) == pytest.approx(31.4, abs=0.1)
    large = pipeline_budget(flux, device("L40S"))
    assert large is not None and large.verdict is FitVerdict.UNSURE and "activations are not modelled" in large.reason
    without = pipeline_budget(flux, device("L40S"), offloaded=("t5-xxl encoder",))
    assert without is not None and sum(without.components_gib.values()) == pytest.approx(22.5, abs=0.1)
    text = catalog.model(SMALL)
    assert text is not None and pipeline_budget(text, device("L40S")) is None


def test_neuron_reserves_the_whole_cache() -> None:
    model = shape(LLAMA)
    chosen = settings(LLAMA, "Trainium", tensor_parallel_size=8, max_num_seqs=4, max_model_len=8192)
    found = neuron_budget(model, chosen, device("Trainium"))
    assert (found.cores, found.devices, found.core_gib) == (8, 4, 16.0)
    assert found.kv_gib == pytest.approx(4 * 8192 * 131072 / 8 / GIB)
    assert found.verdict is FitVerdict.FITS
    assert found.buckets == (128, 256, 512, 1024, 2048, 4096, 8192)
    many = settings(LLAMA, "Trainium", tensor_parallel_size=8, max_num_seqs=256, max_model_len=8192)
    assert neuron_budget(model, many, device("Trainium")).verdict is FitVerdict.DOES_NOT_FIT
    with pytest.raises(ValueError, match="no Neuron device"):
        neuron_budget(model, chosen, device("H100"))


def test_buckets_end_at_the_limit() -> None:
    assert automatic_buckets(3000) == (128, 256, 512, 1024, 2048, 3000)
    assert automatic_buckets(100) == (100,)


@pytest.mark.parametrize(
    ("resource", "gib"),
    [
        ("nvidia.com/gpu", 79.18),
        ("nvidia.com/gpu.shared", 79.18),
        ("nvidia.com/mig-1g.10gb", 9.5),
        ("nvidia.com/mig-3g.40gb", 38.0),
        ("nvidia.com/mig-1g.10gb.me", 9.5),
        ("nvidia.com/mig-9g.900gb", 79.18),
        ("aws.amazon.com/neuron", None),
        ("nvidia.com/mig-all", None),
    ],
)
def test_memory_of_a_shared_device(resource: str, gib: float | None) -> None:
    assert slice_gib(resource, device("H100")) == (None if gib is None else pytest.approx(gib))
