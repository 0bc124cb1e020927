"""Rules and panels read only what the pinned exporters serve, and every expression is one that Prometheus takes."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from modelyard.catalog import metrics
from tests.manifests.composition import BASES, ROOT, shipped
from tests.monitoring.queries import DASHBOARDS, expressions, known, panels, read, unknown
from tests.monitoring.rules import needs_promtool, promtool

EVERY = expressions()
QUERIES = [
    pytest.param(name, expr, id=f"{number}-{name}")
    for number, (name, expr) in enumerate(EVERY)
    if not name.startswith("objective:")  # constants
]


@pytest.mark.parametrize(("name", "expr"), QUERIES)
def test_metrics_and_labels_are_those_of_the_exporters(name: str, expr: str) -> None:
    asked = read(expr)
    assert asked.labels, "reads no metric"
    everything: set[str] | None = set(asked.made)
    for metric, labels in asked.labels.items():
        told = known(metric)
        assert not unknown(labels, told), f"{metric} has no such label"
        everything = None if told is None or everything is None else everything | told
    assert not unknown(asked.grouped, everything), "no metric of the expression has this label"


@pytest.mark.parametrize(
    "expr",
    [
        "vllm:gpu_cache_usage_perc",  # gone since vLLM's first engine
        'vllm:num_requests_waiting{model="chat"}',
        "sum by (gpu) (vllm:num_requests_waiting)",
        'label_replace(vllm:num_requests_waiting, "a", "$1", "modle_name", "(.+)")',
        "model:requests_wating:sum",
    ],
)
def test_a_mistake_would_be_found(expr: str) -> None:
    with pytest.raises((AssertionError, KeyError)):
        test_metrics_and_labels_are_those_of_the_exporters("", expr)


@needs_promtool
def test_prometheus_takes_every_expression(tmp_path: Path) -> None:
    rules = [{"record": f"expression:{number}", "expr": expr} for number, (_, expr) in enumerate(EVERY)]
    (tmp_path / "all.yaml").write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}))
    done = promtool("check", "rules", "all.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stdout.decode() + done.stderr
    assert f"{len(EVERY)} rules found" in done.stdout.decode()


def test_the_exporter_is_asked_for_every_gpu_metric_that_is_read() -> None:
    text = (BASES / "platform" / "dcgm-exporter" / "counters.csv").read_text()
    rows = [row for row in csv.reader(text.splitlines(), skipinitialspace=True) if row and not row[0].startswith("#")]
    exporter = metrics("dcgm-exporter")
    assert exporter is not None
    told = {name: kind for name, kind, _ in rows}
    assert len(told) == len(rows), "a field is listed twice"
    for name, kind in told.items():
        assert name == name.strip() and kind == kind.strip()
        assert kind == ("label" if name == "DCGM_FI_DRIVER_VERSION" else exporter.metrics[name].type), name
    read_here = {metric for _, expr in EVERY for metric in read(expr).labels if metric.startswith("DCGM_")}
    assert read_here <= set(told)


def test_dashboards_are_current() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "generate_dashboards.py", "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_dashboard_is_whole(path: Path) -> None:
    dashboard = json.loads(path.read_text())
    assert dashboard["uid"].startswith("modelyard-") and "modelyard" in dashboard["tags"]
    assert dashboard["editable"] is False
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    shown = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    assert all(panel.get("targets") for panel in shown), "a panel shows nothing"
    for panel in shown:
        assert panel.get("title"), "a panel says not what it shows"
        # Rows of a log are no quantity.
        assert panel["type"] == "logs" or panel["fieldConfig"]["defaults"].get("unit"), f"{panel['title']}: no unit"
    for line in {panel["gridPos"]["y"] for panel in dashboard["panels"]}:
        beside = {panel["gridPos"]["h"] for panel in dashboard["panels"] if panel["gridPos"]["y"] == line}
        assert len(beside) == 1, f"panels that begin at line {line} end at different ones"
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, f"{panel['title']} lies over another panel"
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_dashboards_are_where_grafana_looks_for_them() -> None:
    found = [resource for resource in shipped(BASES / "platform" / "dashboards") if resource["kind"] == "ConfigMap"]
    assert len(found) == 4
    for resource in found:
        assert resource["metadata"]["namespace"] == "monitoring"
        assert resource["metadata"]["labels"]["grafana_dashboard"] == "1"
        # Beyond 256 KiB the annotation of a client-side apply would not fit.
        assert all(len(text) < 200_000 and json.loads(text) for text in resource["data"].values())


def test_every_dashboard_has_panels_with_queries() -> None:
    assert {file for file, _, _ in panels()} == {f"{path.parent.name}/{path.stem}" for path in DASHBOARDS}
