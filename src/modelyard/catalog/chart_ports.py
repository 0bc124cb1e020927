"""Ports of charts' pods that the API server calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from modelyard.catalog.loading import DATA, read_yaml


@dataclass(frozen=True, slots=True)
class ChartPort:
    """One port.

    Attributes:
        port: Its number, as the chart has it.
        value: The chart's value that changes it; empty where none does.
    """

    port: int
    value: str


@cache
def chart_ports() -> Mapping[str, tuple[ChartPort, ...]]:
    """Return the ports by the chart's name; charts that the API server does not call are not there."""
    raw = read_yaml(DATA / "chart_ports.yaml")
    return {chart: tuple(ChartPort(**each) for each in entries) for chart, entries in raw.items()}
