"""The metrics that exporters serve, so that a query for a metric that is gone is found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from modelyard.catalog.loading import DATA, read_json

SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("", "_sum", "_count")}


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        name: As the exporter declares it; series of a histogram have suffixes.
        type: `counter`, `gauge`, `histogram`, `summary` or `info`.
        labels: Label names; `...` stands for more that were not listed.
        condition: When it is served; empty for always.
        unverified: Why the entry is not sure; empty when it is.
    """

    name: str
    type: str
    labels: tuple[str, ...] = ()
    condition: str = ""
    unverified: str = ""

    @property
    def series(self) -> tuple[str, ...]:
        """The names that a query can use."""
        return tuple(self.name + suffix for suffix in SUFFIXES.get(self.type, ("",)))


@dataclass(frozen=True, slots=True)
class Exporter:
    """The metrics of one exporter.

    Attributes:
        name: Such as `vllm` or `dcgm-exporter`.
        version: Version that was read; empty where the source is a commit only.
        source: Where they were read.
        port: Default port; None where there are several or none is known.
        path: HTTP path.
        metrics: By name.
        removed: Names of older versions that are gone, with what replaces them, or None.
        notes: What a reader of queries should know.
    """

    name: str
    version: str
    source: str
    port: int | None
    path: str
    metrics: Mapping[str, Metric]
    removed: Mapping[str, str | None]
    notes: tuple[str, ...]

    @property
    def series(self) -> Mapping[str, Metric]:
        """Every name that a query can use, with its metric."""
        return _series(self.name)


@cache
def exporters() -> tuple[str, ...]:
    """Return the names of the exporters in the data."""
    return tuple(sorted(path.stem for path in (DATA / "metrics").glob("*.json")))


@cache
def _exporter(name: str) -> Exporter:
    raw = read_json("metrics", f"{name}.json")
    rows = [Metric(**{**row, "labels": tuple(row.get("labels", ()))}) for row in raw["metrics"]]
    port = raw.get("port")
    return Exporter(
        name,
        raw.get("version", ""),
        raw["source"],
        port if isinstance(port, int) else None,
        raw.get("path", "/metrics"),
        MappingProxyType({row.name: row for row in rows}),
        MappingProxyType({row["name"]: row["replacement"] for row in raw["removed"]}),
        tuple(raw.get("notes", ())),
    )


@cache
def _series(name: str) -> Mapping[str, Metric]:
    return MappingProxyType({series: row for row in _exporter(name).metrics.values() for series in row.series})


def metrics(exporter: str, version: str | None = None) -> Exporter | None:
    """Return an exporter's metrics; None when the data do not have the exporter, or not the version asked for."""
    if exporter not in exporters():
        return None
    found = _exporter(exporter)
    return found if version is None or found.version in ("", version) else None


def exporter_of(metric: str) -> str | None:
    """Return the exporter that alone serves metrics of such a name; None where several may."""
    return next((exporter for start, exporter in _owners().items() if metric.startswith(start)), None)


@cache
def _owners() -> Mapping[str, str]:
    """Return, by the beginning of a metric's name, the exporter that alone serves such names."""
    return MappingProxyType(
        {prefix: name for name in exporters() for prefix in read_json("metrics", f"{name}.json").get("prefixes", ())}
    )
