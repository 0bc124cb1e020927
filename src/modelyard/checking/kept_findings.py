"""What rules said of an environment, kept with the questions that were asked of the repository on the way."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from modelyard.checking.examined import Examination
from modelyard.findings import (
    Address,
    At,
    Edit,
    EnvironmentSummary,
    Finding,
    NotChecked,
    Operation,
    Place,
    Precision,
    Severity,
)
from modelyard.repository import Files
from modelyard.repository.recording import Answers, Question
from modelyard.tooling import cache
from modelyard.tooling.blobs import Blobs
from modelyard.tooling.kept import MOST_FINDING_BYTES

FORMAT = 1
SLOTS = 4
"""Entries of one environment: some branches are changed to and fro without a check anew."""
_CLOCK_NS = 20_000_000  # a file's time may lag behind the clock by some ticks of the kernel


@dataclass(frozen=True, slots=True)
class Inputs:
    """What an examination was made of.

    Attributes:
        asked: The questions to the repository's files, in order.
        answers: Digest of what was answered.
        revisions: What each name of a revision stood for.
        remotes: Addresses under which Git knows the repository; None where nobody asked.
    """

    asked: tuple[Question, ...]
    answers: str
    revisions: tuple[tuple[str, str], ...] = ()
    remotes: tuple[str, ...] | None = None


class KeptFindings:
    """Examinations by what decides them besides the repository; each says what of the repository decided it.

    Args:
        files: The repository's files.
        resolved: From the name of a revision to what it stands for now.
        remotes: Returns the addresses under which Git knows the repository.
    """

    def __init__(self, files: Files, resolved: Callable[[str], str], remotes: Callable[[], frozenset[str]]) -> None:
        self._files = files
        self._answers = Answers(files)
        self._resolved = resolved
        self._remotes = remotes
        self._blobs = Blobs(cache() / "findings", MOST_FINDING_BYTES)
        self._blobs.prune()

    def get(self, key: str) -> tuple[Examination, ...] | None:
        """Return what was said when everything was as it is now; None where nothing was kept of that."""
        for slot in range(SLOTS):
            body = self._blobs.get(_slot(key, slot))
            if body is None:
                continue
            try:
                content = orjson.loads(zlib.decompress(body))
                if self._holds(_inputs(content)):
                    return tuple(_examination(each) for each in content["examinations"])
            except (zlib.error, ValueError, KeyError, TypeError, IndexError):
                continue
        return None

    def put(self, key: str, examinations: Sequence[Examination], inputs: Inputs) -> None:
        """Keep what was said, in place of the entry that was not used for longest.

        Args:
            key: What decides it besides the repository.
            examinations: What was said.
            inputs: What of the repository decided it.
        """
        content = {
            "asked": _by_kind(inputs.asked),
            "answers": inputs.answers,
            "revisions": inputs.revisions,
            "remotes": inputs.remotes,
            "examinations": [_entry(each) for each in examinations],
        }
        slot = min(range(SLOTS), key=lambda each: _used(self._blobs, _slot(key, each)))
        self._blobs.put(_slot(key, slot), zlib.compress(orjson.dumps(content), 1))

    def inputs(
        self, asked: set[Question], revisions: dict[str, str], remotes: frozenset[str] | None, since: int
    ) -> Inputs | None:
        """Return what an examination was made of; None where a file was written since it began.

        Args:
            asked: The questions that were put to files.
            revisions: What each name of a revision stood for.
            remotes: What Git said of remotes; None where nobody asked.
            since: When the first file was read, in nanoseconds since the epoch.
        """
        if any(self._written(path, since) for what, path in asked if what in ("read", "under")):
            return None
        ordered = tuple(sorted(asked))
        return Inputs(
            ordered,
            self._answers.digest(ordered),
            tuple(sorted(revisions.items())),
            None if remotes is None else tuple(sorted(remotes)),
        )

    def _holds(self, inputs: Inputs) -> bool:
        return (
            self._answers.digest(inputs.asked) == inputs.answers
            and all(self._resolved(name) == stood_for for name, stood_for in inputs.revisions)
            and (inputs.remotes is None or frozenset(inputs.remotes) == self._remotes())
        )

    def _written(self, path: str, since: int) -> bool:
        """Return whether a file or folder changed while it was looked at, so that others may have seen it otherwise."""
        try:
            state = (self._files.root / path).stat()
        except (OSError, ValueError):
            return False
        return max(state.st_mtime_ns, state.st_ctime_ns) >= since - _CLOCK_NS


def _slot(key: str, slot: int) -> str:
    return sha256(f"{FORMAT} {slot} {key}".encode()).hexdigest()


def _used(blobs: Blobs, key: str) -> float:
    try:
        return blobs.path(key).stat().st_mtime
    except OSError:
        return 0.0


def _by_kind(asked: Sequence[Question]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for what, of in asked:
        found.setdefault(what, []).append(of)
    return found


def _inputs(content: dict[str, Any]) -> Inputs:
    asked = tuple((what, of) for what, each in content["asked"].items() for of in each)
    revisions = tuple((str(name), str(stood_for)) for name, stood_for in content["revisions"])
    remotes = content["remotes"]
    return Inputs(asked, content["answers"], revisions, None if remotes is None else tuple(remotes))


def _entry(examination: Examination) -> dict[str, Any]:
    summary = examination.summary
    return {
        "findings": [_finding_entry(each) for each in examination.findings],
        "gaps": [_gap_entry(each) for each in examination.gaps],
        "summary": [
            summary.name,
            summary.applications,
            summary.models,
            summary.resources,
            summary.application_names,
            summary.rendered,
            summary.shared,
        ],
    }


def _finding_entry(finding: Finding) -> list[Any]:
    return [
        _place_entry(finding.at),
        finding.message,
        finding.fix,
        finding.detail,
        finding.rule,
        finding.severity,
        finding.environment,
        finding.application,
        [[_place_entry(each.at), each.operation.value, each.value] for each in finding.edits],
    ]


def _place_entry(at: Address) -> list[Any]:
    place = at.place()
    return [place.file, place.line, place.column, place.end_column, place.precision.value, place.text]


def _gap_entry(gap: NotChecked) -> list[str]:
    return [str(gap.subject), gap.reason, gap.fix, gap.rule, gap.environment, gap.application]


def _examination(entry: dict[str, Any]) -> Examination:
    name, applications, models, resources, names, rendered, shared = entry["summary"]
    return Examination(
        tuple(_finding(each) for each in entry["findings"]),
        tuple(NotChecked(*each) for each in entry["gaps"]),
        EnvironmentSummary(name, applications, models, resources, tuple(names), rendered, shared),
        applications,
    )


def _finding(entry: list[Any]) -> Finding:
    at, message, fix, detail, rule, severity, environment, application, edits = entry
    return Finding(
        _at(at),
        message,
        fix,
        tuple(detail),
        rule,
        None if severity is None else Severity(severity),
        environment,
        application,
        tuple(Edit(_at(where), Operation(operation), value) for where, operation, value in edits),
    )


def _at(entry: list[Any]) -> At:
    file, line, column, end_column, precision, text = entry
    return At(Place(file, line, column, end_column, Precision(precision), text))
