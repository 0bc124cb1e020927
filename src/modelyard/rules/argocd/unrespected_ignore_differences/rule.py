"""Differences that Argo CD ignores when it compares, and overwrites when it syncs."""

import re
from collections.abc import Iterator
from typing import Any

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rendering import Path
from modelyard.rules import rule
from modelyard.view import Application, Environment, Manifest, listed

_OPTION = "RespectIgnoreDifferences=true"


@rule("argocd/unrespected-ignore-differences", warning, since="0.1.0")
def unrespected_ignore_differences(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Without RespectIgnoreDifferences, every sync overwrites the ignored field that a controller set."""
    for application in environment.applications:
        if _OPTION in listed(application.manifest.value, "spec", "syncPolicy", "syncOptions"):
            continue
        for entry in application.manifest.entries("spec.ignoreDifferences"):
            found = _written(application, entry)
            if found is not None:
                yield Finding(
                    at=application.at("spec.ignoreDifferences", key=True),
                    message=f"{application} ignores {found[1]} of {found[0]}, which its manifest sets, "
                    "but its sync overwrites the field",
                    fix=f"add {_OPTION} to syncPolicy.syncOptions, or remove the field from the manifest",
                )
                break


def _written(application: Application, entry: dict[str, Any]) -> tuple[Manifest, str] | None:
    """Return a resource whose manifest sets an ignored field, with the field."""
    group, kind, name = (str(entry.get(key) or "") for key in ("group", "kind", "name"))
    for manifest in application.own_resources:
        if group not in (manifest.group, "*") or kind not in (manifest.kind, "*") or name not in ("", manifest.name):
            continue
        for path in _paths(entry):
            if manifest.has(path):
                return manifest, "/".join(map(str, path))
    return None


def _paths(entry: dict[str, Any]) -> Iterator[Path]:
    for pointer in listed(entry, "jsonPointers"):
        steps = [step.replace("~1", "/").replace("~0", "~") for step in str(pointer).strip("/").split("/")]
        yield tuple(int(step) if step.isdigit() else step for step in steps)
    for expression in listed(entry, "jqPathExpressions"):
        if re.fullmatch(r"(?:\.\w+)+", str(expression)):
            yield tuple(str(expression).strip(".").split("."))
