"""A small sample of mutants in each run of the slow tests: what the check noticed it has to notice again."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.mutants.judging import Outcome, judged
from tests.mutants.mutations import Mutant
from tests.mutants.table import RATCHET, fields, harmless
from tests.mutants.workbench import Workbench
from tests.mutants.worlds import made_of

SEED = 1
SAMPLE = 40
OVERLOOKED = {Outcome.SURVIVED.value, Outcome.CRASHED.value}


@pytest.fixture(scope="module")
def bench(bases: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    folder = tmp_path_factory.mktemp("mutants")
    shutil.copytree(bases["one-model"], folder / "repository", symlinks=True)
    made = Workbench(folder / "repository", folder / "rendered")
    yield made
    made.close()


def _first_of_each(bench: Workbench) -> dict[str, Mutant]:
    first: dict[str, Mutant] = {}
    for mutant in made_of(bench, SEED):
        first.setdefault(f"{mutant.leaf.field} | {mutant.family}", mutant)
    return first


@pytest.mark.slow
def test_what_was_noticed_is_noticed_again(bench: Workbench) -> None:
    known = _first_of_each(bench)
    owned = [line for line in RATCHET.read_text().splitlines() if line in known]
    assert len(owned) > SAMPLE, "the list is of other fields than the repositories have; write it anew"
    chosen = random.Random(SEED).sample(owned, SAMPLE)  # noqa: S311 - a seed, no secret
    results = {name: judged(known[name], bench, bench.texts) for name in chosen}
    assert {name: result for name, result in results.items() if result["outcome"] in OVERLOOKED} == {}
    # Of some the first mutant changes a value that something else sets later, so that there is nothing to notice.
    killed = [name for name, result in results.items() if result["outcome"] == Outcome.KILLED]
    assert len(killed) > SAMPLE // 2


@pytest.mark.slow
def test_a_comment_is_no_change(bench: Workbench) -> None:
    """An edit that changes nothing is told apart from one that is overlooked, and leaves nothing behind."""
    file = "overlays/qwen3-1-7b-vllm-gpu/devices.yaml"
    before = bench.texts[file]
    report, differs = bench.check({file: f"# another comment\n{before}"})
    assert (report.findings, differs) == ([], False)
    assert (bench.root / file).read_text() == before


@pytest.mark.slow
def test_the_check_says_the_same_as_one_that_starts_anew(bench: Workbench) -> None:
    from modelyard.checking import CheckOptions, check

    file = "overlays/qwen3-1-7b-vllm-gpu/vllm.yaml"
    text = bench.texts[file].replace("tensor-parallel-size: 1", "tensor-parallel-size: 3")
    report, _ = bench.check({file: text})
    whole = bench.root / file
    before = whole.read_text()
    try:
        whole.write_text(text)
        anew = check(bench.root, CheckOptions(policies=False))
    finally:
        whole.write_text(before)
    assert [(each.rule, str(each.at.place()), each.message) for each in report.findings] == [
        (each.rule, str(each.at.place()), each.message) for each in anew.findings
    ]
    assert report.findings


def test_harmless_fields_have_reasons() -> None:
    assert all(each.fields and len(each.reason) > len("reason") for each in harmless())


def test_fields_are_owned_harmless_or_gaps() -> None:
    line = {"file": "bases/serving/vllm/deployment.yaml", "line": 1, "family": "misspelt", "old": "a", "new": "b"}
    lines = [
        {**line, "field": "Deployment a", "outcome": "killed"},
        {**line, "field": "Deployment b", "outcome": "killed"},
        {**line, "field": "Deployment b", "outcome": "survived"},
        {**line, "field": "terraform output x.description", "outcome": "survived"},
        {**line, "field": "Deployment c", "outcome": "not checked"},
        {**line, "field": "Deployment d", "outcome": "equal"},
        {**line, "field": "terraform output y.description", "outcome": "crashed"},
    ]
    states = {each.name: each.state for each in fields(lines)}
    assert states == {
        "Deployment a": "owned",
        "Deployment b": "gap",
        "Deployment c": "not checked",
        "Deployment d": "no effect",
        "terraform output x.description": "harmless",
        "terraform output y.description": "gap",
    }
