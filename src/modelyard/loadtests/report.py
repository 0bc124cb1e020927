"""One report of all clients of a load test, from their samples.

A percentile of the whole is that of all samples together. The mean of the clients' percentiles is another number: with
one slow client in ten it hides what a tenth of the callers see.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from modelyard.loadtests.clients import ClientResult

SCHEMA_VERSION = 1
"""Of the JSON report; raised when a field changes its meaning or goes."""

METRICS = ("ttft", "inter-token", "latency")

CURVE = (*(at / 100 for at in range(1, 100)), 0.995, 0.999, 1.0)
"""Shares of the samples at which a curve is kept."""


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Percentiles of one metric over all samples, in seconds.

    Attributes:
        samples: How many there are.
        p50: Median.
        p95: 95th percentile.
        p99: 99th percentile.
    """

    samples: int
    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class Objective:
    """What a percentile of a metric may be at most.

    Attributes:
        metric: One of `METRICS`.
        percentile: 50, 95 or 99.
        seconds: The most that it may be.
        measured: What it is; None where nothing measured it.
    """

    metric: str
    percentile: int
    seconds: float
    measured: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether it is kept; None where nothing measured it."""
        return None if self.measured is None else self.measured <= self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """All clients together.

    Attributes:
        tool: What measured them.
        model: What was called; empty where no file says it.
        clients: How many gave samples.
        expected: How many there should have been; None where nobody said.
        requests: Requests that were answered.
        failed: Requests that failed.
        percentiles: By metric, for those that were measured.
        per_token: Whether the time between tokens is that of each pause, not the mean of each request.
        requests_per_second: Answered requests of all clients in a second, while the longest of them ran.
        tokens_per_second: Tokens of answers likewise; None where no file counts them.
        objectives: What was asked for, with what was measured.
        left_out: Files that gave nothing, with the reason.
        truncated: Files whose end is missing.
        curves: By metric, the seconds that each share of `CURVE` does not exceed.
    """

    tool: str
    model: str
    clients: int
    expected: int | None
    requests: int
    failed: int
    percentiles: dict[str, Percentiles]
    per_token: bool
    requests_per_second: float
    tokens_per_second: float | None
    objectives: tuple[Objective, ...]
    left_out: tuple[tuple[str, str], ...]
    truncated: tuple[str, ...]
    curves: dict[str, tuple[float, ...]]

    @property
    def complete(self) -> bool:
        """Whether every client that there should have been gave all its samples."""
        missing = self.expected is not None and self.clients < self.expected
        return not (missing or self.left_out or self.truncated)

    def content(self) -> dict[str, Any]:
        """Return the report as its JSON Schema has it (`docs/reference/load-report-v1.schema.json`)."""
        return {
            "schema-version": SCHEMA_VERSION,
            "tool": self.tool,
            "model": self.model,
            "clients": self.clients,
            "clients-expected": self.expected,
            "complete": self.complete,
            "requests": self.requests,
            "failed": self.failed,
            "error-ratio": self.failed / (self.requests + self.failed) if self.requests + self.failed else 0.0,
            "requests-per-second": self.requests_per_second,
            "output-tokens-per-second": self.tokens_per_second,
            "inter-token-of": "pauses" if self.per_token else "requests",
            "seconds": {
                name: {"samples": each.samples, "p50": each.p50, "p95": each.p95, "p99": each.p99}
                for name, each in self.percentiles.items()
            },
            "objectives": [
                {
                    "metric": each.metric,
                    "percentile": each.percentile,
                    "seconds": each.seconds,
                    "measured": each.measured,
                    "met": each.met,
                }
                for each in self.objectives
            ],
            "left-out": [{"file": file, "reason": reason} for file, reason in self.left_out],
            "truncated": list(self.truncated),
        }


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest sample that at least this share of the samples does not exceed (nearest rank).

    Args:
        ordered: Samples in ascending order, at least one.
        share: Between 0 and 1, such as 0.95.
    """
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def merged(
    results: Sequence[ClientResult],
    *,
    expected: int | None = None,
    left_out: Sequence[tuple[str, str]] = (),
    objectives: Sequence[Objective] = (),
) -> LoadReport:
    """Return one report of all clients.

    Args:
        results: At least one.
        expected: How many clients there should have been.
        left_out: Files that gave nothing, with the reason.
        objectives: What is asked for.

    Raises:
        ValueError: The results are of several tools or models; the message names the files.
    """
    for what, values in (("tool", [each.tool for each in results]), ("model", [each.model for each in results])):
        files: dict[str, str] = {}
        for value, each in zip(values, results, strict=True):
            files.setdefault(value, each.file)
        if len(files) > 1:
            told = ", ".join(f"{name or 'unknown'} ({file})" for name, file in files.items())
            raise ValueError(f"the files are of different load tests, by {what}: {told}")
    samples = {
        "ttft": sorted(value for each in results for value in each.ttft),
        "inter-token": sorted(value for each in results for value in each.inter_token),
        "latency": sorted(value for each in results for value in each.latency),
    }
    found = {
        name: Percentiles(len(values), *(percentile(values, share) for share in (0.5, 0.95, 0.99)))
        for name, values in samples.items()
        if values
    }
    requests, tokens = sum(each.succeeded for each in results), sum(each.output_tokens for each in results)
    longest = max(each.duration for each in results)
    return LoadReport(
        tool=results[0].tool,
        model=results[0].model,
        clients=len(results),
        expected=expected,
        requests=requests,
        failed=sum(each.failed for each in results),
        percentiles=found,
        per_token=all(each.per_token for each in results),
        requests_per_second=requests / longest if longest else 0.0,
        tokens_per_second=tokens / longest if tokens and longest else None,
        objectives=tuple(
            Objective(
                each.metric,
                each.percentile,
                each.seconds,
                getattr(found[each.metric], f"p{each.percentile}") if each.metric in found else None,
            )
            for each in objectives
        ),
        left_out=tuple(left_out),
        truncated=tuple(each.file for each in results if each.truncated),
        curves={
            name: tuple(percentile(values, share) for share in CURVE) for name, values in samples.items() if values
        },
    )
