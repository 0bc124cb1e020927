"""Pods of charts that do nothing without rights in AWS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from modelyard.catalog.loading import DATA, read_yaml


@dataclass(frozen=True, slots=True)
class ChartAccount:
    """What of a chart calls AWS.

    Attributes:
        name: Value of the label `app.kubernetes.io/name` of those pods.
        account: The chart's value that names their account.
        calls: The services that they call, in words.
        source: Where this was read.
    """

    name: str
    account: str
    calls: str
    source: str


@cache
def chart_accounts() -> Mapping[str, ChartAccount]:
    """Return what calls AWS, by the chart's name; charts of which nothing does, or nothing is known, are not there."""
    return {chart: ChartAccount(**entry) for chart, entry in read_yaml(DATA / "chart_accounts.yaml").items()}
