"""Settings of Argo CD that Argo CD does not read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from modelyard.catalog import argocd_words
from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import nearest
from modelyard.view import ChartValues, Environment

_CHART = "argo-cd"
# Of the chart itself, beside what it writes into the ConfigMap.
_OF_THE_CHART = frozenset({"create", "annotations", "labels"})
_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_BY_KIND = tuple(f"resource.customizations.{each}." for each in ("health", "actions", "ignoreDifferences"))


@rule("argocd/unread-setting", error, since="0.3.0")
def unread_setting(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Argo CD ignores a setting whose name it does not know, and keeps its default."""
    kinds = {each.kind.lower(): each.kind for each in environment.resources}
    for values in environment.chart_values:
        if values.source.chart != _CHART:
            continue
        for section, words in (("params", argocd_words("params")), ("cm", argocd_words("cm"))):
            for key in _keys(values, section):
                if not _KEY.fullmatch(key):
                    yield Finding(
                        at=values.at(("configs", section, key), key=True),
                        message=f"configs.{section} has {key}, and a ConfigMap's keys are letters, digits, -, _ and .: "
                        "it is refused",
                        fix=f"write {re.sub(r'[^-._a-zA-Z0-9]', '_', key)}",
                    )
                    continue
                if any(key == each or (each.endswith(".") and key.startswith(each)) for each in words):
                    yield from _of_kinds(values, key, kinds)
                    continue
                known = {each for each in words if not each.endswith(".")}
                near = min((each for each in known if each.startswith(f"{key}.")), default="") or nearest(key, known)
                yield Finding(
                    at=values.at(("configs", section, key), key=True),
                    message=f"configs.{section} has {key}, which Argo CD does not read",
                    fix=f"write {near}" if near else "write the name as Argo CD's own example of the ConfigMap has it",
                )


def _keys(values: ChartValues, section: str) -> list[str]:
    found: dict[str, Any] = {}
    for layer in values.layers:
        configs = layer.content.get("configs")
        below = configs.get(section) if isinstance(configs, dict) else None
        found.update(below if isinstance(below, dict) else {})
    return [str(each) for each in found if each not in _OF_THE_CHART]


def _of_kinds(values: ChartValues, key: str, kinds: dict[str, str]) -> Iterator[Finding]:
    """Yield a customization of a kind that is spelt in other capitals than the kind is."""
    beginning = next((each for each in _BY_KIND if key.startswith(each)), "")
    kind = key.rpartition("_")[2]
    known = kinds.get(kind.lower())
    if beginning and "_" in key and known is not None and known != kind:
        yield Finding(
            at=values.at(("configs", "cm", key), key=True),
            message=f"{key} is for a kind {kind}, and Argo CD looks for {known}",
            fix=f"write {key.rpartition('_')[0]}_{known}",
        )
