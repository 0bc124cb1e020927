"""What a finding shows of the file that it is about: no value that is a secret, whatever rule found it."""

from __future__ import annotations

import re
from dataclasses import replace

from modelyard.findings import (
    HIDDEN,
    At,
    Finding,
    Place,
    UserError,
    masked,
    secret_texts,
    source_without_secrets,
    whole_and_lines,
    without_credentials,
)
from modelyard.repository import Files

OF_VALUES = frozenset({"secrets/secret-in-git", "secrets/token-in-manifest"})
"""Rules whose findings stand at a secret, so that nothing of the value is shown."""

_AFTER_KEY = re.compile(r"^([-\s]{0,200}[\"']?[^\s:=\"']{1,300}[\"']?\s{0,4}[:=]).*\S.*$")
_LONGEST = 4_000


class Showing:
    """Takes secrets out of findings; the values of a file are looked up once.

    Args:
        files: The repository's files.
    """

    def __init__(self, files: Files) -> None:
        self._files = files
        self._secrets: dict[str, tuple[str, ...]] = {}

    def shown(self, finding: Finding, place: Place) -> Finding:
        """Return a finding at its place that shows no secret, whatever its message quotes and its line holds."""
        secrets = self._of_file(place.file)

        def told(text: str) -> str:
            return without_credentials(masked(text, secrets))

        text = place.text
        if text is not None:
            text = self._line(finding.rule, text[:_LONGEST], secrets)
        return replace(
            finding,
            at=At(place if text == place.text else _moved(place, text)),
            message=told(finding.message),
            fix=told(finding.fix),
            detail=tuple(told(line) for line in finding.detail),
        )

    def _line(self, rule: str, text: str, secrets: tuple[str, ...]) -> str:
        if rule in OF_VALUES:
            key = _AFTER_KEY.match(text)
            return f"{key[1]} {HIDDEN}" if key else HIDDEN
        return source_without_secrets(masked(text, secrets))

    def _of_file(self, file: str) -> tuple[str, ...]:
        if file not in self._secrets:
            found: list[str] = []
            if file.endswith((".yaml", ".yml", ".json")) and self._files.is_file(file):
                try:
                    for document in self._files.documents(file):
                        found.extend(secret_texts(document))
                except UserError:
                    found = []
            self._secrets[file] = whole_and_lines(found)
        return self._secrets[file]


def _moved(place: Place, text: str | None) -> Place:
    """Return a place whose line is shown otherwise; the end of its value is not where it was."""
    return replace(place, text=text, end_column=None)
