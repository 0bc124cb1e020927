"""Credentials written out in manifests."""

import re
from collections.abc import Iterator
from typing import Any

from modelyard.findings import Finding, NotChecked, credential_in, error, is_secret
from modelyard.rendering import Path
from modelyard.rules import rule
from modelyard.view import Environment, numbered, text, texts_in

_FIX = "revoke it, store a new one in AWS Secrets Manager and reference the Secret"


_SWITCHES = ("true", "false", "yes", "no")  # such as MYSQL_ALLOW_EMPTY_PASSWORD's
_WORDS = re.compile(r"[a-z]{1,30}(?:[-_ ][a-z]{1,30}){0,9}")


@rule("secrets/token-in-manifest", error, since="0.1.0")
def token_in_manifest(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A credential in a manifest stays in Git's history, and everyone who can read the object can read it."""
    for manifest in environment.resources:
        if (manifest.kind == "Secret" and not manifest.group) or not environment.is_ours(manifest):
            continue  # secrets/secret-in-git; what a chart makes up is not in Git
        for path, found in texts_in(manifest.value, least=20):
            what = credential_in(found)
            if what:
                yield Finding(at=manifest.at(path), message=f"{manifest} holds {what} in {_field(path)}", fix=_FIX)
    for model in environment.models:
        for flag, value in model.settings.items():
            if _written_out(environment, flag, value):
                yield Finding(at=model.settings.at(flag), message=f"{model.name} has {flag} in plain text", fix=_FIX)
    for workload in environment.workloads:
        for container in workload.containers:
            if not environment.is_ours(container.manifest):
                continue
            for index, each in numbered(container.value, "env"):
                name = text(each, "name")
                if _written_out(environment, name, each.get("value")):
                    yield Finding(
                        at=container.at("env", index, "value"),
                        message=f"{container} has {name} in plain text",
                        fix=_FIX,
                    )


def _written_out(environment: Environment, name: str, value: Any) -> bool:
    """Return whether a value is a secret by its name; one that refers to a variable or a file is not written out."""
    if not isinstance(value, str) or not value or value.startswith("/") or _is_put_in(value):
        return False
    if value.lower() in _SWITCHES or (not environment.is_generated and _is_no_key(name, value)):
        return False
    return is_secret(name) and credential_in(value) is None  # which is found above


def _is_put_in(value: str) -> bool:
    """Return whether something puts the value in: a variable, an action of a template, or whoever reads the example."""
    asked = (value.startswith("<") and value.endswith(">")) or value.lower().startswith(("your-", "your_", "your "))
    return asked or "$(" in value or "${" in value or "{{" in value


def _is_no_key(name: str, value: str) -> bool:
    """Return whether a value is no key that a service would issue: a variable's name, or words without a number.

    A key is drawn by chance; words in lower case are what a server without keys is given. A password may be words.
    """
    return value.startswith("$") or ("passw" not in name.lower() and _WORDS.fullmatch(value) is not None)


def _field(path: Path) -> str:
    return next((str(step) for step in reversed(path) if isinstance(step, str)), "it")
