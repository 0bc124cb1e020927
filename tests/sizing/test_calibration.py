"""The estimate against every public start-up log in the data."""

from __future__ import annotations

import runpy
from pathlib import Path
from statistics import median

import pytest

from modelyard import catalog
from modelyard.sizing import (
    CalibrationPoint,
    FitVerdict,
    assess,
    calibration_points,
    coverage,
    effective_settings,
    request_bytes,
)
from modelyard.sizing.engine_defaults import parsed_version
from modelyard.sizing.overheads import GIB, SAMPLER_FACTOR

POINTS = calibration_points()
GIVEN = 23
"""The points of the first collection; the later ones come from the same kind of source."""


def points(ids: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(ids, POINTS, ids=lambda point: f"{point.number}-{point.model.split('/')[-1]}"[:40])


@points("point")
def test_every_log_is_held_against_the_estimate(point: CalibrationPoint, record_property) -> None:  # type: ignore[no-untyped-def]
    """Prints the errors (pytest -rP) and holds what the log tells to its bound."""
    weights = point.estimated_weights_gib()
    if weights is not None and point.weights_gib is not None:
        off = weights / point.weights_gib - 1
        mxfp4 = point.shape is not None and point.shape.quantization is not None
        mxfp4 = mxfp4 and point.shape.quantization.method == "mxfp4"  # type: ignore[union-attr]
        print(f"{point.title}: weights {weights:.2f} GiB, logged {point.weights_gib:.2f} ({off:+.1%})")
        assert abs(off) <= (0.05 if mxfp4 else 0.02)
    estimate, error = point.estimate(), point.kv_error_gib()
    if error is not None:
        record_property("kv_error_gib", round(error, 2))
        print(f"{point.title}: left for the cache, error {error:+.2f} GiB")
    else:
        print(f"{point.title}: left for the cache not comparable (device, utilisation or cache is not in the log)")
    if point.kv_tokens and point.kv_available_gib and estimate is not None:
        each = point.kv_available_gib * GIB / point.kv_tokens
        print(f"{point.title}: {estimate.kv_bytes_per_token:.0f} bytes a token, the log's cache gives {each:.0f}")
        assert estimate.kv_bytes_per_token == pytest.approx(each, rel=0.02)
    assert weights is not None or error is not None or estimate is not None or point.refused


def test_the_median_error_of_logs_with_a_full_breakdown_is_below_half_a_gib() -> None:
    errors = {p.number: p.kv_error_gib() for p in POINTS if p.has_full_breakdown and p.number <= GIVEN}
    known = [abs(error) for error in errors.values() if error is not None]
    print({number: round(error, 2) for number, error in errors.items() if error is not None})
    assert len(known) == 10
    assert median(known) <= 0.5


def test_logs_that_no_constant_comes_from_are_met_as_well() -> None:
    errors = [abs(error) for p in POINTS if p.number > 27 and (error := p.kv_error_gib()) is not None]
    assert len(errors) == 2 and max(errors) <= 0.5


@pytest.mark.parametrize("point", [p for p in POINTS if p.refused and p.device], ids=lambda p: str(p.number))
def test_what_an_engine_refused_never_fits(point: CalibrationPoint) -> None:
    assert point.shape is not None and point.device is not None
    found = assess(point.flags, point.engine, point.shape, point.device, total_gib=point.total_gib)
    assert found.verdict in (FitVerdict.DOES_NOT_FIT, FitVerdict.UNSURE)


def test_a_length_that_an_engine_refused_does_not_fit() -> None:
    point = next(p for p in POINTS if p.refused_lengths)
    assert point.shape is not None and point.device is not None
    for length in point.refused_lengths:
        flags = {**point.flags, "max-model-len": length}
        found = assess(flags, point.engine, point.shape, point.device, total_gib=point.total_gib)
        assert found.verdict is FitVerdict.DOES_NOT_FIT


def test_a_utilisation_of_a_tenth_fits_on_no_device() -> None:
    """The log of point 22 does not name its device, so every device has to refuse."""
    point = next(p for p in POINTS if p.number == 22)
    assert point.shape is not None and point.refused
    for device in catalog.devices():
        if device.kind == "gpu":
            found = assess(point.flags, point.engine, point.shape, device)
            assert found.verdict is FitVerdict.DOES_NOT_FIT, device


def test_a_million_tokens_of_llama_4_need_what_the_refusal_said() -> None:
    """Point 23: 24.00 GiB are needed at eight ranks, when every layer kept every token."""
    point = next(p for p in POINTS if p.number == 23)
    assert point.shape is not None
    device = catalog.device("H100")
    assert device is not None
    settings = effective_settings(point.flags, point.engine, point.shape, device)
    assert request_bytes(point.shape, settings, 1_048_576) / GIB == pytest.approx(24.00, abs=0.01)


def test_every_refused_log_is_in_one_of_these_tests() -> None:
    assert {p.number for p in POINTS if p.refused and not p.device} == {22, 23}


def test_started_logs_are_not_said_to_be_impossible() -> None:
    """Logs that name their length and started; point 9 has an image encoder, whose peak is not modelled."""
    for point in POINTS:
        if point.refused or not point.tells_cache or "max-model-len" not in point.flags:
            continue
        assert point.shape is not None and point.device is not None
        found = assess(
            point.flags,
            point.engine,
            point.shape,
            point.device,
            total_gib=point.total_gib,
            environment=point.environment,
        )
        assert found.verdict is not FitVerdict.DOES_NOT_FIT, point.title


def test_every_point_has_a_source_and_a_version() -> None:
    for point in POINTS:
        assert point.source
        assert parsed_version(point.engine)


def test_the_nearest_log_is_named_and_a_new_version_is_outside() -> None:
    point = next(p for p in POINTS if p.number == 5)
    assert point.shape is not None and point.device is not None
    known = point.settings()
    assert known is not None
    near = coverage(point.shape, known, point.device)
    assert near.covered and near.point.device == point.device and near.point.version == (0, 11, 0)
    new = coverage(point.shape, effective_settings({}, "0.33.0", point.shape, point.device), point.device)
    assert not new.covered and new.reason == "version 0.33.0"
    other = catalog.device("L40S")
    assert other is not None
    assert "device L40S" in coverage(point.shape, effective_settings({}, "0.11.0", point.shape, other), other).reason


def test_the_samplers_factor_is_what_the_logs_give_with_each_left_out() -> None:
    script = runpy.run_path(str(Path(__file__).resolve().parents[2] / "scripts" / "calibrate_sizing.py"))
    rows = script["regression"]()
    assert len(rows) == 5
    for point, factor, off in rows:
        print(f"{point.title}: the others give {factor:.2f}, error {off:+.2f} GiB")
        assert factor == pytest.approx(SAMPLER_FACTOR, abs=0.05)
        assert abs(off) <= 0.1
