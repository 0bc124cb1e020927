"""What credentials look like, so that they are found, and never shown."""

from __future__ import annotations

import re

FORMS: dict[str, re.Pattern[str]] = {
    "a Hugging Face token": re.compile(r"\bhf_[A-Za-z0-9]{30,}\b"),
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a GitHub token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})\b"),
    "an NVIDIA NGC key": re.compile(r"\bnvapi-[A-Za-z0-9_-]{40,}"),
    "an API key of OpenAI's form": re.compile(r"\bsk-(?:proj-)?[A-Za-z0-9_-]{32,}"),
    "a Slack token": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{20,}"),
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"),
}
"""Forms that hardly occur by chance, by what issued them."""


_NAMED_SECRET = re.compile(r"(^|[^a-z0-9])(token|secret|password|passwd|(api|access|private)[^a-z0-9]?keys?)$")


def is_secret(name: str, value: str = "") -> bool:
    """Return whether a flag or variable holds a secret: by what its name says, or by the form of its value."""
    return _NAMED_SECRET.search(name.lower()) is not None or credential_in(value) is not None


def credential_in(text: str) -> str | None:
    """Return what kind of credential a text holds, None when it holds none of a known form."""
    return next((name for name, form in FORMS.items() if form.search(text)), None)


def without_credentials(text: str) -> str:
    """Return a text with every credential of a known form taken out."""
    for form in FORMS.values():
        text = form.sub("(credential)", text)
    return text
