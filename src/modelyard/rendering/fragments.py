"""The pieces of text with which one kustomization changes a resource."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from modelyard.findings import Place, Precision, UserError
from modelyard.rendering.paths import MISSING, Path, counterpart, value_at
from modelyard.rendering.selectors import selects
from modelyard.repository import Files, Kustomization, joined
from modelyard.repository.yaml import MappingNode, Node, ScalarNode, SequenceNode, child, nodes, place_of, plain


@dataclass(frozen=True, slots=True)
class Fragment:
    """A text that sets the subtree at `path` of a resource.

    Attributes:
        file: The file that holds the text.
        text: That file's whole text.
        path: What of the resource it sets; `-1` as last step stands for an appended list item.
        node: The node with the value.
        line_offset: Lines of the file before an inline patch, whose marks count from its own start.
        column_offset: Its indentation.
        precision: `kustomization` where the exact characters cannot be named.
        anchor: The node that is shown then: the text of the whole patch.
    """

    file: str
    text: str
    path: Path
    node: Node
    line_offset: int = 0
    column_offset: int = 0
    precision: Precision = Precision.EXACT
    anchor: Node | None = None

    def node_for(self, path: Path, final: Any) -> Node | None:
        """Return the node that stands for a path of the rendered value; None when this text does not set it."""
        depth = len(self.path)
        if len(path) < depth:
            return None
        for own, step in zip(self.path, path, strict=False):
            if own != step and not (own == -1 and isinstance(step, int)):
                return None
        rest = path[depth:]
        part = value_at(final, path[:depth])
        if self.path and self.path[-1] == -1 and not self._appended(part):
            return None
        return counterpart(self.node, rest, part)

    def _appended(self, item: Any) -> bool:
        """Return whether the appended value is this list item."""
        own = plain(self.node)
        if isinstance(own, dict) and isinstance(item, dict):
            return all(
                item.get(key, MISSING) == value for key, value in own.items() if not isinstance(value, dict | list)
            )
        return bool(own == item)

    def place(self, node: Node) -> Place:
        """Return where a node of this fragment stands in the file."""
        if self.precision is not Precision.EXACT:
            found = place_of(self.file, self.anchor or self.node, self.text)
            return Place(found.file, found.line, found.column, None, self.precision, found.text)
        if not self.line_offset:
            return place_of(self.file, node, self.text)
        lines = self.text.splitlines()
        mark, end = node.start_mark, node.end_mark
        line = mark.line + self.line_offset
        end_column = end.column + self.column_offset + 1 if end.line == mark.line else None
        return Place(
            self.file,
            line + 1,
            mark.column + self.column_offset + 1,
            end_column,
            Precision.EXACT,
            lines[line] if line < len(lines) else "",
        )


def fragments(
    files: Files, layer: Kustomization, value: dict[str, Any], names: frozenset[str], *, removals: bool = False
) -> Iterator[Fragment]:
    """Yield what a kustomization sets on a resource, in the reverse of the order in which Kustomize applies it.

    Args:
        files: The repository's files.
        layer: The kustomization.
        value: The rendered manifest.
        names: Names that the resource has had.
        removals: Yield `remove` operations instead of what sets values.
    """
    text = files.text(layer.file)
    root = next(nodes(layer.file, text), None)
    if root is None:
        return
    if not removals:
        yield from _fields(layer.file, text, root, value, names)
    for key in ("patchesJson6902", "patches"):
        entries = child(root, key)
        if isinstance(entries, SequenceNode):
            for entry in reversed(entries.value):
                yield from _patch(files, layer, text, entry, value, names, removals)
    strategic = child(root, "patchesStrategicMerge")
    if isinstance(strategic, SequenceNode):
        for entry in reversed(strategic.value):
            yield from _patch_text(files, layer, text, entry, None, value, names, removals)
    if not removals:
        yield from _generators(files, layer, text, root, value, names)


def _fields(file: str, text: str, root: Node, value: dict[str, Any], names: frozenset[str]) -> Iterator[Fragment]:
    """Yield what the transformer fields `images`, `replicas`, `labels` and `namespace` set."""
    for entry in reversed(_items(root, "images")):
        yield from _image(file, text, entry, value)
    for entry in reversed(_items(root, "replicas")):
        name, count = child(entry, "name"), child(entry, "count")
        if name is not None and count is not None and plain(name) in names:
            yield Fragment(file, text, ("spec", "replicas"), count)
    pairs = [child(entry, "pairs") for entry in reversed(_items(root, "labels"))]
    for mapping, field in [
        *(
            (child(root, key), field)
            for key, field in (("commonAnnotations", "annotations"), ("commonLabels", "labels"))
        ),
        *((pair, "labels") for pair in pairs),
    ]:
        if not isinstance(mapping, MappingNode):
            continue
        for key_node, value_node in mapping.value:
            for path in _label_paths(value, (), key_node.value, plain(value_node), field):
                yield Fragment(file, text, path, value_node)
    namespace = child(root, "namespace")
    if namespace is not None:
        yield Fragment(file, text, ("metadata", "namespace"), namespace)


def _label_paths(value: Any, path: Path, key: str, expected: Any, field: str) -> Iterator[Path]:
    """Yield every path below which the transformer may have written a label or annotation."""
    if isinstance(value, dict):
        for name, below in value.items():
            if name == key and below == expected and path and path[-1] in (field, "matchLabels", "selector"):
                yield (*path, name)
            else:
                yield from _label_paths(below, (*path, name), key, expected, field)
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _label_paths(below, (*path, index), key, expected, field)


def _image(file: str, text: str, entry: Node, value: dict[str, Any]) -> Iterator[Fragment]:
    settings = plain(entry)
    if not isinstance(settings, dict) or "name" not in settings:
        return
    final_name = settings.get("newName", settings["name"])
    for path, image in _images(value, ()):
        name, tag, digest = split_image(image)
        if name != final_name:
            continue
        for key, part in (("digest", digest), ("newTag", tag), ("newName", name)):
            node = child(entry, key)
            if node is not None and str(settings[key]) == part:
                yield Fragment(file, text, path, _Stand(node, image))
                break


class _Stand(ScalarNode):
    """A scalar that stands for the whole image although it sets only its tag."""

    def __init__(self, node: Node, image: str) -> None:
        super().__init__("tag:yaml.org,2002:str", image, node.start_mark, node.end_mark)


def _images(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, dict):
        for name, below in value.items():
            if name == "image" and isinstance(below, str):
                yield (*path, name), below
            else:
                yield from _images(below, (*path, name))
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _images(below, (*path, index))


def split_image(image: str) -> tuple[str, str, str]:
    """Return name, tag and digest of an image reference; what is absent is empty."""
    rest, _, digest = image.partition("@")
    head, slash, last = rest.rpartition("/")
    name, _, tag = last.partition(":")
    return f"{head}{slash}{name}", tag, digest


def _patch(
    files: Files,
    layer: Kustomization,
    text: str,
    entry: Node,
    value: dict[str, Any],
    names: frozenset[str],
    removals: bool,
) -> Iterator[Fragment]:
    target_node = child(entry, "target")
    target = plain(target_node) if target_node is not None else None
    if isinstance(target, dict) and not selects(target, value, names):
        return
    for key in ("path", "patch"):
        node = child(entry, key)
        if node is not None:
            yield from _patch_text(files, layer, text, node, target, value, names, removals)


def _patch_text(
    files: Files,
    layer: Kustomization,
    text: str,
    node: Node,
    target: Any,
    value: dict[str, Any],
    names: frozenset[str],
    removals: bool,
) -> Iterator[Fragment]:
    content = str(node.value)
    file, whole, lines, columns, precision = layer.file, text, 0, 0, Precision.EXACT
    if "\n" not in content and not content.lstrip().startswith(("{", "[", "-")):
        path = joined(layer.folder, content)
        if path is None or not files.is_file(path):
            return
        file = path
        whole = content = files.text(path)
    elif isinstance(node, ScalarNode) and node.style == "|":
        lines = node.start_mark.line + 1
        columns = _indentation(text, lines)
    else:
        precision = Precision.KUSTOMIZATION
    try:
        roots = list(nodes(file, content))
    except UserError:
        return
    for root in reversed(roots):
        for piece in _operations(file, whole, root, target, value, names, removals):
            anchor = None if precision is Precision.EXACT else node
            yield Fragment(file, whole, piece.path, piece.node, lines, columns, precision, anchor)


def _operations(
    file: str, text: str, root: Node, target: Any, value: dict[str, Any], names: frozenset[str], removals: bool
) -> Iterator[Fragment]:
    if isinstance(root, SequenceNode):
        for operation in reversed(root.value):
            op, path, new = child(operation, "op"), child(operation, "path"), child(operation, "value")
            if op is None or path is None:
                continue
            steps = _pointer(str(path.value), value)
            if removals and op.value == "remove":
                yield Fragment(file, text, steps, path)
            elif not removals and new is not None and op.value in ("add", "replace"):
                yield Fragment(file, text, steps, new)
    elif isinstance(root, MappingNode) and not removals:
        content = plain(root)
        name = (content.get("metadata") or {}).get("name")
        if target is not None or (content.get("kind") == value.get("kind") and name in names):
            yield Fragment(file, text, (), root)


def _pointer(pointer: str, value: Any) -> Path:
    """Return a JSON pointer's steps as a path into a manifest; `-` becomes -1, an appended item."""
    steps: list[str | int] = []
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        step: str | int = name
        if isinstance(value, list):
            step = -1 if name == "-" else int(name) if name.isdigit() else name
        below = value_at(value, (step,)) if step != -1 else MISSING
        steps.append(step)
        value = None if below is MISSING else below
    if steps and steps[-1] == "-":
        steps[-1] = -1
    return tuple(steps)


def _generators(
    files: Files, layer: Kustomization, text: str, root: Node, value: dict[str, Any], names: frozenset[str]
) -> Iterator[Fragment]:
    kind = value.get("kind")
    if kind not in ("ConfigMap", "Secret"):
        return
    for entry in reversed(_items(root, "configMapGenerator" if kind == "ConfigMap" else "secretGenerator")):
        name = child(entry, "name")
        if name is None or plain(name) not in names:
            continue
        for item in _items(entry, "literals"):
            key, _, _ = str(item.value).partition("=")
            literal = (value.get("data") or {}).get(key, MISSING)
            if literal is not MISSING:
                yield Fragment(layer.file, text, ("data", key), _Stand(item, str(literal)))
        for item in _items(entry, "files"):
            key, _, path = str(item.value).rpartition("=")
            whole = joined(layer.folder, path)
            if whole and files.is_file(whole):
                content = files.text(whole)
                first = next(nodes(whole, content), None) if whole.endswith((".yaml", ".yml")) else None
                key = key or path.rsplit("/", 1)[-1]
                if first is not None:
                    yield Fragment(whole, content, ("data", key), _Stand(first, content))


def _items(node: Node, key: str) -> list[Node]:
    sequence = child(node, key)
    return list(sequence.value) if isinstance(sequence, SequenceNode) else []


def _indentation(text: str, line: int) -> int:
    for content in text.splitlines()[line:]:
        if content.strip():
            return len(content) - len(content.lstrip())
    return 0
