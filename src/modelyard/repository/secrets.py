"""The secrets that a text of YAML holds, for those who show parts of it."""

from __future__ import annotations

from collections.abc import Iterable

from modelyard.findings import (
    UserError,
    masked,
    secret_texts,
    secrets_in_source,
    source_without_secrets,
    whole_and_lines,
)
from modelyard.repository.yaml import documents


def secrets_of(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the secrets of texts by where they stand, in YAML and, as in a patch that is a text in YAML, by lines."""
    found: list[str] = []
    for text in texts:
        found.extend(secrets_in_source(text))
        try:
            for document in documents("the file", text):
                found.extend(secret_texts(document))
        except UserError:
            continue
    return whole_and_lines(found)


def shown_difference(difference: str, *texts: str) -> str:
    """Return the difference of two texts without what is secret in either."""
    return source_without_secrets(masked(difference, secrets_of(texts)))
