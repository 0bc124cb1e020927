"""GPUs and Neuron devices."""

from __future__ import annotations

import pytest

from modelyard import catalog


@pytest.mark.parametrize("name", ["H100", "h100", "nvidia-h100-80gb-hbm3", "H100 80GB"])
def test_a_device_is_found_by_every_name_that_people_use(name: str) -> None:
    found = catalog.device(name)
    assert found is not None
    assert (found.name, found.total_gib, found.compute_capability) == ("H100", 79.18, (9, 0))


def test_two_sizes_of_one_name_are_told_apart_by_memory() -> None:
    small, large = catalog.device("A100", 40960), catalog.device("A100", 81920)
    assert small is not None and large is not None
    assert small.total_gib == pytest.approx(39.2) and not small.total_is_observed
    assert large.total_gib == 79.25 and large.total_is_observed
    assert catalog.device("A100") == small


def test_a_share_of_a_device_has_that_much_memory_and_nothing_observed() -> None:
    found = catalog.device("L4", 5722)
    assert found is not None
    assert found.total_gib == pytest.approx(5722 / 1024 * 0.98) and not found.total_is_observed


def test_trainium2_is_not_what_ec2_says() -> None:
    raw = catalog.instance_type("trn2.48xlarge")
    assert raw is not None and raw.accelerator is not None and raw.accelerator.memory_mib == 524_288
    found = catalog.device("Trainium2", raw.accelerator.memory_mib)
    assert found is not None
    assert (found.nominal_mib, found.cores, found.logical_cores) == (98304, 8, 4)


def test_an_unknown_device_is_none() -> None:
    assert catalog.device("Voodoo2") is None
