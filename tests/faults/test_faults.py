"""The mistakes that are caught stay caught, and the table of them stays true."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from modelyard.rules import rules
from tests import repositories
from tests.faults.bare_tools import NAMES
from tests.faults.catalogue import Fault, faults, noticed, ratchet
from tests.faults.harness import ORDER, Outcome, judge
from tests.repositories.copies import Copies

TRIED = [fault for fault in faults() if fault.is_tried]
CAUGHT = [fault for fault in TRIED if ratchet().get(fault.id) == Outcome.CAUGHT]
# Every day one mistake for each area of rules: the rules' own cases hold what each says, these that the harness works.
FIRST = list({f.expect.rule.partition("/")[0]: f for f in reversed(CAUGHT) if f.expect is not None}.values())
MOST_EXCLUDED = 0.05


@pytest.fixture(scope="module")
def copies(bases: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Copies:
    return Copies(bases, tmp_path_factory.mktemp("faults"))


@pytest.mark.parametrize("fault", [pytest.param(each, id=each.id) for each in FIRST])
def test_mistake_that_was_caught_is_caught(fault: Fault, copies: Copies) -> None:
    found = judge(fault, copies)
    assert found.outcome == Outcome.CAUGHT, str(found)


@pytest.mark.slow
@pytest.mark.parametrize("fault", [pytest.param(each, id=each.id) for each in CAUGHT if each not in FIRST])
def test_further_mistake_is_caught(fault: Fault, copies: Copies) -> None:
    found = judge(fault, copies)
    assert found.outcome == Outcome.CAUGHT, str(found)


@pytest.mark.slow
@pytest.mark.parametrize("fault", [pytest.param(each, id=each.id) for each in TRIED if each not in CAUGHT])
def test_mistake_that_was_not_caught_is_no_worse(fault: Fault, copies: Copies) -> None:
    accepted = Outcome(ratchet()[fault.id])
    found = judge(fault, copies)
    better = ORDER.index(found.outcome) < ORDER.index(accepted)
    assert not better, f"{fault.id} is {found.outcome} now; run `make faults` to write it down"
    assert found.outcome == accepted, str(found)


def test_ratchet_covers_what_is_tried() -> None:
    assert set(ratchet()) == {fault.id for fault in TRIED}, "run `make faults` to write the outcomes down"


@pytest.mark.parametrize("fault", [pytest.param(each, id=each.id) for each in faults()])
def test_entry_is_whole(fault: Fault) -> None:
    states = [fault.is_tried, bool(fault.not_yet), bool(fault.excluded)]
    assert states.count(True) == 1, "tried, not yet or excluded"
    if not fault.is_tried:
        return
    assert fault.repository in repositories.names()
    assert fault.fault and fault.twin and fault.fault != fault.twin
    assert fault.expect is not None
    if ratchet()[fault.id] != Outcome.MISSED:
        assert fault.expect.rule in rules()


def test_few_mistakes_are_excluded() -> None:
    excluded = [fault.id for fault in faults() if fault.excluded]
    assert len(excluded) <= MOST_EXCLUDED * len(faults()), excluded


def test_what_tools_noticed_is_of_mistakes_and_tools_that_there_are() -> None:
    assert set(noticed()) <= {fault.id for fault in TRIED}
    assert {tool for tools in noticed().values() for tool in tools} <= set(NAMES)


def test_names_are_unique() -> None:
    names = [fault.id for fault in faults()]
    assert len(names) == len(set(names))
