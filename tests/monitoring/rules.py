"""The platform's rules as Prometheus is given them, in a folder where promtool can test them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard.tooling import Completed, find, run
from tests.manifests.composition import BASES, load, shipped

ALERTS = BASES / "platform" / "alerts"
CASES = sorted((Path(__file__).parent / "alerts").glob("*.yaml"))
NAMES = sorted(
    rule["alert"]
    for path in (ALERTS / "rules").glob("*.yaml")
    for group in load(path)["spec"]["groups"]
    for rule in group["rules"]
    if "alert" in rule
)
BUDGET = {"name": "budget", "rules": [{"record": "objective:spend_usd_per_month", "expr": "vector(5000)"}]}

needs_promtool = pytest.mark.skipif(
    find("promtool") is None, reason="promtool is not installed; run `modelyard tools install promtool`"
)


def groups() -> dict[str, list[dict[str, Any]]]:
    """Return the groups of each PrometheusRule of the component, as kustomize builds it."""
    return {
        resource["metadata"]["name"]: resource["spec"]["groups"]
        for resource in shipped(ALERTS)
        if resource["kind"] == "PrometheusRule"
    }


def alerts() -> dict[str, dict[str, Any]]:
    """Return every alert by its name."""
    return {
        rule["alert"]: rule
        for found in groups().values()
        for group in found
        for rule in group["rules"]
        if "alert" in rule
    }


def write(folder: Path, found: dict[str, list[dict[str, Any]]]) -> None:
    """Write each PrometheusRule as a rule file, with a budget, which an environment would add.

    Of the annotations only the summary is kept, so that cases need not repeat links and prose.
    """
    for name, each in {**found, "budget": [BUDGET]}.items():
        plain = [
            {
                **group,
                "rules": [
                    {**rule, "annotations": {"summary": rule["annotations"]["summary"]}} if "alert" in rule else rule
                    for rule in group["rules"]
                ],
            }
            for group in each
        ]
        (folder / f"{name}.rules.yaml").write_text(yaml.safe_dump({"groups": plain}, sort_keys=False))


def promtool(*arguments: str | Path, cwd: Path) -> Completed:
    """Run the pinned promtool."""
    tool = find("promtool")
    assert tool is not None
    return run([tool.path, *map(str, arguments)], cwd=cwd, timeout=120)
