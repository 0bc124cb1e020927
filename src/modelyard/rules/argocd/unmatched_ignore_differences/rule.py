"""Entries of ignoreDifferences that no resource of the Application meets."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Application, Environment, Manifest, entries, text


@rule("argocd/unmatched-ignore-differences", warning, since="0.3.0")
def unmatched_ignore_differences(environment: Environment) -> Iterator[Finding | NotChecked]:
    """An entry that meets nothing ignores nothing: Argo CD and the other controller overwrite each other."""
    for application in environment.applications:
        written = entries(application.manifest.value, "spec", "ignoreDifferences")
        if application.unrendered or not application.resources:
            continue  # what it brings is not known
        for index, entry in enumerate(written):
            found = _near(application, entry)
            if found is not None:
                key, wrong, right = found
                yield Finding(
                    at=application.manifest.at(("spec", "ignoreDifferences", index, key)),
                    message=f"ignoreDifferences of {application} has {wrong}, which none of its resources meets; "
                    f"its {right} is not ignored",
                    fix=_fix(key, entry, application),
                )


def _near(application: Application, entry: dict[str, Any]) -> tuple[str, str, str] | None:
    """Return the key by which an entry meets nothing, what it says, and the resource that was meant."""
    group, kind = text(entry, "group"), text(entry, "kind")
    resources = application.resources
    if any(_meets(each, group, kind, entry) for each in resources):
        return None
    of_kind = [each for each in resources if each.kind == kind]
    other = next((each for each in of_kind if not fnmatchcase(each.group, group)), None)
    if other is not None and not any(fnmatchcase(each.group, group) for each in of_kind):
        return "group", f"kind {kind} of group {group or 'core'}", f"{other} is of group {other.group or 'core'} and"
    named = text(entry, "name")
    if of_kind and named:
        return "name", f"{kind} {named}", str(of_kind[0])
    return None  # perhaps of what somebody adds later


def _meets(manifest: Manifest, group: str, kind: str, entry: dict[str, Any]) -> bool:
    name = text(entry, "name")
    return fnmatchcase(manifest.group, group) and fnmatchcase(manifest.kind, kind) and name in ("", manifest.name)


def _fix(key: str, entry: dict[str, Any], application: Application) -> str:
    of_kind = [each for each in application.resources if each.kind == text(entry, "kind")]
    if key == "group":
        return f"write group: {of_kind[0].group or 'core'}"
    return f"write the name of {of_kind[0]}"
