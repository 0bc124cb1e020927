"""Real builds of a rendered repository."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard.tooling import find, parallel, run


def program() -> Path:
    """Return the kustomize that was found, or skip the test and say why."""
    found = find("kustomize")
    if found is None:
        pytest.skip("kustomize is not installed; `modelyard tools install` brings it")
    return found.path


def targets(folder: Path) -> list[Path]:
    """Return folders that can be built by themselves, which Components cannot."""
    return [
        file.parent
        for file in sorted(folder.rglob("kustomization.yaml"))
        if yaml.safe_load(file.read_text())["kind"] == "Kustomization"
    ]


def builds(root: Path, folders: Iterable[Path]) -> Iterator[str]:
    """Build folders, and yield what went wrong."""
    kustomize = program()

    def failure(folder: Path) -> str:
        done = run([kustomize, "build", folder], timeout=60)
        return f"{folder.relative_to(root)}: {done.stderr}" if done.returncode else ""

    yield from filter(None, parallel(failure, folders))


def build(folder: Path) -> list[dict[str, Any]]:
    """Return the resources of one folder."""
    done = run([program(), "build", folder], timeout=60, check=True)
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def named(resources: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    """Return the one resource of a kind and name."""
    (found,) = (each for each in resources if each["kind"] == kind and each["metadata"]["name"] == name)
    return found
