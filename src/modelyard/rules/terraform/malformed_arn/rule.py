"""ARNs that match nothing."""

import re
from collections.abc import Iterator
from functools import lru_cache

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, LineAddress

_TEXT = re.compile(r'"(?<!\\")((?:[^"\\]|\\.)*+)"')
_INTERPOLATION = re.compile(r"\$?\$\{[^{}\"]*\}|%\{[^{}\"]*\}")


@rule("terraform/malformed-arn", error, since="0.1.0")
def malformed_arn(environment: Environment) -> Iterator[Finding | NotChecked]:
    """An ARN with a stray brace or blank matches no resource, and the statement allows nothing."""
    terraform = environment.terraform
    for file, text in terraform.texts() if terraform is not None else ():
        for number, written, stray in _malformed(text):
            yield Finding(
                at=LineAddress(environment.repository.files, file, number, number, (written,)),
                message=f"the ARN {written} has a {stray}",
                fix=f"remove the {stray}",
            )


@lru_cache(maxsize=1024)  # environments share their modules
def _malformed(text: str) -> tuple[tuple[int, str, str], ...]:
    """Return the line of each ARN with something that does not belong there, the ARN, and what that is."""
    return tuple(
        (number, found[1], stray)
        for number, line in enumerate(text.splitlines(), 1)
        if "arn" in line and not line.lstrip().startswith(("#", "//"))
        for found in _TEXT.finditer(line)
        if (stray := _stray(found[1]))
    )


def _stray(written: str) -> str:
    """Return what does not belong into an ARN; empty for a right one, and for what is none."""
    if not (written.startswith("arn:") or re.match(r"\$\{[\w.\[\]]*arn\}", written)):
        return ""
    rest = _INTERPOLATION.sub("x", written)
    if "${" in rest or "%{" in rest:
        return ""  # an expression with texts of its own
    return "stray brace" if re.search(r"[{}]", rest) else "blank" if re.search(r"\s", rest) else ""
