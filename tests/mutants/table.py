"""Results of mutants, merged: which fields the check owns, which are harmless, and which are gaps."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from modelyard.checking.wildcards import wildcard
from modelyard.rules import rules
from tests.mutants.judging import Outcome
from tests.mutants.worlds import area

HARMLESS = Path(__file__).with_name("harmless.yaml")
RATCHET = Path(__file__).with_name("owned.txt")
"""Fields and kinds of mistake whose every mutant was noticed, one a line; what stands here has to stay so."""
OWNED = "owned"
SAID = "not checked"
LET_BE = "harmless"
GAP = "gap"
NO_EFFECT = "no effect"
STATES = (OWNED, SAID, LET_BE, GAP)

Line = Mapping[str, Any]

_NOTICED = frozenset({Outcome.KILLED, Outcome.REFUSED, Outcome.ELSEWHERE})
_OPEN = frozenset({Outcome.SURVIVED, Outcome.CRASHED})


@dataclass(frozen=True)
class Harmless:
    """Fields in which a mistake stops nothing.

    Attributes:
        fields: Patterns of fields.
        families: Families of mutations; all when empty.
        reason: Why nothing that is served depends on it.
        files: Patterns of the files that are meant; all when empty.
    """

    fields: tuple[str, ...]
    families: frozenset[str]
    reason: str
    files: tuple[str, ...] = ()

    def covers(self, line: Line) -> bool:
        """Return whether a result is of such a field."""
        if self.families and line["family"] not in self.families:
            return False
        if self.files and not any(wildcard(each, slashes=True).matches(line["file"]) for each in self.files):
            return False
        return any(wildcard(pattern, slashes=True).matches(line["field"]) for pattern in self.fields)


@dataclass
class Field:
    """What is known of one field.

    Attributes:
        name: The field.
        area: Part of the repository that sets it.
        outcomes: How many of its mutants had which outcome.
        open: Families whose mutants survived and that nobody calls harmless, with one result of each.
        harmless: Whether some survived that are harmless.
    """

    name: str
    area: str
    outcomes: Counter[str] = field(default_factory=Counter)
    open: dict[str, Line] = field(default_factory=dict)
    harmless: bool = False

    @property
    def state(self) -> str:
        """Return whether it is owned, not checked, harmless, a gap, or nothing depends on it."""
        if self.open:
            return GAP
        if any(self.outcomes[outcome.value] for outcome in _NOTICED):
            return OWNED
        if self.outcomes[Outcome.NOT_CHECKED.value]:
            return SAID
        return LET_BE if self.harmless else NO_EFFECT


@cache
def harmless() -> tuple[Harmless, ...]:
    """Return the reviewed list of what is harmless."""
    entries = yaml.safe_load(HARMLESS.read_text())
    return tuple(
        Harmless(
            tuple(each["fields"]), frozenset(each.get("families", ())), each["reason"], tuple(each.get("files", ()))
        )
        for each in entries
    )


def read(paths: Iterable[Path]) -> list[Line]:
    """Return the results of files, each mutant once."""
    found: dict[str, Line] = {}
    for path in paths:
        for text in path.read_text().splitlines():
            line = json.loads(text)
            found[line["id"]] = line
    return list(found.values())


def fields(lines: Iterable[Line]) -> list[Field]:
    """Return what results say of each field, in order of area and name."""
    found: dict[tuple[str, str], Field] = {}
    for line in lines:
        place = (area(line["file"]), line["field"])
        known = found.setdefault(place, Field(place[1], place[0]))
        known.outcomes[line["outcome"]] += 1
        if Outcome(line["outcome"]) not in _OPEN:
            continue
        if line["outcome"] == Outcome.SURVIVED and any(each.covers(line) for each in harmless()):
            known.harmless = True
        else:
            known.open.setdefault(line["family"], line)
    return [found[place] for place in sorted(found)]


def by_area(known: Sequence[Field]) -> Iterator[tuple[str, Counter[str], Counter[str]]]:
    """Yield each area with its fields by state and its mutants by outcome, and last all of them."""
    states: dict[str, Counter[str]] = defaultdict(Counter)
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    for each in known:
        for name in (each.area, "all"):
            states[name][each.state] += 1
            outcomes[name].update(each.outcomes)
    for name in (*sorted(set(states) - {"all"}), "all"):
        yield name, states[name], outcomes[name]


def written(lines: Sequence[Line]) -> Iterator[str]:
    """Yield the table, in Markdown."""
    known = fields(lines)
    yield "| area | fields | owned | not checked | harmless | gap | mutants | noticed | survived |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|---:|"
    for name, states, outcomes in by_area(known):
        noticed = sum(outcomes[each.value] for each in _NOTICED)
        tried = sum(outcomes.values()) - outcomes[Outcome.EQUAL.value]
        counted = sum(states[state] for state in STATES)
        cells = [counted, *(states[state] for state in STATES), tried, noticed, outcomes[Outcome.SURVIVED.value]]
        yield f"| {name} | {' | '.join(str(cell) for cell in cells)} |"
    yield ""
    counts = Counter(line["outcome"] for line in lines)
    yield f"Mutants: {', '.join(f'{counts[each.value]} {each.value}' for each in Outcome if counts[each.value])}."
    several = sum(1 for line in lines if line.get("causes", 0) > 1)
    yield f"With more than one finding: {several}. With findings elsewhere alone: {counts[Outcome.ELSEWHERE.value]}."
    yield f"{len(_idle(lines))} of {len(rules())} rules killed nothing in this run; `--gaps` lists them."


def _idle(lines: Iterable[Line]) -> list[str]:
    return sorted(rules().keys() - {rule for line in lines for rule in line.get("owners", ())})


def owned(lines: Iterable[Line]) -> list[str]:
    """Return the fields, each with a kind of mistake, of which every mutant was noticed."""
    outcomes: dict[tuple[str, str], set[str]] = defaultdict(set)
    for line in lines:
        outcomes[line["field"], line["family"]].add(line["outcome"])
    return sorted(f"{name} | {family}" for (name, family), seen in outcomes.items() if seen <= _NOTICED)


def gaps(lines: Sequence[Line]) -> Iterator[str]:
    """Yield the rules that killed nothing, and each field that is a gap with what survives and an example."""
    yield f"killed nothing: {', '.join(_idle(lines)) or 'none'}"
    for each in fields(lines):
        if each.state != GAP:
            continue
        example = next(iter(each.open.values()))
        change = f"{example['old']!r:.40} -> {example['new']!r:.40}"
        yield f"{each.area}: {each.name}: {', '.join(sorted(each.open))} ({example['file']}:{example['line']} {change})"
