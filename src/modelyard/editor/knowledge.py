"""What stands at a cursor: hover texts, completions and the places that names lead to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelyard.catalog import devices, instance_types, models
from modelyard.editor import meanings, schemas
from modelyard.editor.cursor import Cursor, cursor_at, neighbour, word_at
from modelyard.editor.session import Snapshot
from modelyard.findings import Place, Precision, UserError
from modelyard.repository import Files, joined, kustomization_file
from modelyard.repository.kustomization import FILE_NAMES
from modelyard.view import Environment

_SETTINGS_SCHEMA = "settings-"
_INSTANCE_TYPE_KEYS = frozenset({"node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type"})
_FAMILY_KEYS = frozenset({"karpenter.k8s.aws/instance-family", "eks.amazonaws.com/instance-family"})
_DEVICE_KEYS = frozenset({"karpenter.k8s.aws/instance-gpu-name", "eks.amazonaws.com/instance-gpu-name"})
_POOL_KEY = "karpenter.sh/nodepool"
_MOST = 200
"""Completions of one answer; what is typed further narrows them down."""


@dataclass(frozen=True, slots=True)
class Completion:
    """One thing that may be typed.

    Attributes:
        text: What is inserted in place of what is typed.
        kind: `property`, `value`, `folder`, `flag` or `reference`.
        detail: A few words beside it.
        documentation: Markdown.
    """

    text: str
    kind: str
    detail: str = ""
    documentation: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A text with a place in it.

    Attributes:
        root: The repository.
        path: The file.
        text: Its text as it is typed.
        line: The line, counted from 0.
        column: The column, counted from 0 in characters.
        snapshot: What the last check knew.
    """

    root: Path
    path: str
    text: str
    line: int
    column: int
    snapshot: Snapshot

    @property
    def lines(self) -> list[str]:
        """Return the lines of the text."""
        return self.text.split("\n")

    @property
    def word(self) -> tuple[str, int, int]:
        """Return the word at the place, with its first column and that after its end."""
        lines = self.lines
        return word_at(lines[self.line] if self.line < len(lines) else "", self.column)

    @property
    def views(self) -> tuple[Environment, ...]:
        """Return the environments that the last check knew."""
        return tuple(self.snapshot.views.values())

    def engine(self) -> tuple[str, str | None]:
        """Return the engine, and its version, that the file is about; vLLM of the newest version where nobody tells."""
        versions = {(each.engine.core, each.engine_version) for view in self.views for each in self._models(view)}
        if len(versions) == 1:
            return next(iter(versions))
        name = schemas.schema_name(self.path, self.text).rpartition("/")[2]
        omni = name.startswith(f"{_SETTINGS_SCHEMA}vllm-omni")
        core = "vllm-omni" if omni else "vllm"
        found = [each.engine_version for view in self.views for each in view.models if each.engine.core == core]
        return core, next(iter(found)) if len(set(found)) == 1 else None

    def _models(self, view: Environment) -> Iterator[Any]:
        for each in view.models:
            target = each.application.target
            if target and self.path in view.repository.kustomizations.tree(target).inputs:
                yield each


def hover(asked: Asked) -> tuple[str, int, int] | None:
    """Return Markdown about the word at a place, with the columns of the word; None where nothing is known."""
    word, start, end = asked.word
    if not word:
        return None
    text = _meaning(asked, word)
    return (text, start, end) if text else None


def _meaning(asked: Asked, word: str) -> str:
    name, version = asked.engine()
    if word.startswith("--"):
        return meanings.flag_meaning(name, version, word.partition("=")[0])
    lines = asked.lines
    cursor = cursor_at(lines, asked.line, asked.column)
    if _is_settings(asked) and lines[asked.line].startswith(f"{word}:"):
        return meanings.flag_meaning(name, version, word)
    regions = [str(view.facts.get("region") or "") for view in asked.views]
    found = (
        meanings.instance_meaning(word, regions)
        or meanings.model_meaning(word, asked.views)
        or meanings.variable_meaning(name, version, word)
        or meanings.served_name_meaning(word, asked.views)
        or (meanings.device_meaning(word) if _names_device(asked, cursor, word) else "")
    )
    return found or _of_schema(asked, word)


def _names_device(asked: Asked, cursor: Cursor, word: str) -> bool:
    """Return whether a word is meant as a device: such names are short, and may be words of other things."""
    return word[:1].isupper() or neighbour(asked.lines, cursor, "key") in _DEVICE_KEYS


def _is_settings(asked: Asked) -> bool:
    return schemas.schema_name(asked.path, asked.text).rpartition("/")[2].startswith(_SETTINGS_SCHEMA)


def _of_schema(asked: Asked, word: str) -> str:
    schema = schemas.schema_of(asked.root, asked.path, asked.text)
    if schema is None:
        return ""
    line = asked.lines[asked.line]
    key = line.find(f"{word}:")
    if key < 0 or asked.column > key + len(word):
        return ""
    cursor = cursor_at(asked.lines, asked.line, key + len(word) + 1)
    told = next((each for each in schemas.at_path(schema, cursor.path) if each.get("description")), None)
    return f"**{word}** — {told['description']}" if told else ""


def completions(asked: Asked) -> list[Completion]:
    """Return what may be typed at a place, at most 200 of them."""
    cursor = cursor_at(asked.lines, asked.line, asked.column)
    found = [each for each in _offered(asked, cursor) if each.text.startswith(cursor.typed)]
    return list({each.text: each for each in found}.values())[:_MOST]


def typed_from(asked: Asked) -> int:
    """Return the column from which a completion replaces what is typed."""
    return cursor_at(asked.lines, asked.line, asked.column).start


def _offered(asked: Asked, cursor: Cursor) -> Iterator[Completion]:
    keys = {str(cursor.path[-1]) if cursor.path else "", neighbour(asked.lines, cursor, "key")}
    if cursor.typed.startswith("--"):
        yield from _flags(asked)
    elif keys & _INSTANCE_TYPE_KEYS:
        regions = [str(view.facts.get("region") or "") for view in asked.views]
        for name in instance_types():
            if name.startswith(cursor.typed):
                yield Completion(name, "value", documentation=meanings.instance_meaning(name, regions))
    elif keys & _FAMILY_KEYS:
        for name in sorted({each.partition(".")[0] for each in instance_types()}):
            yield Completion(name, "value")
    elif keys & _DEVICE_KEYS:
        for name in sorted({alias for each in devices() if each.kind == "gpu" for alias in each.aliases}):
            yield Completion(name, "value", documentation=meanings.device_meaning(name))
    elif _POOL_KEY in keys:
        for pool in sorted({pool.name for view in asked.views for pool in view.pools}):
            yield Completion(pool, "reference", "NodePool")
    elif asked.path.rpartition("/")[2] in FILE_NAMES:
        yield from _folders(asked, cursor)
    else:
        yield from _of_schema_at(asked, cursor)


def _flags(asked: Asked) -> Iterator[Completion]:
    name, version = asked.engine()
    found = meanings.nearest_engine(name, version)
    for flag in found.flags.values() if found is not None else ():
        yield Completion(f"--{flag.name}", "flag", flag.type, meanings.flag_meaning(name, version, f"--{flag.name}"))


_MENUS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "components": (("bases/features", "feature.yaml"), ("bases/platform", "component.yaml")),
    "resources": (("overlays", "overlay.yaml"), ("bases/serving", "engine.yaml"), ("bases/platform", "component.yaml")),
}
"""Of each field of a kustomization the folders whose entries it may name, and the file that describes an entry."""


def _folders(asked: Asked, cursor: Cursor) -> Iterator[Completion]:
    field = next((step for step in reversed(cursor.path) if isinstance(step, str)), "")
    files = Files(asked.root)
    here = asked.path.rpartition("/")[0]
    up = "../" * (here.count("/") + 1) if here else ""
    for folder, described in _MENUS.get(field, ()):
        for name in files.under(folder):
            path = f"{folder}/{name}"
            if path != here and files.is_folder(path) and kustomization_file(files, path):
                yield Completion(f"{up}{path}", "folder", folder.rpartition("/")[2], _described(files, path, described))


def _described(files: Files, folder: str, name: str) -> str:
    try:
        found = files.documents(f"{folder}/{name}")
    except UserError:
        return ""
    return str(found[0].get("description") or "") if found and isinstance(found[0], dict) else ""


def _of_schema_at(asked: Asked, cursor: Cursor) -> Iterator[Completion]:
    schema = schemas.schema_of(asked.root, asked.path, asked.text)
    if schema is None:
        return
    last = cursor.path[-1] if cursor.path else ""
    files = Files(asked.root)
    if cursor.after_key:
        for value in schemas.values(schemas.at_path(schema, cursor.path)):
            yield Completion({True: "true", False: "false"}[value] if isinstance(value, bool) else str(value), "value")
        yield from _names(files, str(last))
        return
    settings = _is_settings(asked)
    name, version = asked.engine()
    for key, told in schemas.properties(schema, cursor.path).items():
        text = meanings.flag_meaning(name, version, key) if settings else ""
        yield Completion(f"{key}:", "property", _kind(told), text or str(told.get("description") or ""))
    for value in schemas.values(schemas.at_path(schema, cursor.path)):
        yield Completion(str(value), "value")
    fields = [step for step in cursor.path if isinstance(step, str)]
    yield from _names(files, fields[-1] if fields else "")


def _names(files: Files, field: str) -> Iterator[Completion]:
    """Yield names of the repository and the catalogue that a field of our own files takes."""
    folders = {
        "engine": ("bases/serving",),
        "requires": ("bases/platform", "bases/features"),
        "excludes": ("bases/features",),
    }
    if field == "model":
        yield from (Completion(each, "value") for each in models())
    for folder in {**folders, "needs": folders["requires"]}.get(field, ()):
        yield from (Completion(each, "folder") for each in files.under(folder) if files.is_folder(f"{folder}/{each}"))


def _kind(told: Mapping[str, Any]) -> str:
    kind = told.get("type")
    return " or ".join(map(str, kind)) if isinstance(kind, list) else str(kind or "")


def definitions(asked: Asked) -> list[Place]:
    """Return where what stands at a place is defined: a file or folder that it names, or an object by its name."""
    word, _, _ = asked.word
    if not word:
        return []
    files = Files(asked.root)
    for base in (asked.path.rpartition("/")[0], ""):
        path = joined(base, word)
        if path and files.is_file(path):
            return [Place(path)]
        if path and files.is_folder(path) and (inside := kustomization_file(files, path)):
            return [Place(inside)]
    return list(_once(_defined(word, asked.views)))


def _defined(word: str, views: Sequence[Environment]) -> Iterator[Place]:
    from modelyard.graph import graph

    for view in views:
        whole = graph(view)
        for node in whole.nodes:
            if node.is_called(word) and not node.part:
                for end in whole.index.named(node):
                    at = end.at
                    if at is not None and (place := at.place()).precision is not Precision.KUSTOMIZATION:
                        yield place


def _once(places: Iterable[Place]) -> Iterator[Place]:
    seen: set[str] = set()
    for each in places:
        if str(each) not in seen:
            seen.add(str(each))
            yield each
