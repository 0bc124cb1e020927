"""`modelyard fetch`: fill the cache with what `charts.lock` names, and lock what is new."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from modelyard.fetching.references import ChartReference, References, references
from modelyard.fetching.registries import Archive, locate
from modelyard.fetching.transport import FetchFailed, checked_url, download
from modelyard.findings import UserError
from modelyard.repository import Repository
from modelyard.repository.journal import write_file
from modelyard.repository.locks import (
    FILE,
    VERSION,
    Lock,
    LockedChart,
    LockedDefinitions,
    cache_path,
    cached,
    read_lock,
)
from modelyard.repository.yaml import documents
from modelyard.schemas.custom import MAX_BYTES, read_definitions
from modelyard.tooling import cache, exclusive
from modelyard.tooling.files import unwritable

MAX_CHART_BYTES = 32 * 1024 * 1024
MAX_UNPACKED_BYTES = 256 * 1024 * 1024
_MAX_CHART_YAML = 1024 * 1024
_LOCK_SECONDS = 600.0

_HEADER = "# Written by `modelyard fetch`; commit it. What does not have the digest that stands here is refused.\n"


class Action(StrEnum):
    """What was done for a chart or a file with definitions."""

    PRESENT = "present"
    FETCHED = "fetched"
    PLANNED = "planned"


@dataclass(frozen=True, slots=True)
class Fetched:
    """One chart or file with definitions.

    Attributes:
        name: The chart with its version, or the URL of the definitions.
        repository: Where the chart comes from; empty for definitions.
        digest: Its digest; empty when a plan does not know it yet.
        action: What was done.
        locked: Whether `charts.lock` had it before.
    """

    name: str
    repository: str
    digest: str
    action: Action
    locked: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a download stands.

    Attributes:
        name: What is downloaded.
        received: Bytes that are there.
        expected: Bytes in all; None when the server does not say.
    """

    name: str
    received: int
    expected: int | None


Report = Callable[[Progress], None]


def fetch(
    repository: Repository,
    *,
    environments: Sequence[str] = (),
    dry_run: bool = False,
    report: Report = lambda progress: None,
) -> list[Fetched]:
    """Bring every chart and definition that the repository names into the cache, and write `charts.lock`.

    Entries that nothing names any more leave the lock, unless only some environments are looked at.

    Args:
        repository: The repository.
        environments: Environments whose Applications are looked at; all when empty.
        dry_run: Only say what would be fetched; no network, nothing written.
        report: Called as downloads advance.

    Returns:
        One entry per chart, then one per file with definitions.

    Raises:
        UserError: Something could not be fetched, or is not what the lock says; what could be is in the cache and
            locked.
    """
    wanted = references(repository, environments)
    lock = read_lock(repository.files)
    if dry_run:
        return [_planned(lock, each) for each in wanted.charts] + [_planned(lock, each) for each in wanted.definitions]
    with exclusive(cache() / "fetching.lock", timeout=_LOCK_SECONDS):
        done, new, problems = _fetch_all(wanted, lock, report)
    if environments:
        new = Lock(_merged(lock.charts, new.charts), _merged(lock.definitions, new.definitions))
    if new != lock:
        write_file(repository.files.root, FILE, _text(new))
    problems.extend((each, "") for each in wanted.problems)
    if problems:
        fixes = dict.fromkeys(fix for _, fix in problems if fix)
        raise FetchFailed("; ".join(message for message, _ in problems), fix="; ".join(fixes))
    return done


def _fetch_all(wanted: References, lock: Lock, report: Report) -> tuple[list[Fetched], Lock, list[tuple[str, str]]]:
    done: list[Fetched] = []
    charts: list[LockedChart] = []
    definitions: list[LockedDefinitions] = []
    problems: list[tuple[str, str]] = []
    indexes: dict[str, Any] = {}
    for reference in wanted.charts:
        old = lock.chart(reference.name, reference.version, reference.repository)
        try:
            entry = _chart(reference, old, indexes, report)
        except UserError as refusal:
            problems.append((refusal.message, refusal.fix))
            charts.extend([old] if old else [])
            continue
        done.append(entry)
        charts.append(LockedChart(reference.name, reference.version, reference.repository, entry.digest))
    for url in wanted.definitions:
        known = lock.definitions_at(url)
        try:
            entry = _definitions(url, known, report)
        except UserError as refusal:
            problems.append((refusal.message, refusal.fix))
            definitions.extend([known] if known else [])
            continue
        done.append(entry)
        definitions.append(LockedDefinitions(url, entry.digest))
    return done, Lock(tuple(sorted(charts)), tuple(sorted(definitions))), problems


def _planned(lock: Lock, wanted: ChartReference | str) -> Fetched:
    old: LockedChart | LockedDefinitions | None
    if isinstance(wanted, str):
        name, repository, suffix, old = wanted, "", ".yaml", lock.definitions_at(wanted)
    else:
        name, repository, suffix = f"{wanted.name} {wanted.version}", wanted.repository, ".tgz"
        old = lock.chart(wanted.name, wanted.version, wanted.repository)
    present = old is not None and cached(old.digest, suffix) is not None
    return Fetched(
        name, repository, old.digest if old else "", Action.PRESENT if present else Action.PLANNED, old is not None
    )


def _chart(reference: ChartReference, old: LockedChart | None, indexes: dict[str, Any], report: Report) -> Fetched:
    name = f"{reference.name} {reference.version}"
    if old is not None and cached(old.digest, ".tgz") is not None:
        return Fetched(name, reference.repository, old.digest, Action.PRESENT, True)
    archive = locate(reference.name, reference.version, reference.repository, indexes)
    part = _downloaded(name, archive, MAX_CHART_BYTES, report)
    digest = _checked_digest(name, part, archive.digest, old.digest if old else "")
    check_archive(part, reference.name, reference.version)
    _keep(part, digest, ".tgz")
    return Fetched(name, reference.repository, digest, Action.FETCHED, old is not None)


def _definitions(url: str, old: LockedDefinitions | None, report: Report) -> Fetched:
    if old is not None and cached(old.digest, ".yaml") is not None:
        return Fetched(url, "", old.digest, Action.PRESENT, True)
    part = _downloaded(url, Archive(checked_url(url)), MAX_BYTES, report)
    digest = _checked_digest(url, part, "", old.digest if old else "")
    try:
        read_definitions([part])
    except UserError as refusal:
        part.unlink(missing_ok=True)
        told = refusal.message.replace(str(part), url)
        raise FetchFailed(told, fix=f"correct the address under `crds` in modelyard.yaml: {url}") from None
    _keep(part, digest, ".yaml")
    return Fetched(url, "", digest, Action.FETCHED, old is not None)


def _downloaded(name: str, archive: Archive, limit: int, report: Report) -> Path:
    return download(
        archive.url,
        headers=archive.headers,
        limit=limit,
        received=lambda there, expected: report(Progress(name, there, expected)),
    )


def _checked_digest(name: str, part: Path, published: str, locked: str) -> str:
    """Return the digest of a download that is what it should be; another one is removed from the cache."""
    with part.open("rb") as stream:
        digest = f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"
    if locked and digest != locked:
        part.unlink(missing_ok=True)
        raise FetchFailed(
            f"{name} has another digest than {FILE} says: {digest}, expected {locked}",
            fix="a published version should never change: ask its publisher; if the change is meant, "
            f"remove the entry from {FILE}, run `modelyard fetch`, and have the new digest reviewed",
        )
    if published and digest != published:
        part.unlink(missing_ok=True)
        raise FetchFailed(
            f"{name} arrived with the digest {digest}, its repository states {published}", fix="try again later"
        )
    return digest


def check_archive(path: Path, name: str, version: str) -> None:
    """Look into a chart's archive without unpacking it.

    Raises:
        FetchFailed: It is not an archive of this chart at this version, or would unpack to more than 256 MiB.
    """
    try:
        chart = _chart_yaml(path, name)
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, OSError) as problem:
        path.unlink(missing_ok=True)
        raise FetchFailed(f"{name} {version} is not a chart's archive: {problem}", fix="try again later") from None
    told = f"{chart.get('name')} {chart.get('version')}"
    if chart.get("name") != name or str(chart.get("version", "")).removeprefix("v") != version.removeprefix("v"):
        path.unlink(missing_ok=True)
        raise FetchFailed(f"the archive of {name} {version} holds {told}", fix="check the chart's name and version")


def _chart_yaml(path: Path, name: str) -> dict[str, Any]:
    unpacked = 0
    found: dict[str, Any] = {}
    with gzip.open(path) as raw, tarfile.open(fileobj=raw, mode="r:") as archive:
        for member in archive:
            unpacked += member.size
            if unpacked > MAX_UNPACKED_BYTES:
                raise tarfile.TarError(f"it unpacks to more than {MAX_UNPACKED_BYTES // 2**20} MiB")
            if member.name.removeprefix("./") == f"{name}/Chart.yaml" and member.isfile():
                stream = archive.extractfile(member)
                if stream is not None and member.size <= _MAX_CHART_YAML:
                    content = documents(f"{name}/Chart.yaml", stream.read().decode("utf-8", "replace"))
                    found = content[0] if content and isinstance(content[0], dict) else {}
        while chunk := raw.read(2**20):  # to the checksum at the end, which a cut-off archive lacks
            unpacked += len(chunk)
            if unpacked > MAX_UNPACKED_BYTES:
                raise tarfile.TarError(f"it unpacks to more than {MAX_UNPACKED_BYTES // 2**20} MiB")
    if not found:
        raise tarfile.TarError(f"it holds no {name}/Chart.yaml")
    return found


def _keep(part: Path, digest: str, suffix: str) -> None:
    target = cache_path(digest, suffix)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.replace(target)
        part.with_suffix(".json").unlink(missing_ok=True)
    except OSError as problem:
        raise unwritable(target, problem) from problem


def _merged(old: tuple[Any, ...], new: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(sorted({*old, *new}))


def _text(lock: Lock) -> str:
    lines = [_HEADER, f"version: {VERSION}\n"]
    for title, entries in (("charts", lock.charts), ("definitions", lock.definitions)):
        if entries:
            lines.append(f"{title}:\n")
        for entry in entries:
            fields = [(name, getattr(entry, name)) for name in entry.__slots__]
            for position, (name, value) in enumerate(fields):
                lines.append(f"  {'- ' if position == 0 else '  '}{name}: {_scalar(value)}\n")
    return "".join(lines)


def _scalar(text: str) -> str:
    """Write text so that YAML reads text: a version such as 1.10 would be a number."""
    (value,) = documents("value", f"v: {text}\n")
    return text if value == {"v": text} else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
