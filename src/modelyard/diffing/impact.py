"""What a change of files reaches: which kustomizations read them, in which environments.

Every kustomization of a side is scanned for words that are paths of files or folders that exist. That finds more than
Kustomize reads, never less, and it costs a fraction of parsing: a repository with a thousand models is scanned in the
time that rendering one of them takes.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from modelyard.diffing.history import History, Side
from modelyard.findings import UserError
from modelyard.repository import ENVIRONMENTS
from modelyard.repository.kustomization import FILE_NAMES
from modelyard.repository.limits import UnreadableFile, content_of
from modelyard.repository.yaml import documents

# What decides more than one environment without being named by any of them.
EVERYWHERE = ("modelyard.yaml", "charts.lock")

_MOST_LINKS = 20
_NOT_NORMAL = ("", ".", "/")
_WORD = re.compile(rb"[A-Za-z0-9._/$+@~%-]+")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9._/+@~%-]+")


class Impact:
    """What the paths that differ reach on one side.

    Args:
        history: The Git repository.
        side: The side.
        changed: The paths that differ.
        other: What was found on the other side, where it was looked at first: most files of both are the same.

    Attributes:
        folders: Folders whose kustomization reads something that differs, itself included.
        environments: Environments that hold such a folder, or an Application that reads something that differs.
    """

    def __init__(
        self,
        history: History,
        side: Side,
        changed: frozenset[str],
        other: Impact | None = None,
    ) -> None:
        self._side = side
        self._links = dict(history.links(side))
        self._words: dict[str, tuple[str, ...]] = other._words if other else {}
        self._known: dict[tuple[str, str], frozenset[str]]
        self._names: set[str]
        self._plain: bool
        if other and other._links == self._links and other._side.files.keys() == side.files.keys():
            # What a text names depends on which files there are, not on what they hold.
            self._names, self._plain, self._known = other._names, other._plain, other._known
        else:
            self._names = {"", *(name for names in side.children.values() for name in names)}
            self._plain = all(map(_PLAIN_PATH.fullmatch, side.files))
            self._known = {}
        self._kustomizations = kustomizations = dict[str, str]()
        self._named: dict[str, frozenset[str]] = {}
        readers: dict[str, set[str]] = defaultdict(set)
        stubs: dict[str, set[str]] = defaultdict(set)
        for path, blob, text in _texts(history, side):
            folder, _, name = path.rpartition("/")
            if name in FILE_NAMES:
                kustomizations[folder] = path
                self._named[folder] = self._references(folder, blob, text)
                for named in self._named[folder]:
                    readers[named].add(folder)
            elif b"argoproj.io/" in text:
                environment = path.split("/")[1]
                for named in self._references("", blob, text):
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
        found: set[str] = set()
        waiting = list(dict.fromkeys(paths))
        seen = set(waiting)
        while waiting:
            node = waiting.pop()
            if node in self._side.files:
                found.add(node)
            elif node in self._side.children:
                inside = [f"{node}/{name}" if node else name for name in self._side.children[node]]
                found.update(path for path in inside if path in self._side.files)
                if node not in self._kustomizations:
                    waiting += [path for path in inside if path not in self._side.files and path not in seen]
            more = self._named.get(node, frozenset()) - seen
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

    def _references(self, folder: str, blob: str, text: bytes) -> frozenset[str]:
        """Return the files and folders that a text in a folder may name."""
        found = self._known.get((folder, blob))
        if found is None:
            found = frozenset(self._existing(folder, blob, text))
            if blob:
                self._known[folder, blob] = found
        return found

    def _existing(self, folder: str, blob: str, text: bytes) -> Iterator[str]:
        for word in self._words_of(blob, text):
            last = word.rpartition("/")[2]
            if last not in self._names and last not in ("..", "."):
                continue
            path = _joined(folder, word)
            if path in self._side.files or path in self._side.children:
                yield path
            if self._links:
                yield from self._through_links(path)

    def _words_of(self, blob: str, text: bytes) -> Iterable[str]:
        """Return what may be a path; both sides and many folders hold the same texts, whose words are found once."""
        known = self._words.get(blob)
        if known is not None:
            return known
        plain = self._plain and b"\\" not in text
        found = tuple(dict.fromkeys(map(_as_path, _plain_words(text) if plain else _written_words(text))))
        if plain and blob:
            self._words[blob] = found
        return found

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


def _plain_words(text: bytes) -> Iterator[str]:
    return (word.decode() for word in dict.fromkeys(_WORD.findall(text)))


def _written_words(text: bytes) -> Iterator[str]:
    """Yield the values of a YAML text, however they are spelt."""
    try:
        values = documents("kustomization", text.decode("utf-8", "replace"))
    except UserError:
        yield from _plain_words(text)
        return
    for value in _scalars(values):
        yield value
        yield value.partition("=")[2]


def _as_path(word: str) -> str:
    word = word.rstrip("/")
    # A file of values stands after the name of its source.
    return word.partition("/")[2] if word.startswith("$") else word


def _joined(folder: str, word: str) -> str:
    if word[:1] not in _NOT_NORMAL and "//" not in word and "/." not in word:
        return f"{folder}/{word}" if folder else word  # most words are normal, and to make one so takes long
    if not folder:
        word = word.lstrip("/")
    return posixpath.normpath(f"/{folder}/{word}" if not word.startswith("/") else word).lstrip("/")


def _texts(history: History, side: Side) -> Iterator[tuple[str, str, bytes]]:
    """Yield kustomizations, and what may be an Application, with their blob and content."""
    wanted: list[tuple[str, str]] = []
    for path, entry in side.files.items():
        name = path.rpartition("/")[2]
        is_text = name in FILE_NAMES or (name.endswith((".yaml", ".yml")) and _in_environment(path))
        if is_text and not entry.is_link:
            wanted.append((path, entry.blob))
    history.fetch(blob for _, blob in wanted if blob)
    for path, blob in wanted:
        yield path, blob, history.content(blob) if blob else _read(history.root / path)


def _read(path: Path) -> bytes:
    try:
        return content_of(path)
    except UnreadableFile:
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
