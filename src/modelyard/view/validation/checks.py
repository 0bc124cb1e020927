"""The forms of values that several kinds share: names, ports, numbers, amounts."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from modelyard.rendering import Path
from modelyard.view.shapes import listed, mapping, numbered

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_PORT_NAME = re.compile(r"(?!-)(?!.*--)[a-z0-9-]*[a-z][a-z0-9-]*(?<!-)")
_LABEL_KEY = re.compile(
    r"([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?){0,126}/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]"
)
_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_PERCENT = re.compile(r"(\d+)%")
_LONGEST_LABEL = 63
_LONGEST_SUBDOMAIN = 253
_LONGEST_PORT_NAME = 15
HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Refused:
    """One value that the API server refuses.

    Attributes:
        path: Where it stands in the manifest; of what is missing, where it belongs.
        said: What was observed and what is expected, without the object.
        fix: What to do, when it is more than to write what is expected.
    """

    path: Path
    said: str
    fix: str = ""


Check = Callable[[dict[str, Any]], Iterator[Refused]]


def is_label(value: str) -> bool:
    """Return whether a text is a DNS label."""
    return len(value) <= _LONGEST_LABEL and _LABEL.fullmatch(value) is not None


def is_subdomain(value: str) -> bool:
    """Return whether a text is a DNS subdomain, as most names are."""
    return len(value) <= _LONGEST_SUBDOMAIN and _SUBDOMAIN.fullmatch(value) is not None


def is_qualified(value: str) -> bool:
    """Return whether a text can be the key of a label: `IsQualifiedName` of apimachinery's validation."""
    domain, slash, name = value.rpartition("/")
    is_name = bool(name) and len(name) <= _LONGEST_LABEL and _LABEL_VALUE.fullmatch(name) is not None
    return is_name and (not slash or is_subdomain(domain))


def is_label_value(value: str) -> bool:
    """Return whether a text can be the value of a label: `IsValidLabelValue` of apimachinery's validation."""
    return len(value) <= _LONGEST_LABEL and _LABEL_VALUE.fullmatch(value) is not None


def is_port_name(value: str) -> bool:
    """Return whether a text is a name of a port: `IsValidPortName` of apimachinery's validation."""
    return len(value) <= _LONGEST_PORT_NAME and _PORT_NAME.fullmatch(value) is not None


def whole(value: Any) -> int | None:
    """Return a whole number; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def share(value: Any) -> int | None:
    """Return a number of pods or of per cent; None for what is neither."""
    if isinstance(value, str):
        found = _PERCENT.fullmatch(value)
        return int(found[1]) if found else None
    return whole(value)


def dotted(path: Path) -> str:
    """Return the end of a path as a reader writes it, such as `ports[0].containerPort`."""
    told = ""
    for step in path:
        told += f"[{step}]" if isinstance(step, int) else f".{step}" if told else step
    return told


def range_of(holder: dict[str, Any], at: Path, field: str, least: int, most: int | None = None) -> Iterator[Refused]:
    """Yield a number that lies outside of its range."""
    number = whole(holder.get(field))
    if number is None or (number >= least and (most is None or number <= most)):
        return
    expected = f"{least} to {most}" if most is not None else f"{least} or more"
    yield Refused((*at, field), f"{dotted((*at[-2:], field))} is {number}, {expected} is expected")


def port_of(holder: dict[str, Any], at: Path, field: str, *, named: bool = True) -> Iterator[Refused]:
    """Yield a port that is neither a number from 1 to 65535 nor, where it may be, a name."""
    value = holder.get(field)
    number = whole(value)
    if number is not None:
        yield from range_of(holder, at, field, 1, HIGHEST_PORT)
    elif named and isinstance(value, str) and not is_port_name(value):
        yield Refused(
            (*at, field),
            f"{dotted((*at[-2:], field))} is {value}, a number or a name of at most 15 lower case letters, digits "
            "and hyphens is expected",
            f"write {value} without quotes" if value.isdigit() else "",
        )


def choice_of(holder: dict[str, Any], at: Path, field: str, allowed: Collection[str]) -> Iterator[Refused]:
    """Yield a text that is none of those allowed; an empty one stands for the default."""
    value = holder.get(field)
    if isinstance(value, str) and value and value not in allowed:
        expected = " or ".join(sorted(allowed))
        yield Refused((*at, field), f"{dotted((*at[-2:], field))} is {value}, {expected} is expected")


def needed(holder: dict[str, Any], at: Path, *fields: str) -> Iterator[Refused]:
    """Yield fields that are absent or empty."""
    for field in fields:
        if holder.get(field) in (None, "", [], {}):
            yield Refused((*at, field), f"{dotted(at[-2:]) or 'the manifest'} lacks {field}", f"set {field}")


def one_of(holder: dict[str, Any], at: Path, fields: Collection[str], what: str) -> Iterator[Refused]:
    """Yield that several of fields are set which exclude each other, or none."""
    present = [field for field in holder if field in fields and holder[field] is not None]
    if len(present) > 1:
        yield Refused((*at, present[1]), f"{what} has both {present[0]} and {present[1]}", "keep one of them")
    elif not present:
        yield Refused(at, f"{what} has none of {', '.join(sorted(fields))}", "set one of them")


def distinct(holder: dict[str, Any], at: Path, field: str, key: str) -> Iterator[Refused]:
    """Yield items of a list that have the same text under a key as an item before them."""
    seen: set[str] = set()
    for index, item in numbered(holder, field):
        value = item.get(key)
        if isinstance(value, str) and value in seen:
            yield Refused((*at, field, index, key), f"a second item of {field} has {key} {value}")
        seen.add(str(value))


def matched_labels(selector: Any, labels: dict[str, Any], at: Path) -> Iterator[Refused]:
    """Yield a selector of a workload that its own pods do not have, or that is empty."""
    wanted = mapping(selector, "matchLabels")
    if not wanted and not listed(selector, "matchExpressions"):
        yield Refused(at, "the selector is empty", "set matchLabels to labels of the pods")
    for key, value in wanted.items():
        if labels.get(key) != value:
            told = f"{labels[key]}" if key in labels else "not set"
            yield Refused(
                (*at, "matchLabels", key),
                f"the selector wants {key}={value}, which is {told} on the pods that it makes",
                "give the selector and the pods the same label",
            )


def selector(value: Any, at: Path) -> Iterator[Refused]:
    """Yield what is wrong with a label selector: `ValidateLabelSelector`."""
    for key, text in mapping(value, "matchLabels").items():
        if not _LABEL_KEY.fullmatch(str(key)):
            yield Refused((*at, "matchLabels", key), f"{key} is no key that a label can have")
        if isinstance(text, str) and not is_label_value(text):
            yield Refused((*at, "matchLabels", key), f"{text} is no value that a label can have")
    for index, each in numbered(value, "matchExpressions"):
        yield from expression(each, (*at, "matchExpressions", index), ("In", "NotIn", "Exists", "DoesNotExist"))


def expression(value: dict[str, Any], at: Path, operators: Collection[str]) -> Iterator[Refused]:
    """Yield what is wrong with one requirement of labels or nodes."""
    operator = value.get("operator")
    key = value.get("key")
    if isinstance(key, str) and key and not _LABEL_KEY.fullmatch(key):
        yield Refused((*at, "key"), f"{key} is no key that a label can have")
    yield from choice_of(value, at, "operator", operators)
    values = value.get("values")
    amount = len(values) if isinstance(values, list) else 0
    if operator in ("In", "NotIn") and not amount:
        yield Refused((*at, "values"), f"operator {operator} has no values")
    elif operator in ("Exists", "DoesNotExist") and amount:
        yield Refused((*at, "values"), f"operator {operator} has values, none are allowed")
    elif operator in ("Gt", "Lt") and amount != 1:
        yield Refused((*at, "values"), f"operator {operator} has {amount} values, one is expected")
