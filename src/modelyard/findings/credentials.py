"""What credentials look like, so that they are found, and never shown."""

from __future__ import annotations

import re

_FORMS = {
    "a Hugging Face token": ("hf_", r"[A-Za-z0-9]{30,}\b"),
    "an AWS access key": ("A[KS]IA", r"[0-9A-Z]{16}\b"),
    "a GitHub token": ("gh[pousr]_", r"[A-Za-z0-9]{36,}\b"),
    "a fine-grained GitHub token": ("github_pat_", r"[A-Za-z0-9_]{60,}\b"),
    "an NVIDIA NGC key": ("nvapi-", r"[A-Za-z0-9_-]{40,}"),
    "an API key of OpenAI's form": ("sk-", r"(?:proj-)?[A-Za-z0-9_-]{32,}"),
    "a Slack token": ("xox", r"[abprs]-[A-Za-z0-9-]{20,}"),
    "a private key": ("-----BEGIN ", r"(?:[A-Z]+ )?PRIVATE KEY-----"),
}

FORMS: dict[str, re.Pattern[str]] = {
    name: re.compile((r"\b" if beginning[0].isalpha() else "") + beginning + rest)
    for name, (beginning, rest) in _FORMS.items()
}
"""Forms that hardly occur by chance, by what issued them."""

# A search for a few letters skips what does not begin with one of them; one that starts at a border of a word does not.
_BEGINNINGS = re.compile("|".join(beginning for beginning, _ in _FORMS.values()))

_NAMED_SECRET = re.compile(r"(^|[^a-z0-9])(token|secret|password|passwd|(api|access|private)[^a-z0-9]?keys?)$")


def is_secret(name: str, value: str = "") -> bool:
    """Return whether a flag or variable holds a secret: by what its name says, or by the form of its value."""
    return _NAMED_SECRET.search(name.lower()) is not None or credential_in(value) is not None


def credential_in(text: str) -> str | None:
    """Return what kind of credential a text holds, None when it holds none of a known form."""
    if not _BEGINNINGS.search(text):
        return None
    return next((name for name, form in FORMS.items() if form.search(text)), None)


def without_credentials(text: str) -> str:
    """Return a text with every credential of a known form taken out."""
    for form in FORMS.values():
        text = form.sub("(credential)", text)
    return text
