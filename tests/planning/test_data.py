"""The data of planning: current with the points that they were made from, and stated with their sources."""

from __future__ import annotations

import sys
from math import log
from pathlib import Path

import pytest

from modelyard.catalog import devices
from modelyard.planning.floor import least_busy
from modelyard.planning.ranges import METRICS
from modelyard.planning.speed import parameters, speed_data

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
from fit_speed import NAMES, fitted_on, solved, weighted_quantile
from plan_blind import points as blind_points
from plan_blind import table as blind_table
from plan_examples import BLOCK, SECTION
from plan_table import beneath, inside, off, own, steady
from planning.points import benchmarks
from planning.public import FILES

PROJECT = Path(__file__).parents[2]


def test_parameters_are_shares_and_times() -> None:
    found = parameters()
    for name in NAMES:
        value = getattr(found, name)
        assert value > 0, name
        if name.endswith(("compute", "bandwidth", "bits", "interleaving", "experts", "queue", "together")):
            assert value <= 1, name


def test_counts_are_those_of_the_points() -> None:
    points = [point for point in benchmarks() if fitted_on(point)]
    assert speed_data()["points"] == len(points)
    for gpu, told in speed_data()["measured-devices"].items():
        assert told["points"] == sum(point.gpu == gpu for point in points)


def test_ranges_grow_with_the_share() -> None:
    told = speed_data()
    for metric in METRICS:
        for each in (*told["ranges"][metric].values(), told["ranges-of-other-devices"][metric]):
            assert 1 < each["50"] < each["70"] < each["80"] < each["90"]


def test_no_load_of_a_point_is_beyond_the_peak() -> None:
    for point in benchmarks():
        if point.load == "closed" and point.requests and point.ttft_ms and point.itl_ms:
            share = least_busy(point.machine, point.lengths, point.requests, point.ttft_ms, point.itl_ms)
            assert share <= 1, point.id


def test_held_out_families_stay_as_near_as_the_document_says() -> None:
    held = steady(held_out=True)
    assert len(held) > 300
    assert not any(beneath(point) for point in held)
    ttft, itl = zip(
        *((own(p)[0] / p.ttft_ms, own(p)[1] / p.itl_ms) for p in held if p.ttft_ms and p.itl_ms), strict=True
    )
    assert off([log(each) for each in itl])[0] <= 0.12
    assert off([log(each) for each in ttft])[0] <= 0.30
    for metric in METRICS:
        assert 0.75 <= inside(held, metric) <= 0.9, metric
    document = (PROJECT / "docs/planning.md").read_text()
    assert f"measured here on {len(held)} points" in document


def test_points_that_no_fit_has_seen_are_above_the_floor_and_near() -> None:
    points = blind_points()
    assert len(points) > 25
    assert not any(point.below for point in points)
    # The second file has loads at a rate, single requests and models of other kinds; docs/planning.md says how far off.
    for file, bound in zip(FILES, (0.12, 0.25), strict=True):
        known = [point for point in points if point.file == file and "itl" in point.measured and point.estimate()]
        assert off([point.errors()[1] for point in known])[0] <= bound
    for file in FILES:
        groups = {(p.family, p.dtype, p.gpu) for p in points if p.file == file}
        assert len(list(blind_table(file))) == 2 + len(groups) + 1


def test_weights_decide_a_quantile() -> None:
    assert weighted_quantile([(3.0, 1.0), (1.0, 1.0), (2.0, 1.0)], 0.5) == 2.0
    assert weighted_quantile([(3.0, 8.0), (1.0, 1.0), (2.0, 1.0)], 0.5) == 3.0
    with pytest.raises(ValueError, match="no values"):
        weighted_quantile([], 0.5)


def test_examples_of_the_page_are_found() -> None:
    page = (PROJECT / "docs/planning.md").read_text()
    blocks = [BLOCK.findall(section) for section in SECTION.findall(page)]
    assert [len(each) for each in blocks] == [1, 1, 1, 1]
    assert all(each[0].startswith("$ modelyard ") for each in blocks)


def test_equations_are_solved() -> None:
    assert solved([[0.0, 2.0], [1.0, 1.0]], [4.0, 3.0]) == pytest.approx([1.0, 2.0])


def test_peaks_and_bandwidths_are_those_of_real_devices() -> None:
    for each in devices():
        if each.kind == "gpu" and each.ec2:
            assert each.memory_gb_per_s is not None, each.name
            assert 100 < each.memory_gb_per_s < 20_000
        peaks = dict(each.tflops)
        if "fp8" in peaks:
            assert peaks["fp8"] == pytest.approx(2 * peaks["fp16"], rel=0.03), each.name
