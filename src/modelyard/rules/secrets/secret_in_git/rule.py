"""Secrets that are committed."""

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, UserError, error, is_secret, without_credentials
from modelyard.repository.yaml import documents
from modelyard.rules import rule
from modelyard.rules.wording import both
from modelyard.view import Environment

# The kubelet and controllers fill these in; the manifest only asks for them.
_FILLED_IN = ("kubernetes.io/service-account-token",)
# Names of values in a store: 1Password's secret references, those of vals, those of Bank-Vaults' webhook.
_REFERENCES = ("op://", "ref+", "vault:")
# A value that SOPS encrypted, or one in a file that it did.
_ENCRYPTED = "ENC[AES256_GCM,data:"
# Switches, small numbers, levels of logs, addresses: what stands beside secrets, or might stand in a ConfigMap.
_USER = re.compile(r"(?i)(?:^|[_.-])user_?(?:name)?$")
_LONGEST_NAME = 32
_PLAIN = re.compile(
    r"(?i:true|false|yes|no|on|off|none|trace|debug|info|warn|warning|error)|[0-9]{1,5}"
    r"|(?:https?|grpc|tcp)://[a-z0-9.-]{1,253}(?::[0-9]{1,5})?/?|[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}(?::[0-9]{1,5})?"
)


@rule("secrets/secret-in-git", error, since="0.1.0")
def secret_in_git(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Everyone who can read the repository can read a Secret in Git, and it stays in the history."""
    for manifest in environment.of_kind("Secret", ""):
        if manifest.get("type") in _FILLED_IN or not environment.is_ours(manifest):
            continue
        for field in ("stringData", "data"):
            given = {key: str(value) for key, value in manifest.mapping(field).items() if value}
            texts = {key: _decoded(value) if field == "data" else value for key, value in given.items()}
            put_in = {key for key in given if _is_put_in(given[key]) or _is_put_in(texts[key])}
            keys = sorted(key for key in given if key not in put_in and _ENCRYPTED not in texts[key])
            telling = [key for key in keys if not _is_plain(key, texts[key])]
            if telling and all(_is_without_secret(key, texts[key]) for key in telling):
                yield NotChecked(
                    manifest, f"{both(telling)} hold no field that is named as a secret is; nobody else knows"
                )
            elif telling:
                yield Finding(
                    at=manifest.at(field, key=True),
                    message=f"{manifest} has the values of {both(keys)} in Git",
                    fix="revoke them, store new values in AWS Secrets Manager and use an ExternalSecret",
                )
                break


def _is_put_in(value: str) -> bool:
    """Return whether a value stands for one that whoever applies the manifest puts in."""
    return value.lstrip().lower().startswith(("$", "<", "{{", "your-", "your_", "your ", *_REFERENCES))


def _is_without_secret(key: str, value: str) -> bool:
    """Return whether a value is a document, such as settings of a client, in which nothing is named as a secret is."""
    if is_secret(key, ""):
        return False
    try:
        content = documents("", value)
    except UserError:
        return False
    return bool(content) and all(isinstance(each, dict) and _names_no_secret(each) for each in content)


def _names_no_secret(value: object, key: str = "") -> bool:
    if isinstance(value, dict):
        return all(_names_no_secret(each, str(name)) for name, each in value.items())
    if isinstance(value, list):
        return all(_names_no_secret(each, key) for each in value)
    said = str(value if value is not None else "")
    return not said or (not is_secret(key, said) and without_credentials(said) == said)


def _is_plain(key: str, value: str) -> bool:
    """Return whether a value is no secret by its form, under a key that does not say that it is one."""
    value = value.strip()
    if _USER.search(key) and len(value) <= _LONGEST_NAME and without_credentials(value) == value:
        return True
    return not is_secret(key, value) and without_credentials(value) == value and bool(_PLAIN.fullmatch(value))


def _decoded(value: str) -> str:
    try:
        return b64decode("".join(value.split()), validate=True).decode()  # Kustomize wraps what it generates
    except (binascii.Error, ValueError):
        return value
