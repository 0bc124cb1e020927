"""Secrets that are committed."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import both
from modelyard.view import Environment

# The kubelet and controllers fill these in; the manifest only asks for them.
_FILLED_IN = ("kubernetes.io/service-account-token",)
# Names of values in a store: 1Password's secret references, those of vals, those of Bank-Vaults' webhook.
_REFERENCES = ("op://", "ref+", "vault:")


@rule("secrets/secret-in-git", error, since="0.1.0")
def secret_in_git(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Everyone who can read the repository can read a Secret in Git, and it stays in the history."""
    for manifest in environment.of_kind("Secret", ""):
        if manifest.get("type") in _FILLED_IN or not environment.is_ours(manifest):
            continue
        for field in ("stringData", "data"):
            keys = sorted(key for key, value in manifest.mapping(field).items() if value and not _is_put_in(str(value)))
            if keys:
                yield Finding(
                    at=manifest.at(field, key=True),
                    message=f"{manifest} has the values of {both(keys)} in Git",
                    fix="revoke them, store new values in AWS Secrets Manager and use an ExternalSecret",
                )
                break


def _is_put_in(value: str) -> bool:
    """Return whether a value stands for one that whoever applies the manifest puts in."""
    return value.lstrip().startswith(("$", "<", "{{", *_REFERENCES))
