"""Every alert, firing and silent, in the Prometheus that the platform runs."""

from __future__ import annotations

import copy
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.manifests.composition import ROOT, Repository, build
from tests.monitoring.queries import known
from tests.monitoring.rules import ALERTS, CASES, NAMES, alerts, groups, needs_promtool, promtool, write

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
RUNBOOKS = f"https://github.com/modelyard/modelyard/blob/v{VERSION}/docs/runbooks/"


def cases() -> list[tuple[str, str, bool]]:
    """Return for each question of a case its name, the alert's, and whether it is to fire."""
    return [
        (test["name"], question["alertname"], bool(question["exp_alerts"]))
        for path in CASES
        for test in yaml.safe_load(path.read_text())["tests"]
        for question in test["alert_rule_test"]
    ]


@needs_promtool
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_alerts_fire_and_are_silent(path: Path, tmp_path: Path) -> None:
    write(tmp_path, groups())
    (tmp_path / path.name).write_text(path.read_text())
    done = promtool("test", "rules", path.name, cwd=tmp_path)
    assert done.returncode == 0, done.stdout.decode() + done.stderr


_SERIES = re.compile(r"""^(\s*- series: )(['"]?)([A-Za-z_:][\w:]*)(?:\{(.*)\})?\2$""", re.MULTILINE)


def with_every_label(line: re.Match[str]) -> str:
    """Return a series of a case with every label that its exporter and the scrape give it."""
    before, _, name, inner = line.groups()
    written = [inner.strip().rstrip(",")] if inner else []
    there = set(re.findall(r'(\w+)\s*=\s*"', inner or "")) | {"le", "quantile"}
    others = sorted(label for label in known(name) or () if label.isidentifier() and label not in there)
    labels = [f'{label}="a"' for label in others if not label.startswith("exported_")]
    return f"{before}'{name}{{{', '.join([*written, *labels])}}}'"


@needs_promtool
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_alerts_are_the_same_with_every_label_of_the_exporters(path: Path, tmp_path: Path) -> None:
    """An operation that matches on all labels works in a case that has three, and finds nothing in a cluster."""
    write(tmp_path, groups())
    text, changed = _SERIES.subn(with_every_label, path.read_text())
    assert changed == text.count("- series: ")
    (tmp_path / path.name).write_text(text)
    done = promtool("test", "rules", path.name, cwd=tmp_path)
    assert done.returncode == 0, done.stdout.decode() + done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_each_alert_is_seen_firing_and_silent(name: str) -> None:
    assert {fires for _, alert, fires in cases() if alert == name} == {True, False}


@needs_promtool
@pytest.mark.slow
@pytest.mark.parametrize(("expression", "wrong"), [("vector(0) > 1", True), ("vector(1)", False)])
def test_cases_notice_alerts_that_never_fire_and_that_always_do(expression: str, wrong: bool, tmp_path: Path) -> None:
    changed = copy.deepcopy(groups())
    for found in changed.values():
        for group in found:
            for rule in group["rules"]:
                if "alert" in rule:
                    rule["expr"] = expression
    write(tmp_path, changed)
    output = ""
    for path in CASES:
        (tmp_path / path.name).write_text(path.read_text())
        done = promtool("test", "rules", path.name, cwd=tmp_path)
        output += done.stdout.decode() + done.stderr
    noticed = set(re.findall(r"name: (.+),\n\s+alertname: (\w+)", output))
    assert {(case, alert) for case, alert, fires in cases() if fires is wrong} <= noticed


@pytest.mark.parametrize("name", NAMES)
def test_each_alert_has_a_severity_a_sentence_and_a_runbook(name: str) -> None:
    rule = alerts()[name]
    # What is `info` the chart's Alertmanager mutes, unless something worse is wrong in the same namespace.
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["summary"] and rule["annotations"]["description"]
    page = re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower() + ".md"
    assert rule["annotations"]["runbook_url"] == RUNBOOKS + page
    text = (ROOT / "docs" / "runbooks" / page).read_text()
    assert text.startswith(f"# {name}\n")
    for part in ("## Meaning", "## Diagnosis", "## Mitigation"):
        assert part in text, f"{page} lacks {part!r}"


def test_there_is_no_runbook_without_an_alert() -> None:
    pages = {path.stem for path in (ROOT / "docs" / "runbooks").glob("*.md")} - {"README"}
    assert pages == {re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower() for name in NAMES}


def test_every_objective_is_held_by_an_alert() -> None:
    told = {rule["record"] for group in groups()["objectives"] for rule in group["rules"]}
    read = {
        name
        for found in groups().values()
        for group in found
        for rule in group["rules"]
        for name in re.findall(r"objective:\w+", rule["expr"])
    }
    assert told | {"objective:spend_usd_per_month"} == read


@needs_promtool
def test_an_environment_sets_objectives_also_for_one_model(tmp_path: Path) -> None:
    changed: dict[str, Any] = copy.deepcopy(groups())
    rules = changed["objectives"][0]["rules"]
    rules.append(
        {
            "record": "objective:time_to_first_token_seconds",
            "expr": "vector(20)",
            "labels": {"quantile": "0.95", "model_name": "large"},
        }
    )
    write(tmp_path, changed)
    series = [
        {
            "series": f'vllm:time_to_first_token_seconds_bucket{{namespace="models", model_name="{name}", le="{le}"}}',
            "values": values,
        }
        for name in ("large", "small")
        for le, values in (("5.0", "0x60"), ("10.0", "0+15x60"), ("+Inf", "0+15x60"))
    ]
    expected = [
        {
            "labels": f'model:time_to_first_token_seconds:objective{{namespace="models", model_name="{name}", '
            'quantile="0.95"}',
            "value": value,
        }
        for name, value in (("large", 20), ("small", 3))
    ]
    case = {
        "rule_files": ["objectives.rules.yaml", "inference.rules.yaml"],
        "evaluation_interval": "30s",
        "tests": [
            {
                "interval": "30s",
                "input_series": series,
                "promql_expr_test": [
                    {
                        "expr": 'model:time_to_first_token_seconds:objective{quantile="0.95"}',
                        "eval_time": "10m",
                        "exp_samples": expected,
                    }
                ],
            }
        ],
    }
    (tmp_path / "case.yaml").write_text(yaml.safe_dump(case))
    done = promtool("test", "rules", "case.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stdout.decode() + done.stderr


@needs_promtool
def test_the_patch_of_the_readme_sets_what_it_says(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", (ALERTS / "README.md").read_text(), re.DOTALL)
    folder = Repository(tmp_path / "repository").platform("alerts", **yaml.safe_load(block))
    changed = {each["metadata"]["name"]: each["spec"]["groups"] for each in build(folder)}
    (group,) = changed["objectives"]
    told = {(rule["record"], *sorted(rule.get("labels", {}).values())): rule["expr"] for rule in group["rules"]}
    assert told["objective:spend_usd_per_month",] == "vector(20000)"
    assert told["objective:pool_usage_ratio",] == "vector(0.8)"
    assert told["objective:time_to_first_token_seconds", "0.95"] == "vector(3)"
    assert told["objective:time_to_first_token_seconds", "0.95", "chat"] == "vector(20)"
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [group]}))
    done = promtool("check", "rules", "rules.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stdout.decode() + done.stderr


def test_the_component_has_its_readme() -> None:
    text = (ALERTS / "README.md").read_text()
    assert [name for name in NAMES if f"`{name}`" not in text and f"[{name}]" not in text] == []
