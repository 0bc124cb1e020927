"""Parts of devices by name: MIG profiles and shares."""

from __future__ import annotations

import pytest

from modelyard.placement import MIG, MPS, TIME_SLICING
from modelyard.sizing import FitVerdict, assess, device_part
from tests.sizing.deployments import SMALL, VERSION, shape


@pytest.mark.parametrize(
    ("name", "title", "gib"),
    [
        ("H100 1g.10gb", "H100 1g.10gb", 9.5),
        ("NVIDIA-H100-80GB-HBM3-MIG-3g.40gb", "H100 3g.40gb", 38.0),
        ("A100-40GB 1g.5gb", "A100 1g.5gb", 4.75),
        ("A100-80GB-MIG-1g.10gb.me", "A100 1g.10gb", 9.5),
        ("h200 1g.18gb", "H200 1g.18gb", 17.1),
    ],
)
def test_a_profile_gives_its_memory(name: str, title: str, gib: float) -> None:
    part = device_part(name)
    assert part is not None and part.total_gib is not None
    assert (part.title, round(part.total_gib, 2), part.sharing.strategy) == (title, gib, MIG)


@pytest.mark.parametrize(
    ("name", "strategy", "pods"), [("A10G/4", TIME_SLICING, 4), ("L4/2:mps", MPS, 2), ("L4/1", "", 1)]
)
def test_a_share_sees_the_whole_device_with_others(name: str, strategy: str, pods: int) -> None:
    part = device_part(name)
    assert part is not None
    assert (part.total_gib, part.sharing.strategy, part.sharing.pods) == (None, strategy, pods)


def test_a_label_that_does_not_say_how_many_share_is_unsure() -> None:
    part = device_part("NVIDIA-A10G-SHARED")
    assert part is not None
    found = assess({"max-model-len": 8192}, VERSION, shape(SMALL), part.device, sharing=part.sharing)
    assert found.verdict is FitVerdict.UNSURE and "write A10G/PODS" in found.reasons[0]


@pytest.mark.parametrize(
    ("name", "message"), [("L4 1g.10gb", "L4 has no MIG"), ("H100 1g.5gb", "no MIG profile 1g.5gb")]
)
def test_a_part_that_a_device_has_not_is_refused(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        device_part(name)


@pytest.mark.parametrize("name", ["H1000", "H1000 1g.10gb", "H1000/2", "A10G/0", "unknown-shared"])
def test_what_names_no_device_is_none(name: str) -> None:
    assert device_part(name) is None
