"""Print how the sizing estimate stands against every public start-up log in its data, and the fit of its constant.

Usage: python scripts/calibrate_sizing.py
"""

from __future__ import annotations

from statistics import median

from modelyard.sizing.calibration import CalibrationPoint, calibration_points
from modelyard.sizing.overheads import FLASHINFER_FACTOR, GIB, SAMPLER_FACTOR


def fitted(points: list[CalibrationPoint]) -> float:
    """Return the factor that fits the logged activation peaks best (least squares through the origin)."""
    pairs = [(_copy_gib(point), point.activation_gib or 0.0) for point in points]
    return sum(x * y for x, y in pairs) / sum(x * x for x, _ in pairs)


def _copy_gib(point: CalibrationPoint) -> float:
    settings = point.settings()
    if settings is None or point.shape is None:
        raise ValueError(f"{point.title} has no shape or device")
    return settings.max_num_seqs * point.shape.vocabulary * 4 / GIB


def regression() -> list[tuple[CalibrationPoint, float, float]]:
    """Return each log of the fit with the factor of the others and its error with that, in GiB."""
    table = [
        point
        for point in calibration_points()
        if point.activation_gib is not None
        and point.version == (0, 11, 0)
        and point.shape
        and point.shape.encoder_parameters == 0
    ]
    found = []
    for point in table:
        factor = fitted([other for other in table if other is not point])
        found.append((point, factor, factor * _copy_gib(point) - (point.activation_gib or 0.0)))
    return found


def main() -> None:
    """Print the table, the summary and the leave-one-out errors."""
    print(f"{'log':72} {'weights':>16} {'left for the cache':>22}  note")
    errors, out_of_fit = [], []
    for point in calibration_points():
        weights = point.estimated_weights_gib()
        share = f"{(weights / point.weights_gib - 1) * 100:+.1f} %" if weights and point.weights_gib else "not logged"
        error = point.kv_error_gib()
        cache = "not comparable" if error is None else f"{error:+.2f} GiB"
        print(f"{point.number:3} {point.title[:68]:68} {share:>16} {cache:>22}  {'refused' if point.refused else ''}")
        if error is not None and point.has_full_breakdown:
            errors.append(abs(error))
        if error is not None and point.number > 27:  # FlashInfer's factor comes from those before
            out_of_fit.append(abs(error))
    print(f"\nlogs with a full breakdown: {len(errors)}, median error of the cache {median(errors):.2f} GiB")
    print(f"logs that no constant comes from: {len(out_of_fit)}, median error {median(out_of_fit):.2f} GiB")
    print(f"\nsampler factor {SAMPLER_FACTOR} (FlashInfer {FLASHINFER_FACTOR}); each row left out:")
    for point, factor, off in regression():
        print(f"  {point.title:60} others give {factor:.2f}, error {off:+.2f} GiB")


if __name__ == "__main__":
    main()
