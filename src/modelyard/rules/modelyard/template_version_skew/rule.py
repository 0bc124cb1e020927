"""Environments that another version of the template wrote than the folders that they share."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from modelyard.findings import Finding, NotChecked, warning
from modelyard.repository import ANSWERS, FileAddress, Files
from modelyard.rules import rule

if TYPE_CHECKING:
    from modelyard.view import Environment

_RELEASE = re.compile(r"v(\d+)\.(\d+)\.(\d+)")


@rule("modelyard/template-version-skew", warning, since="0.1.0")
def template_version_skew(environment: Environment) -> Iterator[Finding | NotChecked]:
    """An environment of one template version uses bases and overlays of another."""
    files = environment.repository.files
    own_file = f"{environment.folder.path}/{ANSWERS}"
    shared, own = _version(files, ""), _version(files, environment.folder.path)
    if shared is None or own is None or shared == own:
        return
    behind = _ordered(own) < _ordered(shared)
    yield Finding(
        at=FileAddress(files, own_file, ("_commit",)),
        message=f"environment {environment.name} is at template version {own}, but its bases are at {shared}",
        fix=f"modelyard update --env {environment.name}" if behind else "modelyard update",
    )


def _version(files: Files, folder: str) -> str | None:
    # Every check loads the rules of this area, since two of them judge waivers; most checks need no view.
    from modelyard.view import recorded_answers

    """Return the release of the template that wrote a folder's answers; None where it was none, or says nothing."""
    version = recorded_answers(files, folder).get("_commit")
    return version if isinstance(version, str) and _RELEASE.fullmatch(version) else None


def _ordered(version: str) -> list[int]:
    return [int(part) for part in version[1:].split(".")]
