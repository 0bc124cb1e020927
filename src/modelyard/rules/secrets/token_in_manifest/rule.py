"""Credentials written out in manifests."""

from collections.abc import Iterator
from typing import Any

from modelyard.cluster import Environment
from modelyard.findings import Finding, NotChecked, credential_in, error
from modelyard.rendering import Path
from modelyard.rules import rule


@rule("secrets/token-in-manifest", error, since="0.1.0")
def token_in_manifest(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A credential in a manifest is in Git for ever, and in the cluster everyone who may read the object reads it."""
    for thing in environment.resources:
        if (thing.kind == "Secret" and not thing.group) or not environment.is_ours(thing):
            continue  # secrets/secret-in-git; what a chart makes up is not in Git
        for path, text in _texts(thing.value, ()):
            what = credential_in(text)
            if what:
                yield Finding(
                    at=thing.at(path),
                    message=f"{thing} holds {what} in {_field(path)}",
                    fix="revoke it; keep its successor in AWS Secrets Manager and refer to the Secret",
                )


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        if len(value) >= 20:
            yield path, value
    elif isinstance(value, dict):
        for key, below in value.items():
            yield from _texts(below, (*path, str(key)))
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _texts(below, (*path, index))


def _field(path: Path) -> str:
    return next((str(step) for step in reversed(path) if isinstance(step, str)), "it")
