"""Every field of every kind of source is carried, set here, or lost by name; also one that nobody has heard of."""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard.editing import Changes, adopt, foreign
from modelyard.editing.sources import FieldOutcome, Outcome, sources
from modelyard.editing.sources.ledger import NOT_KNOWN, leaves, written
from modelyard.editing.sources.record import ExternalDeployment
from modelyard.findings import UserError

INPUTS = sorted((Path(__file__).parent / "inputs").iterdir())
IN_YAML = [each for each in INPUTS if each.suffix == ".yaml"]
# Written into the inputs on purpose, as something that no reader knows.
MADE_UP = {"services.chat.--made-up", "metadata.finalizers"}
# Where any key is a flag or a variable.
FREE = re.compile(r"(?:env|env_vars|modelParameters|vllmConfig|engine_kwargs|configs|vllm|parallelism)$")
EXTRA: tuple[Any, ...] = ("text", 7, True, 1.5, ["a", {"b": 1}], {"a": {"b": "c"}}, "--flag=1", "a/b", "$(A)")


def read(path: Path) -> ExternalDeployment:
    return foreign(path.name, path.read_text())


def imported(root: Path, found: ExternalDeployment) -> tuple[list[FieldOutcome], str]:
    made = adopt(lambda: Changes(root), "dev", found, "imp")
    return made.fields, made.candidate.changes.diff()


def holders(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of each mapping."""
    if isinstance(value, dict):
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in items:
        yield from holders(below, (*path, key))


def at(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


@pytest.mark.parametrize("path", INPUTS, ids=lambda each: each.stem)
def test_each_field_is_told_of_once_it_is_imported(path: Path, untouched: Path) -> None:
    found = read(path)
    fields, _ = imported(untouched, found)
    told = {each.path for each in fields}
    texts = {written(place) for place, _ in found.texts}
    for place, _ in leaves(found.ledger.content):
        assert written(place) in told or written(place) in texts
    for holder, inner in found.texts:
        assert {f"{written(holder)}: {written(place)}" for place, _ in leaves(inner.content)} <= told
    unknown = {re.sub(r"^\[\d+\]\.|\[\d+\]$", "", each.path) for each in fields if each.why == NOT_KNOWN.why}
    assert unknown <= MADE_UP
    assert all(each.why for each in fields if each.outcome is not Outcome.CARRIED)


@pytest.mark.parametrize("path", IN_YAML, ids=lambda each: each.stem)
def test_a_field_that_nobody_knows_is_never_carried(path: Path) -> None:
    chance = random.Random(path.name)  # noqa: S311 - the same in every run
    content = list(yaml.safe_load_all(path.read_text()))
    for holder in list(holders(content)):
        if not holder:
            continue
        changed = copy.deepcopy(content)
        name = f"zz{chance.randrange(1000)}"
        at(changed, holder)[name] = chance.choice(EXTRA)
        try:
            found = foreign(path.name, yaml.safe_dump_all(changed))
        except UserError:
            continue  # said as well
        given = [each.slot for each in (*found.flags.values(), *found.variables.values())]
        for slot in {*given, "model", "name", "devices", "replicas", "least", "most", "scaling"} - set(found.slots):
            found.decide(slot, Outcome.CARRIED)
        own = [each for each in found.fields() if name in each.path]
        assert own, f"nothing is said of {name} below {written(holder)}"
        if not FREE.search(written(holder)):
            assert [each for each in own if each.outcome is Outcome.CARRIED] == [], written(holder)


@pytest.mark.slow
@pytest.mark.parametrize("path", IN_YAML, ids=lambda each: each.stem)
def test_what_is_carried_makes_a_difference(path: Path, untouched: Path) -> None:
    """With another value of a field that is carried, other files are written, or it is said that it is not carried."""
    found = read(path)
    fields, diff = imported(untouched, found)
    carried = {each.path for each in fields if each.outcome is Outcome.CARRIED}
    content = found.ledger.content
    idle = []
    for place, value in leaves(content):
        if written(place) not in carried or place[-1] == "name" or isinstance(value, bool):
            continue
        changed = copy.deepcopy(content)
        numbers = list(re.finditer(r"\d+", str(value)))
        other = f"{value}x"
        if numbers:  # the last: a script begins with `python3`
            start, end = numbers[-1].span()
            other = f"{str(value)[:start]}{int(numbers[-1][0]) + 3}{str(value)[end:]}"
        at(changed, place[:-1])[place[-1]] = int(other) if isinstance(value, int) else other
        documents = changed if isinstance(changed, list) else [changed]
        try:
            again, text = imported(untouched, foreign(path.name, yaml.safe_dump_all(documents)))
        except UserError:
            continue
        still = {(each.path, each.subject, each.why) for each in again if each.path == written(place)}
        before = {(each.path, each.subject, each.why) for each in fields if each.path == written(place)}
        if text == diff and still == before:
            idle.append(written(place))
    assert idle == []


def test_each_kind_of_source_has_an_input() -> None:
    """A module of `kinds` is a kind; what it is called stands in the page about importing."""
    page = (Path(__file__).parents[3] / "docs/how-to/import-a-model.md").read_text()
    for source in sources():
        assert source.title
        for kind in source.kinds:
            assert f"`{kind}`" in page, f"{kind} does not stand in the page"
    documents = [each for path in IN_YAML for each in yaml.safe_load_all(path.read_text())]
    kinds = {each["kind"] for each in documents if "kind" in each}
    like_another = {"Pod", "ReplicaSet", "RoleSet", "PodSet", "InferenceSet"}
    assert {kind for source in sources() for kind in source.kinds} - kinds <= like_another
