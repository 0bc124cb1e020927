"""Sets of label values, by the rules of Karpenter's scheduler.

A requirement is the set of values that a node's label may have. Pools, pods and instance types each have some; a node
can be made where they intersect. The rules are those of `pkg/scheduling/requirement.go` and `requirements.go` of
sigs.k8s.io/karpenter v1.14.1, kept to the letter where they surprise: a label that is well known may be absent on one
side, any other must have known values; two requirements that both exclude values always agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from modelyard.placement.labels import NORMALIZED, WELL_KNOWN

_LARGEST = 2**63 - 1
_BOUNDS = ("Gt", "Gte", "Lt", "Lte")


@dataclass(frozen=True, slots=True)
class Requirement:
    """The values that one label may have.

    Attributes:
        key: The label.
        complement: Whether every value but `values` is allowed.
        values: The values that are allowed, or excluded.
        least: Smallest number that is allowed; None without a bound.
        most: Largest number that is allowed; None without a bound.
        min_values: How many different values the instance types of a node must leave to choose from.
    """

    key: str
    complement: bool = False
    values: frozenset[str] = field(default_factory=frozenset)
    least: int | None = None
    most: int | None = None
    min_values: int | None = None

    @property
    def operator(self) -> str:
        """Return `In`, `NotIn`, `Exists` or `DoesNotExist`; bounds count as `Exists`."""
        if self.complement:
            return "NotIn" if self.values else "Exists"
        return "In" if self.values else "DoesNotExist"

    @property
    def excludes(self) -> bool:
        """Return whether a node without the label meets it."""
        return self.operator in ("NotIn", "DoesNotExist")

    def has(self, value: str) -> bool:
        """Return whether a value is allowed."""
        return (value in self.values) != self.complement and _within(value, self.least, self.most)

    def intersection(self, other: Requirement) -> Requirement:
        """Return what both allow."""
        least, most = _highest(self.least, other.least), _lowest(self.most, other.most)
        min_values = _highest(self.min_values, other.min_values)
        if least is not None and most is not None and least > most:
            return Requirement(self.key, min_values=min_values)
        if self.complement and other.complement:
            values = self.values | other.values
        elif self.complement:
            values = other.values - self.values
        elif other.complement:
            values = self.values - other.values
        else:
            values = self.values & other.values
        if least is not None or most is not None:
            values = frozenset(value for value in values if _within(value, least, most))
        complement = self.complement and other.complement
        if not complement:
            least = most = None
        return Requirement(self.key, complement, values, least, most, min_values)

    def intersects(self, other: Requirement) -> bool:
        """Return whether both allow some value."""
        least, most = _highest(self.least, other.least), _lowest(self.most, other.most)
        if least is not None and most is not None and least > most:
            return False
        if self.complement and other.complement:
            return True
        if self.complement:
            return any(value not in self.values and _within(value, least, most) for value in other.values)
        if other.complement:
            return any(value not in other.values and _within(value, least, most) for value in self.values)
        return any(value in other.values and _within(value, least, most) for value in self.values)

    def __str__(self) -> str:
        values = sorted(self.values)
        if self.operator == "In" and len(values) == 1:
            return f"{self.key}={values[0]}"
        shown = ", ".join(values[:5]) + (f" and {len(values) - 5} more" if len(values) > 5 else "")
        words = [self.key, {"In": "in", "NotIn": "not in", "Exists": "exists", "DoesNotExist": "absent"}[self.operator]]
        words += [shown] if shown else []
        words += [f">= {self.least}"] if self.least is not None else []
        words += [f"<= {self.most}"] if self.most is not None else []
        return " ".join(words)


def requirement(key: str, operator: str, values: Iterable[str] = (), min_values: int | None = None) -> Requirement:
    """Return a requirement as NodePools and node affinities write it.

    Args:
        key: The label; beta names stand for today's.
        operator: `In`, `NotIn`, `Exists`, `DoesNotExist`, `Gt`, `Gte`, `Lt` or `Lte`.
        values: The operator's values.
        min_values: `minValues` of a NodePool's requirement.
    """
    key = NORMALIZED.get(key, key)
    listed = tuple(values)
    if operator == "In":
        return Requirement(key, False, frozenset(listed), min_values=min_values)
    if operator == "NotIn":
        return Requirement(key, True, frozenset(listed), min_values=min_values)
    if operator == "DoesNotExist":
        return Requirement(key, min_values=min_values)
    if operator not in _BOUNDS:
        return Requirement(key, True, min_values=min_values)
    number = _integer(listed[0]) if listed else None
    bound = 0 if number is None else number
    if operator == "Gt" and bound == _LARGEST:
        return Requirement(key)
    least = {"Gt": bound + 1, "Gte": bound}.get(operator)
    most = {"Lt": bound - 1, "Lte": bound}.get(operator)
    return Requirement(key, True, frozenset(), least, most, min_values)


class Requirements:
    """Requirements by label; adding one narrows what is there."""

    __slots__ = ("_by_key",)

    def __init__(self, requirements: Iterable[Requirement] = ()) -> None:
        self._by_key: dict[str, Requirement] = {}
        self.add(requirements)

    def add(self, requirements: Iterable[Requirement]) -> None:
        """Narrow by further requirements."""
        for each in requirements:
            known = self._by_key.get(each.key)
            self._by_key[each.key] = each if known is None else each.intersection(known)

    def put(self, each: Requirement) -> None:
        """Set a requirement whatever was there."""
        self._by_key[each.key] = each

    def of(self, keys: Iterable[str]) -> tuple[Requirement | None, ...]:
        """Return the requirements of these labels, in their order; None for a label that nothing is required of."""
        return tuple(map(self._by_key.get, keys))

    def copy(self) -> Requirements:
        """Return a copy that can be narrowed by itself."""
        made = Requirements()
        made._by_key = dict(self._by_key)
        return made

    def narrowed(self, requirements: Iterable[Requirement]) -> Requirements:
        """Return a copy that is narrowed by further requirements."""
        made = self.copy()
        made.add(requirements)
        return made

    def get(self, key: str) -> Requirement:
        """Return the requirement of a label; any value where there is none."""
        return self._by_key.get(key) or Requirement(key, True)

    def __contains__(self, key: str) -> bool:
        return key in self._by_key

    def __iter__(self) -> Iterator[Requirement]:
        return iter(self._by_key.values())

    def __len__(self) -> int:
        return len(self._by_key)

    def unmet(self, others: Requirements, *, undefined: frozenset[str] = WELL_KNOWN) -> list[Requirement]:
        """Return those of `others` that a node with these requirements cannot meet.

        Args:
            others: What is asked for.
            undefined: Labels that may be asked for though nothing is known of them here.
        """
        unknown = [
            each for each in others if each.key not in undefined and each.key not in self._by_key and not each.excludes
        ]
        return unknown + self.disjoint(others)

    def compatible(self, others: Requirements, *, undefined: frozenset[str] = WELL_KNOWN) -> bool:
        """Return whether a node with these requirements can meet all of `others`."""
        for each in others:
            if each.key not in undefined and each.key not in self._by_key and not each.excludes:
                return False
        return self.intersects(others)

    def disjoint(self, others: Requirements) -> list[Requirement]:
        """Return those of `others` whose label is known here with other values only."""
        return [each for each in others if self._conflicts(each)]

    def intersects(self, others: Requirements) -> bool:
        """Return whether no label is known on both sides with different values only."""
        if len(others) > len(self._by_key):
            theirs = others._by_key
            return not any(self._conflicts(theirs[key]) for key in self._by_key if key in theirs)
        return not any(self._conflicts(each) for each in others)

    def _conflicts(self, other: Requirement) -> bool:
        own = self._by_key.get(other.key)
        if own is None or own.intersects(other):
            return False
        return not (other.excludes and own.excludes)

    @property
    def min_values(self) -> Mapping[str, int]:
        """Return `minValues` by label."""
        return {each.key: each.min_values for each in self if each.min_values is not None}


def label_requirements(labels: Mapping[str, Any]) -> list[Requirement]:
    """Return labels as requirements."""
    return [requirement(str(key), "In", (str(value),)) for key, value in labels.items()]


def expressions(entries: Any) -> list[Requirement]:
    """Return a list of label expressions, of a NodePool or a node affinity, as requirements."""
    found = []
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, Mapping):
            values = entry.get("values")
            least = entry.get("minValues")
            found.append(
                requirement(
                    str(entry.get("key", "")),
                    str(entry.get("operator", "")),
                    tuple(str(value) for value in values) if isinstance(values, list) else (),
                    least if isinstance(least, int) and not isinstance(least, bool) else None,
                )
            )
    return found


def _integer(text: str) -> int | None:
    try:
        return int(text) if text.strip() == text and "_" not in text else None
    except ValueError:
        return None


def _within(value: str, least: int | None, most: int | None) -> bool:
    if least is None and most is None:
        return True
    number = _integer(value)
    if number is None:
        return False
    return (least is None or number >= least) and (most is None or number <= most)


def _highest(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else max(one, other)


def _lowest(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else min(one, other)
