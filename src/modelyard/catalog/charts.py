"""The values that a pinned chart takes, to find a misspelt key before Helm ignores it silently."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from modelyard.catalog.loading import DATA, read_json
from modelyard.wording import nearest

_POD_SECURITY = {
    "appArmorProfile",
    "fsGroup",
    "fsGroupChangePolicy",
    "runAsGroup",
    "runAsNonRoot",
    "runAsUser",
    "seccompProfile",
    "supplementalGroups",
    "sysctls",
}
_CONTAINER_SECURITY = {
    "allowPrivilegeEscalation",
    "capabilities",
    "privileged",
    "procMount",
    "readOnlyRootFilesystem",
}
# Charts hand these to Kubernetes as they are, so its fields may stand there whatever the defaults list.
_KUBERNETES_FIELDS = {
    "resources": {"claims", "limits", "requests"},
    "podSecurityContext": _POD_SECURITY,
    "securityContext": _POD_SECURITY | _CONTAINER_SECURITY,
    "containerSecurityContext": _POD_SECURITY | _CONTAINER_SECURITY,
}


@dataclass(frozen=True, slots=True)
class ChartKey:
    """One key of a chart's `values.yaml`.

    Attributes:
        type: Type of the default: `string`, `integer`, `number`, `boolean`, `list`, `object` or `null`. A default tells
            what a chart expects, not what else it accepts.
        open: Whether anything may stand below the key (an empty default, a list, a null).
    """

    type: str
    open: bool


@dataclass(frozen=True, slots=True)
class UnknownKey:
    """A key that the chart does not read.

    Attributes:
        path: Keys from the top of the values to the unknown one.
        nearest: The known key beside it that is spelt most alike; empty when none is.
    """

    path: tuple[str, ...]
    nearest: str


@dataclass(frozen=True, slots=True)
class Chart:
    r"""One version of a chart.

    Attributes:
        name: The chart's name.
        version: Without a leading `v`.
        source: Where the values were read.
        date: Date of the commit; empty where unknown.
        dependencies: Subcharts; what stands below their names belongs to them.
        keys: By path; a dot inside a key is written `\.`.
    """

    name: str
    version: str
    source: str
    date: str
    dependencies: tuple[str, ...]
    keys: Mapping[str, ChartKey]

    def key(self, path: tuple[str, ...]) -> ChartKey | None:
        """Return what is known of a key; None for one that the chart does not read."""
        return self.keys.get(dotted(path))

    def unknown_keys(self, values: Mapping[str, Any]) -> Iterator[UnknownKey]:
        """Yield each key of `values` that the chart does not read, topmost only."""
        yield from self._unknown(values, ())

    def _unknown(self, values: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[UnknownKey]:
        for key, value in values.items():
            path = (*above, str(key))
            if len(path) == 1 and (path[0] == "global" or path[0] in self.dependencies):
                continue
            known = self.keys.get(dotted(path))
            if known is None and above and key in _KUBERNETES_FIELDS.get(above[-1], ()):
                continue
            if known is None:
                yield UnknownKey(path, self._nearest(path))
            elif isinstance(value, Mapping) and not known.open:
                yield from self._unknown(value, path)

    def _nearest(self, path: tuple[str, ...]) -> str:
        start = dotted(path[:-1]) + "." if len(path) > 1 else ""
        beside = {key[len(start) :] for key in self.keys if key.startswith(start)}
        siblings = [key.replace("\\.", ".") for key in beside if "." not in key.replace("\\.", "")]
        return nearest(path[-1], siblings)


def dotted(path: tuple[str, ...]) -> str:
    """Return a path as the data write it."""
    return ".".join(part.replace(".", "\\.") for part in path)


def chart_versions(name: str) -> tuple[str, ...]:
    """Return the versions of a chart in the data, sorted as text."""
    return tuple(sorted(path.stem for path in (DATA / "charts" / name).glob("*.json")))


@cache
def chart(name: str, version: str) -> Chart | None:
    """Return a version of a chart, or None when the data do not have it. A leading `v` does not matter."""
    version = version.removeprefix("v")
    if version not in chart_versions(name):
        return None
    raw = read_json("charts", name, f"{version}.json")
    keys = {path: ChartKey(kind.removesuffix("*"), kind.endswith("*")) for path, kind in raw["keys"].items()}
    return Chart(
        name, version, raw["source"], raw.get("date", ""), tuple(raw.get("dependencies", ())), MappingProxyType(keys)
    )
