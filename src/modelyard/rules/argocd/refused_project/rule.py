"""Projects of Argo CD that it does not accept: none of their Applications syncs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, Manifest, listed, numbered, text

_KINDS = ("allow", "deny")
_FIELDS = 5
# https://pkg.go.dev/github.com/robfig/cron/v3, the parser with which Argo CD reads windows
_DESCRIPTOR = re.compile(r"@(?:yearly|annually|monthly|weekly|daily|midnight|hourly|every\s.+)")
_POLICY = 6


@rule("argocd/refused-project", error, since="0.3.0")
def refused_project(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A project with a window or a policy that Argo CD cannot read is invalid, and its Applications do not sync.

    ValidateProject in pkg/apis/application/v1alpha1/app_project_types.go of argo-cd 3.3.
    """
    for manifest in environment.of_kind("AppProject", "argoproj.io"):
        if environment.is_ours(manifest):
            yield from _windows(manifest)
            yield from _policies(manifest)


def _windows(manifest: Manifest) -> Iterator[Finding]:
    for index, window in numbered(manifest.value, "spec", "syncWindows"):
        at = ("spec", "syncWindows", index)
        kind, schedule = text(window, "kind"), text(window, "schedule")
        if kind and kind not in _KINDS:
            yield Finding(
                at=manifest.at((*at, "kind")),
                message=f"a window of {manifest} has the kind {kind}, which is neither allow nor deny",
                fix="write allow or deny",
            )
        fields = schedule.split()
        if fields and fields[0].startswith(("TZ=", "CRON_TZ=")):
            fields = fields[1:]
        if schedule and len(fields) != _FIELDS and not _DESCRIPTOR.fullmatch(" ".join(fields)):
            yield Finding(
                at=manifest.at((*at, "schedule")),
                message=f"a window of {manifest} has the schedule {schedule}, of {len(fields)} fields instead of 5",
                fix="write minute, hour, day, month and day of the week, such as 0 22 * * *",
            )


def _policies(manifest: Manifest) -> Iterator[Finding]:
    for index, role in numbered(manifest.value, "spec", "roles"):
        subject = f"proj:{manifest.name}:{text(role, 'name')}"
        for number, written in enumerate(map(str, listed(role, "policies"))):
            words = [each.strip() for each in written.split(",")]
            fault, fix = "", ""
            if len(words) != _POLICY or words[0] != "p":
                fault, fix = (
                    "is not p with five words",
                    f"write p, {subject}, applications, get, {manifest.name}/*, allow",
                )
            elif words[1] != subject:
                fault, fix = f"is for {words[1]}, and a role's own policies are for {subject}", f"write {subject}"
            elif not words[4].startswith(f"{manifest.name}/"):
                fault, fix = f"is about {words[4]}, and objects are {manifest.name}/NAME", f"write {manifest.name}/*"
            if fault:
                yield Finding(
                    at=manifest.at(("spec", "roles", index, "policies", number)),
                    message=f"the policy {', '.join(words)} of {manifest} {fault}",
                    fix=fix,
                )
