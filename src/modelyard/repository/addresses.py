"""Addresses of values in a file."""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.findings import Place, Precision, UserError
from modelyard.repository.files import Files
from modelyard.repository.yaml import MappingNode, Node, ScalarNode, child, nodes, place_of


@dataclass(frozen=True, slots=True)
class FileAddress:
    """A value of a YAML file, named by its path; resolved to a line when it is printed.

    Attributes:
        files: The repository's files.
        file: The file, relative to the repository.
        path: Keys and list positions from the document's root.
        document: Which document of the file, counted from 0.
        key: Whether the key is meant, not its value.
        target: The folder whose rendering it was read for, which may share the file with others; empty where none was.
    """

    files: Files
    file: str
    path: tuple[str | int, ...] = ()
    document: int = 0
    key: bool = False
    target: str = ""

    def place(self) -> Place:
        """Return where the value stands; for an absent one its nearest parent, where it belongs."""
        try:
            text = self.files.text(self.file)
            roots = list(nodes(self.file, text))
        except UserError:
            return Place(self.file)
        if self.document >= len(roots):
            return Place(self.file)
        found = nearest(roots[self.document], self.path, self.key)
        return place_of(self.file, found, text) if found is not None else Place(self.file, precision=Precision.FILE)


def key_node(node: Node, key: str | int) -> Node | None:
    """Return the node of a mapping's key itself."""
    if isinstance(node, MappingNode):
        for name, _ in node.value:
            if isinstance(name, ScalarNode) and name.value == str(key):
                return name
    return None


def nearest(root: Node, path: tuple[str | int, ...], key: bool = False) -> Node | None:
    """Return the node at a path, or the key of the deepest part of the path that exists."""
    node, anchor = root, root
    for depth, step in enumerate(path):
        below = child(node, step)
        if below is None:
            return anchor
        named = key_node(node, step)
        if key and depth == len(path) - 1 and named is not None:
            return named
        anchor = named if named is not None else below
        node = below
    return node
