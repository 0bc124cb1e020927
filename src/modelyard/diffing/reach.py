"""What a change of files reaches: which kustomizations read them, in which environments.

Every kustomization of a side is scanned for words that are paths of files or folders that exist. That finds more than
Kustomize reads, never less, and it costs a fraction of parsing: a repository with a thousand models is scanned in the
time that rendering one of them takes.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from modelyard.diffing.history import History, Side
from modelyard.findings import Refusal
from modelyard.repository import ENVIRONMENTS
from modelyard.repository.kustomization import FILE_NAMES
from modelyard.repository.yaml import documents

# What decides more than one environment without being named by any of them.
EVERYWHERE = ("modelyard.yaml", "charts.lock")

_MOST_LINKS = 20
_WORD = re.compile(rb"[A-Za-z0-9._/$+@~%-]+")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9._/+@~%-]+")


class Reached:
    """What the paths that differ reach on one side.

    Args:
        history: The Git repository.
        side: The side.
        changed: The paths that differ.
        texts: What was read of the other side, by blob; what is read here is added to it.

    Attributes:
        folders: Folders whose kustomization reads something that differs, itself included.
        environments: Environments that hold such a folder, or an Application that reads something that differs.
    """

    def __init__(
        self, history: History, side: Side, changed: frozenset[str], texts: dict[str, bytes] | None = None
    ) -> None:
        self._side = side
        self._folders = {folder for path in side.files for folder in _above(path)}
        self._names = {posixpath.basename(path) for path in (*side.files, *self._folders)}
        self._links = dict(_links(history, side))
        self._plain = all(_PLAIN_PATH.fullmatch(path) for path in side.files)
        self._kustomizations = kustomizations = dict[str, str]()
        self._named: dict[str, set[str]] = {}
        readers: dict[str, set[str]] = defaultdict(set)
        stubs: dict[str, set[str]] = defaultdict(set)
        for path, text in _texts(history, side, {} if texts is None else texts):
            folder, _, name = path.rpartition("/")
            if name in FILE_NAMES:
                kustomizations[folder] = path
                self._named[folder] = set(self._references(folder, text))
                for named in self._named[folder]:
                    readers[named].add(folder)
            elif b"argoproj.io/" in text:
                environment = path.split("/")[1]
                for named in self._references("", text):
                    stubs[named].add(environment)
        self.folders: set[str] = set()
        self.environments = {path.split("/")[1] for path in changed if _in_environment(path)}
        if any(path in EVERYWHERE for path in changed):
            self.environments |= {path.split("/")[1] for path in side.files if _in_environment(path)}
        waiting = deque(_touched(changed, kustomizations))
        seen = set(waiting)
        while waiting:
            node = waiting.popleft()
            self.environments |= stubs.get(node, set())
            if kustomizations.get(node) in changed or node in self.folders:
                self.folders.add(node)
            if node.startswith(f"{ENVIRONMENTS}/"):
                self.environments.add(node.split("/")[1])
            for folder in readers.get(node, ()):
                self.folders.add(folder)
                if folder not in seen:
                    seen.add(folder)
                    waiting.append(folder)
        self._readers = readers

    def closure(self, paths: Iterable[str]) -> set[str]:
        """Return the files that are read for files and folders: what kustomizations name, and what lies beside them."""
        below: dict[str, list[str]] = defaultdict(list)
        for path in self._side.files:
            below[path.rpartition("/")[0]].append(path)
        found: set[str] = set()
        waiting = list(dict.fromkeys(paths))
        seen = set(waiting)
        while waiting:
            node = waiting.pop()
            if node in self._side.files:
                found.add(node)
            elif node in self._kustomizations:
                found.update(below[node])
            elif node in self._folders:
                found.update(path for folder in below if f"{folder}/".startswith(f"{node}/") for path in below[folder])
            more = self._named.get(node, set()) - seen
            seen |= more
            waiting += more
        return found

    def borrowed(self, environments: Iterable[str]) -> set[str]:
        """Return the environments that the given ones read files of, themselves included."""
        found = set(environments)
        waiting = list(found)
        below: dict[str, set[str]] = defaultdict(set)
        for named, folders in self._readers.items():
            if named.startswith(f"{ENVIRONMENTS}/"):
                for folder in folders:
                    below[folder.split("/")[1] if _in_environment(f"{folder}/") else ""].add(named.split("/")[1])
        while waiting:
            for other in below.get(waiting.pop(), set()) - found:
                found.add(other)
                waiting.append(other)
        return found | below.get("", set())

    def _references(self, folder: str, text: bytes) -> Iterator[str]:
        for word in self._words(text):
            word = word.rstrip("/")
            if word.startswith("$"):  # a file of values, after the name of its source
                word = word.partition("/")[2]
            last = word.rpartition("/")[2]
            if last not in self._names and last not in ("..", "."):
                continue
            path = posixpath.normpath(posixpath.join("/", folder, word.lstrip("/") if not folder else word)).lstrip("/")
            if path in self._side.files or path in self._folders:
                yield path
            if self._links:
                yield from self._through_links(path)

    def _words(self, text: bytes) -> Iterator[str]:
        if self._plain and b"\\" not in text:
            yield from (word.decode() for word in dict.fromkeys(_WORD.findall(text)))
            return
        try:
            values = documents("kustomization", text.decode("utf-8", "replace"))
        except Refusal:
            yield from (word.decode() for word in dict.fromkeys(_WORD.findall(text)))
            return
        for value in _scalars(values):
            yield value
            yield value.partition("=")[2]

    def _through_links(self, path: str) -> Iterator[str]:
        for _ in range(_MOST_LINKS):
            link = next((above for above in (path, *_above(path)) if above in self._links), None)
            if link is None:
                return
            yield link
            path = (
                posixpath.normpath(posixpath.join("/", posixpath.dirname(link), self._links[link])).lstrip("/")
                + (path[len(link) :])
            )
            yield path


def _links(history: History, side: Side) -> Iterator[tuple[str, str]]:
    """Yield each link with its target as written."""
    links = {path: entry.blob for path, entry in side.files.items() if entry.is_link}
    targets = dict(history.contents(filter(None, links.values())))
    for path, blob in links.items():
        if blob:
            yield path, os.fsdecode(targets[blob])
        elif (history.root / path).is_symlink():
            yield path, str((history.root / path).readlink())


def _texts(history: History, side: Side, known: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield kustomizations, and what may be an Application, with their content."""
    wanted: dict[str, list[str]] = defaultdict(list)
    for path, entry in side.files.items():
        if entry.is_link:
            continue
        name = path.rpartition("/")[2]
        if name in FILE_NAMES or (_in_environment(path) and name.endswith((".yaml", ".yml"))):
            if entry.blob:
                wanted[entry.blob].append(path)
            else:
                yield path, _read(history.root / path)
    known.update(history.contents(blob for blob in wanted if blob not in known))
    for blob, paths in wanted.items():
        for path in paths:
            yield path, known[blob]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _touched(changed: Iterable[str], kustomizations: Mapping[str, str]) -> Iterator[str]:
    """Yield what somebody may name because of a change: the file, and folders without a kustomization above it."""
    for path in changed:
        yield path
        folder, _, name = path.rpartition("/")
        if name in FILE_NAMES:
            yield folder
        for above in _above(path):
            if above not in kustomizations:
                yield above


def _above(path: str) -> Iterator[str]:
    folder = path.rpartition("/")[0]
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]


def _in_environment(path: str) -> bool:
    return path.startswith(f"{ENVIRONMENTS}/") and path.count("/") >= 2


def _scalars(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _scalars(item)
    elif isinstance(value, list):
        for item in value:
            yield from _scalars(item)
