"""The environments of `make rehearsal-full` hold every platform component and every engine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Template

from tests.template import matrix
from tests.template.conftest import PROJECT

SCRIPT = PROJECT / "scripts" / "rehearse_environments.py"
ENVIRONMENTS: dict[str, dict[str, Any]] = yaml.safe_load(
    (PROJECT / "scripts" / "rehearsal_environments.yaml").read_text()
)
QUESTIONS = matrix.questions()
REGIONS_WITHOUT = yaml.safe_load(yaml.safe_load((PROJECT / "copier.yml").read_text())["regions_without"]["default"])


def answers(name: str) -> dict[str, str]:
    """Return what an environment answers, defaults included."""
    given = ENVIRONMENTS[name]["answers"]
    answered: dict[str, Any] = {"region": "us-west-2", "regions_without": REGIONS_WITHOUT, **given}
    for key, each in QUESTIONS.items():
        written = each.get("default", "")
        # As Copier works it out, where the region or an answer before it decides it.
        decided = "regions_without" in str(written)
        answered.setdefault(key, Template(written).render(answered) == "True" if decided else written)
    return {key: str(value).lower() for key, value in answered.items()}


def components(name: str) -> set[str]:
    """Return the platform components of an environment."""
    answered = answers(name)

    def met(component: str) -> bool:
        wanted = matrix.components()[component].answers
        return all(answered[key] == str(value).lower() for key, value in wanted.items())

    always = {each.name for each in matrix.components().values() if each.install == "always" and met(each.name)}
    if "components" in ENVIRONMENTS[name]["answers"]:
        return always | set(filter(None, answered["components"].split(",")))
    return always | {each.name for each in matrix.components().values() if each.install == "default" and met(each.name)}


def test_there_are_six_and_two_are_tried_in_a_mock_account() -> None:
    assert len(ENVIRONMENTS) == 6
    assert all("sync" in each["levels"] for each in ENVIRONMENTS.values())
    assert sum("cloud" in each["levels"] for each in ENVIRONMENTS.values()) == 2


def test_every_component_is_in_one() -> None:
    assert set().union(*map(components, ENVIRONMENTS)) == set(matrix.components())


def test_every_engine_serves_a_model_in_one() -> None:
    overlays = [
        each["overlay"] for environment in ENVIRONMENTS.values() for each in environment.get("models", {}).values()
    ]
    described = [yaml.safe_load((PROJECT / "overlays" / each / "overlay.yaml").read_text()) for each in overlays]
    assert {each["engine"] for each in described} == {
        file.parent.name for file in (PROJECT / "bases" / "serving").glob("*/engine.yaml")
    }


def test_the_transcript_tells_of_every_environment() -> None:
    rows = [line for line in (PROJECT / "docs" / "rehearsals.md").read_text().splitlines() if line.startswith("| ")]
    told = [tuple(each.strip() for each in line.split("|")[1:3]) for line in rows[2:]]
    assert told == [(name, level) for name, each in ENVIRONMENTS.items() for level in each["levels"]]


def test_an_unknown_environment_is_refused(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, SCRIPT, tmp_path, "staging"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "there is no environment staging" in done.stderr and not list(tmp_path.iterdir())


def test_a_row_counts_what_is_well_and_what_was_foretold() -> None:
    sys.path.insert(0, str(SCRIPT.parent))
    try:
        from rehearse_environments import remarks, summary
    finally:
        sys.path.pop(0)
    told: dict[str, Any] = {
        "applications": [{"sync": "Synced", "health": "Healthy"}, {"sync": "OutOfSync", "health": "Healthy"}],
        "pods": [{"as_foretold": True}, {"as_foretold": False}, {"as_foretold": None}],
        "components": [{"peak_memory_bytes": 1_500_000_000}, {"peak_memory_bytes": None}],
        "cloud": None,
        "kubernetes_version": "1.35.4",
        "real_operators": [],
        "stood_in": [],
        "report": {"findings": [{"rule": "rehearsal/not-synced", "message": "root is OutOfSync"}]},
    }
    assert summary(told, 61.2) == ["1 of 2 synced and healthy", "1 of 2", "61 s", "1.5 GB"]
    assert "rehearsal/not-synced: root is OutOfSync." in list(remarks(json.loads(json.dumps(told))))
