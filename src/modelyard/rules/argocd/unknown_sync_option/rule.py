"""Sync options that Argo CD does not have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.findings import Address, Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.rules.wording import either, nearest
from modelyard.view import Environment

ANNOTATION = "argocd.argoproj.io/sync-options"
_SWITCH = ("true", "false")
# gitops-engine/pkg/sync/common/types.go and docs/user-guide/sync-options.md of argo-cd v3, read 2026-12-01. Names and
# values are compared letter by letter.
OPTIONS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            "ApplyOutOfSyncOnly",
            "ClientSideApplyMigration",
            "CreateNamespace",
            "DisableClientSideApplyMigration",
            "FailOnSharedResource",
            "Force",
            "PruneLast",
            "Replace",
            "RespectIgnoreDifferences",
            "ServerSideApply",
            "SkipDryRunOnMissingResource",
            "Validate",
        ),
        _SWITCH,
    ),
    "Delete": (*_SWITCH, "confirm"),
    "Prune": (*_SWITCH, "confirm"),
    "PrunePropagationPolicy": ("background", "foreground", "orphan"),
}


@rule("argocd/unknown-sync-option", warning, since="0.3.0")
def unknown_sync_option(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Argo CD ignores an option that it does not know: what should be kept, skipped or created is not."""
    for manifest in environment.resources:
        if not environment.is_ours(manifest):
            continue
        if manifest.kind == "Application" and manifest.group == "argoproj.io":
            options = manifest.get("spec.syncPolicy.syncOptions", ())
            for index, option in enumerate(options if isinstance(options, list) else ()):
                at = manifest.at(("spec", "syncPolicy", "syncOptions", index))
                yield from _judged(str(manifest), option, at)
        written = manifest.annotations.get(ANNOTATION)
        for option in str(written).split(",") if written else ():
            yield from _judged(str(manifest), option.strip(), manifest.at(("metadata", "annotations", ANNOTATION)))


def _judged(named: str, option: Any, at: Address) -> Iterator[Finding]:
    name, _, value = str(option).partition("=")
    known = OPTIONS.get(name)
    if known is None:
        near = nearest(name, OPTIONS, cutoff=0.5)
        fix = f"write {near}" if near else f"use {either(sorted(OPTIONS), most=20)}"
        yield Finding(at=at, message=f"{named} has the sync option {option}, which Argo CD does not know", fix=fix)
    elif value not in known:
        message = f"{named} has the sync option {option}, and {name} is {either(known)}"
        yield Finding(at=at, message=message, fix=f"write {name}={nearest(value, known) or known[0]}")
