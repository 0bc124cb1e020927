"""Print what `modelyard fit` says of every deployment whose outcome is known: truth against verdict, and errors.

Two collections: the start-up logs that the estimate is calibrated with (`modelyard.sizing.calibration`), and
`tests/sizing/data/deployments.json`, whose models are read from their `config.json` as `modelyard catalog add` reads
them.

Run it as `python scripts/fit_table.py`; `--points` prints each deployment as well, `--unsure` each that is unsure with
its reason, by kind.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from modelyard import catalog
from modelyard.sizing import Assessment, FitVerdict, assess, calibration_points

ROOT = Path(__file__).resolve().parents[1]
DEPLOYMENTS = ROOT / "tests" / "sizing" / "data"


@dataclass(frozen=True, slots=True)
class Row:
    """One deployment with its outcome.

    Attributes:
        name: The deployment in a few words.
        started: Whether the engine started.
        assessment: What the estimate says.
        weights_gib: Weights of a rank as logged; None where they are not.
        kv_gib: Cache of a rank as logged; None where it is not.
    """

    name: str
    started: bool
    assessment: Assessment
    weights_gib: float | None
    kv_gib: float | None


def names() -> tuple[str, ...]:
    """Return the names of the deployments, without working anything out."""
    return tuple(point["case"] for point in _points())


def deployment(name: str) -> Row:
    """Return one deployment of the tests' data.

    Raises:
        StopIteration: There is none of the name.
    """
    return _deployment(next(point for point in _points() if point["case"] == name))


def deployments() -> Iterator[Row]:
    """Yield the deployments of the tests' data."""
    return map(_deployment, _points())


@cache
def _points() -> list[dict[str, Any]]:
    return list(json.loads((DEPLOYMENTS / "deployments.json").read_text())["points"])


def _deployment(point: Mapping[str, Any]) -> Row:
    config = json.loads((DEPLOYMENTS / "configs" / f"{point['config']}.json").read_text())
    shape = catalog.model_from_config(point["config"], config, "config.json").shape
    device = catalog.device(point["device"])
    assert shape is not None and device is not None, point["case"]
    found = assess(
        point["flags"],
        point["version"],
        shape,
        device,
        total_gib=point.get("total-gib"),
        environment=point.get("environment"),
    )
    truth = point["truth"]
    return Row(point["case"], truth["started"], found, truth.get("weights-gib"), truth.get("kv-gib"))


def calibrated() -> Iterator[Row]:
    """Yield the calibrated start-up logs whose model, device and outcome are known."""
    for point in calibration_points():
        if point.shape is None or point.device is None:
            continue
        flags = dict(point.flags)
        kv = point.kv_available_gib if "gpu-memory-utilization" in flags else None
        for length in (None, *point.refused_lengths):
            given = flags if length is None else {**flags, "max-model-len": length}
            found = assess(
                given,
                point.engine,
                point.shape,
                point.device,
                total_gib=point.total_gib,
                environment=point.environment,
            )
            name = point.title + (f", {length} tokens" if length else "")
            if (
                "max-model-len" not in given
                and not point.refused
                and kv is not None
                and kv < found.budget.kv_request_gib
            ):
                continue  # it ran with a shorter length than the model's own, which the log does not name
            yield Row(
                name, length is None and not point.refused, found, None if length else point.weights_gib,
                None if length else kv,
            )  # fmt: skip


def matrix(rows: list[Row]) -> str:
    """Return truth against verdict as a table of Markdown."""
    verdicts = (FitVerdict.FITS, FitVerdict.TIGHT, FitVerdict.UNSURE, FitVerdict.DOES_NOT_FIT)
    lines = ["| truth | " + " | ".join(verdicts) + " |", "|---|" + "---|" * len(verdicts)]
    for started, label in ((True, "started"), (False, "refused")):
        counted = Counter(row.assessment.verdict for row in rows if row.started is started)
        cells = " | ".join(str(counted[verdict]) for verdict in verdicts)
        lines.append(f"| {label} ({sum(counted.values())}) | {cells} |")
    return "\n".join(lines)


def errors(values: list[float], unit: str) -> str:
    """Return median and 90th percentile of absolute errors in words."""
    if len(values) < 2:
        return "too few"
    sizes = sorted(map(abs, values))
    return f"{len(sizes)} logs, median {median(sizes):.2f} {unit}, p90 {quantiles(sizes, n=10)[8]:.2f} {unit}"


def report(rows: list[Row], *, points: bool) -> str:
    """Return the tables of some rows."""
    parts = [matrix(rows)]
    weights = [100 * (r.assessment.budget.weights_gib / r.weights_gib - 1) for r in rows if r.weights_gib]
    cache = [r.assessment.budget.kv_available_gib - r.kv_gib for r in rows if r.kv_gib is not None]
    unsure = sum(row.assessment.verdict is FitVerdict.UNSURE for row in rows)
    parts.append(f"unsure {unsure} of {len(rows)} ({100 * unsure / len(rows):.0f} %)")
    parts.append(f"weights: {errors(weights, '%')}")
    parts.append(f"left for the KV cache: {errors(cache, 'GiB')}")
    if points:
        parts += [_line(row) for row in rows]
    return "\n".join(parts)


KINDS = (
    ("not modelled", "an architecture, a tower or a scheme that is not modelled"),
    ("GiB outside", "what the engine takes outside its share"),
    ("has no model", "an architecture that this version does not have"),
    ("within the error", "a margin within the error of the estimate"),
    ("outside the calibrated", "a margin that is asked for outside the calibrated logs"),
)
"""Words of a reason, and the kind that it is of; the first that fits counts."""


def kind_of(reasons: Sequence[str]) -> str:
    """Return the kind of what makes a verdict unsure."""
    told = "; ".join(reasons)
    return next((kind for words, kind in KINDS if words in told), "what a setting does that is not modelled")


def unsure_table(rows: list[Row]) -> str:
    """Return every row that is unsure with its reason, by kind."""
    unsure = [row for row in rows if row.assessment.verdict is FitVerdict.UNSURE]
    lines = []
    counted = Counter(kind_of(row.assessment.reasons) for row in unsure)
    for kind, number in counted.most_common():
        lines.append(f"{number} because of {kind}:")
        own = (row for row in unsure if kind_of(row.assessment.reasons) == kind)
        for row in own:
            truth = "started" if row.started else "refused"
            lines.append(f"- {row.name} ({truth}): {'; '.join(row.assessment.reasons)}")
    return "\n".join(lines)


def _line(row: Row) -> str:
    budget = row.assessment.budget
    logged = "" if row.weights_gib is None else f" (log {row.weights_gib:.2f})"
    cache = "" if row.kv_gib is None else f" (log {row.kv_gib:.2f})"
    return (
        f"- {row.name}: {'started' if row.started else 'refused'}, {row.assessment.verdict}; weights "
        f"{budget.weights_gib:.2f}{logged}, activation {budget.activation_gib:.2f}, graphs "
        f"{budget.cuda_graphs_gib:.2f}, cache {budget.kv_available_gib:.2f}{cache}, a request "
        f"{budget.kv_request_gib:.2f} GiB; {row.assessment.reasons[0]}"
    )


def main() -> int:
    """Print the tables."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--points", action="store_true", help="print each deployment")
    arguments.add_argument("--unsure", action="store_true", help="print what is unsure, with its reason")
    given = arguments.parse_args()
    of_logs, of_configs = list(calibrated()), list(deployments())
    for title, rows in (
        ("Calibrated logs", of_logs),
        ("Deployments from their config.json", of_configs),
        ("Together", of_logs + of_configs),
    ):
        sys.stdout.write(f"## {title}\n{report(rows, points=given.points and title != 'Together')}\n\n")
    if given.unsure:
        sys.stdout.write(f"## Unsure\n{unsure_table(of_logs + of_configs)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
