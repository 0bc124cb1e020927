"""Values of the charts inside kube-prometheus-stack, held against the lists of those charts' own keys."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard.catalog import chart
from tests.manifests.composition import BASES, load

STACK = BASES / "platform" / "kube-prometheus-stack"
# As Chart.yaml of kube-prometheus-stack 88.5.3 pins them.
INSIDE = {"grafana": "12.11.1", "kube-state-metrics": "8.4.0", "prometheus-node-exporter": "4.56.1"}
# Read in charts/grafana/templates/_pod.tpl of grafana-community/helm-charts; the chart's values only mention it.
MENTIONED = {"priorityClassName"}
TYPES: dict[str, type | tuple[type, ...]] = {
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "list": list,
    "object": dict,
}


@pytest.mark.parametrize("name", INSIDE)
def test_keys_are_those_of_the_chart_or_of_the_one_around_it(name: str) -> None:
    inner, outer = chart(name, INSIDE[name]), chart("kube-prometheus-stack", "88.5.3")
    assert inner is not None and outer is not None

    def wrong(values: dict[str, Any], above: str) -> list[str]:
        found: list[str] = []
        for key, value in values.items():
            path = above + key.replace(".", "\\.")
            known = inner.keys.get(path) or outer.keys.get(f"{name}.{path}")
            if known is None:
                found.extend({path} - MENTIONED)
            elif not isinstance(value, TYPES.get(known.type, object)):
                found.append(f"{path}: {value!r} is no {known.type}")
            elif isinstance(value, dict) and not known.open:
                found.extend(wrong(value, f"{path}."))
        return found

    values = load(STACK / "values.yaml")[name]
    # Grafana's own settings file, of which the chart lists only what it sets itself.
    values.get("grafana.ini", {}).clear()
    assert not wrong(values, "")
    assert wrong({**values, "sidcar": {}}, "") == ["sidcar"]


def test_the_password_of_grafana_is_not_in_git() -> None:
    values = load(STACK / "values.yaml")["grafana"]
    assert "adminPassword" not in values
    assert values["admin"]["existingSecret"] == "grafana-admin"


def test_grafana_reads_its_own_namespace_alone() -> None:
    values = load(STACK / "values.yaml")["grafana"]
    assert values["rbac"]["namespaced"] is True
    assert {part: values["sidecar"][part]["searchNamespace"] for part in ("dashboards", "datasources")} == {
        "dashboards": "monitoring",
        "datasources": "monitoring",
    }
