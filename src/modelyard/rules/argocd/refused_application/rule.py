"""Applications that the API server takes and Argo CD refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, Manifest, entries, listed, text

# Go's durations: https://pkg.go.dev/time#ParseDuration; a number alone is seconds (argo-cd, RetryStrategy.NextRetryAt).
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+|\d+")
_CLOSING = {")": "(", "]": "[", "}": "{"}
_TEXT_OF_JQ = re.compile(r'"(?:[^"\\]|\\.){0,900}+"')


@rule("argocd/refused-application", error, since="0.3.0")
def refused_application(environment: Environment) -> Iterator[Finding | NotChecked]:
    """An Application with a value that only Argo CD checks is applied, and stays in Unknown with a condition."""
    for manifest in environment.of_kind("Application", "argoproj.io"):
        if not environment.is_ours(manifest):
            continue
        yield from _of_destination(manifest)
        yield from _of_retries(manifest)
        yield from _of_differences(manifest)


def _of_destination(manifest: Manifest) -> Iterator[Finding]:
    name, server = (text(manifest.value, "spec", "destination", each) for each in ("name", "server"))
    if name and server:
        yield Finding(
            at=manifest.at("spec.destination.name"),
            message=f"{manifest} names its cluster by name ({name}) and by server ({server}), which Argo CD refuses",
            fix="keep one of name and server",
        )


def _of_retries(manifest: Manifest) -> Iterator[Finding]:
    backoff = manifest.mapping("spec.syncPolicy.retry.backoff")
    for field in ("duration", "maxDuration"):
        written = backoff.get(field)
        if isinstance(written, str) and written and not _DURATION.fullmatch(written):
            yield Finding(
                at=manifest.at(f"spec.syncPolicy.retry.backoff.{field}"),
                message=f"retry.backoff.{field} is {written}, which is no duration, so a failed sync is not retried",
                fix="write a number with its unit, such as 15s, 5m or 1h",
            )


def _of_differences(manifest: Manifest) -> Iterator[Finding]:
    for index, entry in enumerate(entries(manifest.value, "spec", "ignoreDifferences")):
        for number, expression in enumerate(listed(entry, "jqPathExpressions")):
            fault = _unbalanced(str(expression))
            if fault:
                yield Finding(
                    at=manifest.at(("spec", "ignoreDifferences", index, "jqPathExpressions", number)),
                    message=f"{manifest} has a jq expression {fault}, so Argo CD compares nothing of the Application",
                    fix="correct the expression; jq tells the place",
                )
        for number, pointer in enumerate(listed(entry, "jsonPointers")):
            if isinstance(pointer, str) and not pointer.startswith("/"):
                yield Finding(
                    at=manifest.at(("spec", "ignoreDifferences", index, "jsonPointers", number)),
                    message=f"the JSON pointer {pointer} of {manifest} begins without a slash, so it ignores nothing",
                    fix=f"write /{pointer.strip('.').replace('.', '/')}",
                )


def _unbalanced(expression: str) -> str:
    """Return what is wrong with the brackets of a jq expression; empty where they close."""
    code = _TEXT_OF_JQ.sub("", expression)
    if '"' in code:
        return 'whose text is not closed by a "'
    opened: list[str] = []
    for sign in code:
        if sign in _CLOSING.values():
            opened.append(sign)
        elif sign in _CLOSING and (not opened or opened.pop() != _CLOSING[sign]):
            return f"with a {sign} that closes nothing"
    return f"with a {opened[-1]} that nothing closes" if opened else ""
