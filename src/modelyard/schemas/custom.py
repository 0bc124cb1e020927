"""Definitions of custom resources that a user adds."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from modelyard.findings import UserError
from modelyard.repository.limits import content_of
from modelyard.repository.yaml import documents
from modelyard.schemas.structure import stripped_crd
from modelyard.tooling import cache, write_whole

MAX_BYTES = 16 * 1024 * 1024
"""The largest bundle of definitions that operators publish in one file is about 6 MB."""

_SUFFIXES = frozenset({".yaml", ".yml", ".json"})
_FORMAT = "1"  # part of the cache's key: raise it when `stripped_crd` changes


@dataclass(frozen=True, slots=True)
class OwnDefinition:
    """A definition that a user added.

    Attributes:
        file: Where it was read.
        crd: Its names, versions and structure.
    """

    file: Path
    crd: dict[str, Any]


def read_definitions(paths: Sequence[Path]) -> list[OwnDefinition]:
    """Return the CustomResourceDefinitions of files and folders; other documents are left alone.

    Args:
        paths: Files, or folders that are searched at every depth for YAML and JSON.

    Raises:
        UserError: A path is not there, a named file holds no definition, or a definition has no usable schema.
    """
    found: list[OwnDefinition] = []
    for path in paths:
        before = len(found)
        for file in _files(path):
            found.extend(OwnDefinition(file, crd) for crd in _definitions(file))
        if len(found) == before:
            raise UserError(
                f"{path} holds no CustomResourceDefinition",
                fix="name files or folders with CustomResourceDefinitions under `crds` in modelyard.yaml",
            )
    return found


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif path.is_dir():
        yield from sorted(
            each for each in path.rglob("*") if each.suffix in _SUFFIXES and each.is_file() and not each.is_symlink()
        )
    else:
        raise UserError(
            f"there is no {path}, which should hold CustomResourceDefinitions",
            fix="correct the path under `crds` in modelyard.yaml",
        )


def _definitions(file: Path) -> list[dict[str, Any]]:
    raw = content_of(file, most=MAX_BYTES, fix="name a file with CustomResourceDefinitions")
    if b"CustomResourceDefinition" not in raw:
        return []
    kept = cache() / "schemas" / "definitions" / f"{hashlib.sha256(_FORMAT.encode() + raw).hexdigest()}.json"
    try:
        remembered: list[dict[str, Any]] = orjson.loads(kept.read_bytes())
        return remembered
    except (OSError, orjson.JSONDecodeError):
        pass  # not read before; parsing YAML takes about a hundred times as long as this
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise UserError(f"{file} is not UTF-8 text") from None
    crds = [
        _checked(file, document)
        for document in documents(str(file), text)
        if isinstance(document, dict) and document.get("kind") == "CustomResourceDefinition"
    ]
    with contextlib.suppress(UserError):  # a cache that cannot be written costs reading them again
        write_whole(kept, orjson.dumps(crds))
    return crds


def _checked(file: Path, document: dict[str, Any]) -> dict[str, Any]:
    if document.get("apiVersion") != "apiextensions.k8s.io/v1":
        raise UserError(
            f"{file} holds a CustomResourceDefinition of {document.get('apiVersion')}, which Kubernetes does not serve",
            fix="use the operator's definition in apiextensions.k8s.io/v1",
        )
    try:
        crd = stripped_crd(document)
        for version in crd["spec"]["versions"]:
            if not isinstance(version["schema"]["openAPIV3Schema"], dict):
                raise TypeError
    except (KeyError, TypeError, AttributeError):
        raise UserError(
            f"{file} holds a CustomResourceDefinition without the names, scope or versions that it should have",
            fix="compare it with what the operator publishes",
        ) from None
    if not crd["spec"]["versions"]:
        raise UserError(
            f"{file} holds a CustomResourceDefinition without a schema", fix="add one with a structural schema"
        )
    return crd
