"""Every pair of answers that may stand together makes an environment that passes `modelyard check`."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard.tooling import run
from tests.template import matrix
from tests.template.kustomize import program
from tests.template.pairwise import covering_rows, pairs_of

MODELYARD = Path(sys.executable).with_name("modelyard")


def test_rows_hold_every_pair_that_any_row_can_hold() -> None:
    factors = {"a": ("1", "2", "3"), "b": ("1", "2"), "c": ("1", "2"), "d": ("1", "2", "3")}

    def legal(chosen: Mapping[str, str]) -> bool:
        """Three of these never stand together, and through `c` neither do a=3 and d=3."""
        pick = chosen.get
        return not (
            (pick("a") == "1" and pick("b") == "2" and pick("c") == "1")
            or (pick("a") == "3" and pick("c") == "1")
            or (pick("c") == "2" and pick("d") == "3")
        )

    rows, impossible = covering_rows(factors, legal)
    every = [dict(zip(factors, values, strict=True)) for values in product(*factors.values())]
    possible = {
        pair for row in every if legal(row) for pair in pairs_of({name: (value,) for name, value in row.items()})
    }
    assert all(legal(row) for row in rows)
    held = {pair for row in rows for pair in pairs_of({name: (row[name],) for name in factors})}
    assert held == possible
    assert set(pairs_of(factors)) - possible == impossible
    assert (("a", "3"), ("d", "3")) in impossible
    assert len(rows) < len(every) / 2


def test_every_question_is_varied_or_a_name() -> None:
    varied = {name for name in matrix.factors() if not name.startswith(matrix.COMPONENT)}
    assert varied | matrix.NAMES | matrix.OF_A_PUBLIC_GATEWAY | {"components"} == set(matrix.questions())
    assert not varied & matrix.NAMES
    for name, values in matrix.TRIED.items():
        default = str(matrix.questions()[name].get("default", ""))
        assert "{" in default or default == values[0], f"{name}: the first value tried should be the default"


def test_the_matrix_holds_every_pair() -> None:
    factors = matrix.factors()
    rows, impossible = covering_rows(factors, matrix.legal)
    assert all(set(row) == set(factors) for row in rows)
    held = {pair for row in rows for pair in pairs_of({name: (row[name],) for name in factors})}
    assert held | impossible == set(pairs_of(factors))
    assert not held & impossible
    assert len(impossible) < len(held) / 20, "the conditions of the matrix leave out too much"
    assert len(matrix.combinations()) == len(rows)


@pytest.fixture(scope="session")
def matrix_repository(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One repository with an environment for each combination."""
    return matrix.write(template, tmp_path_factory.mktemp("matrix") / "matrix")


@pytest.mark.slow  # an environment for each of two dozen combinations
def test_every_combination_passes_the_check(matrix_repository: Path, tmp_path: Path) -> None:
    program()
    report = tmp_path / "report.json"
    done = run(
        [MODELYARD, "check", "--format", f"json={report}", "--format", "text"],
        cwd=matrix_repository,
        timeout=600,
        env={"NO_COLOR": "1"},
    )
    said = done.stdout.decode() + done.stderr
    assert done.returncode == 0, said
    told: dict[str, Any] = json.loads(report.read_text())
    assert len(told["environments"]) == len(matrix.combinations())
    assert not told["findings"], Counter((each["rule"], each["message"]) for each in told["findings"])
    told_charts = [
        chart
        for file in (matrix_repository / "bases/platform").glob("*/component.yaml")
        if (chart := yaml.safe_load(file.read_text()).get("chart"))
    ]
    # Of a chart in a Git repository the folder is named.
    names = [
        f"{each['path']} of {each['repository']}" if "path" in each else f"chart {each['name']}" for each in told_charts
    ]
    versions = {
        name if "path" in each else f"{name} {each['version']}" for name, each in zip(names, told_charts, strict=True)
    }
    for gap in told["not_checked"]:
        brought = any(gap["reason"].startswith((f"{name} may create ", f"{name} may bring ")) for name in names)
        # What only the cloud knows is filled in when Terraform has run.
        unknown_yet = gap["reason"] == "the id of a file system, fs-… is not set yet"
        assert gap["subject"] in versions or brought or unknown_yet or gap["accepted"], gap


@pytest.mark.slow  # as above
def test_each_environment_has_the_components_of_its_answers(matrix_repository: Path) -> None:
    for number, answers in enumerate(matrix.combinations(), 1):
        folder = matrix_repository / f"environments/m{number:02}"
        recorded = yaml.safe_load((folder / ".copier-answers.yml").read_text())
        for name, answer in answers.items():
            assert name not in recorded or str(recorded[name]).lower() == answer.lower(), name
        written = {
            file.stem for file in (folder / "applications").glob("*.yaml") if "component: platform" in file.read_text()
        }
        always = {
            each.name
            for each in matrix.components().values()
            if each.install == "always"
            and all(str(recorded.get(name)).lower() == str(value).lower() for name, value in each.answers.items())
        }
        assert written == always | set(filter(None, answers["components"].split(",")))
