"""Findings that were there when a repository adopted the check: kept in a file, so that only new ones fail it.

A finding is known again by its rule, its file and its words, not by its line, so that lines may move. Each entry has a
count: one more of the same kind in the same file is new.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from modelyard.findings import At, Finding, Place, UserError
from modelyard.repository.json import MalformedJSON, parsed
from modelyard.repository.limits import content_of
from modelyard.tooling import write_whole

VERSION = 1
_MOST_BYTES = 20 * 1024 * 1024

Key = tuple[str, str, str]
"""Rule, file, and a digest of the message."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Findings held against a baseline.

    Attributes:
        new: Those that it does not have.
        known: Those that it has.
        gone: How many of its entries nothing answers to any more.
    """

    new: tuple[Finding, ...]
    known: tuple[Finding, ...]
    gone: int


def key_of(finding: Finding) -> Key:
    """Return what a finding is known by from one check to the next."""
    words = hashlib.sha256(finding.message.encode()).hexdigest()[:16]
    return finding.rule, finding.at.place().file, words


def compared(findings: Iterable[Finding], known: Counter[Key]) -> Compared:
    """Return which findings are new.

    Args:
        findings: The findings of a check.
        known: How many of each there were.
    """
    left = Counter(known)
    new, old = [], []
    for each in findings:
        key = key_of(each)
        if left[key] > 0:
            left[key] -= 1
            old.append(each)
        else:
            new.append(each)
    return Compared(tuple(new), tuple(old), sum(left.values()))


def counts(findings: Iterable[Finding]) -> Counter[Key]:
    """Return how many findings there are of each kind, file and message."""
    return Counter(map(key_of, findings))


def read_baseline(path: Path) -> Counter[Key]:
    """Return the findings that a baseline holds.

    Raises:
        UserError: It is not there, or is no baseline.
    """
    fix = f"write it with modelyard check --baseline {path} --write-baseline"
    if not path.is_file():
        raise UserError(f"there is no baseline {path}", fix=fix)
    refusal = UserError(f"{path} is not a baseline of modelyard", fix=fix, at=At(Place(str(path))))
    try:
        content = parsed(content_of(path, most=_MOST_BYTES).decode("utf-8"))
    except (MalformedJSON, UnicodeDecodeError):
        raise refusal from None
    entries = content.get("findings") if isinstance(content, dict) and content.get("version") == VERSION else None
    if not isinstance(entries, list):
        raise refusal
    found: Counter[Key] = Counter()
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("count"), int):
            raise refusal
        found[str(entry.get("rule")), str(entry.get("file")), str(entry.get("message"))] += entry["count"]
    return found


def write_baseline(path: Path, findings: Iterable[Finding]) -> int:
    """Write the findings of a check as the baseline, and return how many there are.

    What an earlier one held and nothing answers to any more is gone from it. Messages are kept as digests: the file is
    meant for Git, and shows nothing that a finding quotes.
    """
    found = counts(findings)
    entries: list[dict[str, Any]] = [
        {"rule": rule, "file": file, "message": words, "count": count}
        for (rule, file, words), count in sorted(found.items())
    ]
    content = {"version": VERSION, "findings": entries}
    write_whole(path, orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    return sum(found.values())
