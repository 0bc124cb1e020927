"""Engines, charts and exporters."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from modelyard import catalog
from modelyard.catalog.loading import DATA

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def vllm() -> catalog.Engine:
    found = catalog.engine("vllm", "0.33.0")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("spelling", "flag"),
    [
        ("--tensor-parallel-size", "tensor-parallel-size"),
        ("tensor_parallel_size", "tensor-parallel-size"),
        ("-tp", "tensor-parallel-size"),
        ("--no-enable-prefix-caching", "enable-prefix-caching"),
        ("--compilation-config.mode", "compilation-config"),
        ("--device-memory-utilization", "gpu-memory-utilization"),
    ],
)
def test_a_flag_is_found_by_every_spelling_that_vllm_takes(vllm: catalog.Engine, spelling: str, flag: str) -> None:
    found = vllm.flag(spelling)
    assert found is not None and found.name == flag


def test_unknown_flags_are_none_and_have_a_neighbour(vllm: catalog.Engine) -> None:
    assert vllm.flag("--max-modl-len") is None
    assert vllm.nearest_flag("--max-modl-len") == "max-model-len"
    assert vllm.flag("--no-dtype") is None, "only switches have a no- form"
    assert vllm.flag("--swap-space") is None, "a flag of older versions"


def test_flags_have_types_choices_and_defaults(vllm: catalog.Engine) -> None:
    assert vllm.flags["gpu-memory-utilization"].default == 0.92
    assert vllm.flags["dtype"].choices == ("auto", "half", "float16", "bfloat16", "float", "float32")
    assert vllm.flags["max-model-len"].type == "human-int"
    assert vllm.flags["speculative-config"].type == "json"
    assert "fp8" in vllm.flags["kv-cache-dtype"].known and not vllm.flags["kv-cache-dtype"].choices
    assert "VLLM_USE_FLASHINFER_SAMPLER" in vllm.environment
    assert "hermes" in vllm.tool_call_parsers and "qwen3" in vllm.reasoning_parsers


def test_versions_that_the_data_do_not_have_are_none() -> None:
    assert catalog.engine("vllm", "0.1.0") is None
    assert catalog.chart("argo-cd", "0.0.1") is None
    assert catalog.metrics("vllm", "0.1.0") is None
    assert catalog.metrics("nothing") is None


def test_chart_keys_find_the_misspelt_one_and_leave_free_content_alone() -> None:
    chart = catalog.chart("argo-cd", "v10.1.1")
    assert chart is not None
    values = {
        "global": {"anything": 1},
        "redis-ha": {"anything": 1},
        "server": {"servce": {"type": "LoadBalancer"}, "resources": {"limits": {"cpu": 1}}, "replicas": 2},
        "configs": {"params": {"server.insecure": True}},
    }
    assert list(chart.unknown_keys(values)) == [catalog.UnknownKey(("server", "servce"), "service")]


def test_fields_of_kubernetes_may_stand_where_a_chart_hands_them_on() -> None:
    chart = catalog.chart("lws", "0.10.0")
    assert chart is not None
    fields = {"resources": {"requests": {"cpu": 1}, "limts": {}}, "podSecurityContext": {"seccompProfile": {}, "x": 1}}
    assert [each.path for each in chart.unknown_keys(fields)] == [("resources", "limts"), ("podSecurityContext", "x")]
    assert [each.path for each in chart.unknown_keys({"requests": {}})] == [("requests",)]


@pytest.mark.parametrize("folder", sorted((DATA / "charts").iterdir()), ids=lambda folder: folder.name)
def test_every_chart_can_be_read_and_has_a_source(folder: Path) -> None:
    for version in catalog.chart_versions(folder.name):
        chart = catalog.chart(folder.name, version)
        assert chart is not None and chart.keys and chart.source


@pytest.mark.parametrize("name", catalog.exporters())
def test_every_exporter_can_be_read_and_no_series_is_both_there_and_gone(name: str) -> None:
    found = catalog.metrics(name)
    assert found is not None and found.metrics and found.source
    assert not set(found.removed) & set(found.series)


def test_series_of_histograms_have_suffixes() -> None:
    found = catalog.metrics("vllm", "0.33.0")
    assert found is not None
    assert "vllm:time_to_first_token_seconds_bucket" in found.series
    assert "vllm:time_to_first_token_seconds" not in found.series
    assert found.removed["vllm:gpu_cache_usage_perc"] == "vllm:kv_cache_usage_perc"


def test_a_charts_record_is_written_from_the_chart(tmp_path: Path) -> None:
    chart = tmp_path / "tiny"
    chart.mkdir()
    (chart / "Chart.yaml").write_text("name: tiny\nversion: v1.2.0\ndependencies: [{name: redis, alias: cache}]\n")
    (chart / "values.yaml").write_text("a: {b: 1, c.d: x}\nlist: [1]\nempty: {}\nflag: true\n")
    argv = [
        sys.executable,
        "scripts/catalog_chart.py",
        "--source",
        "here",
        "--target",
        str(tmp_path / "out"),
        str(chart),
    ]
    subprocess.run(argv, cwd=ROOT, check=True, timeout=60)
    written = json.loads((tmp_path / "out" / "tiny" / "1.2.0.json").read_text())
    assert written["dependencies"] == ["cache"]
    assert written["keys"] == {
        "a": "object*",
        "a.b": "integer",
        "a.c\\.d": "string",
        "empty": "object*",
        "flag": "boolean",
        "list": "list*",
    }
