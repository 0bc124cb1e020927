"""Findings of rules that read Terraform as it is written, not as it is evaluated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from modelyard.findings import Finding
from modelyard.view import Environment, LineAddress

Fault = tuple[int, str, str, str]
"""The line of a file, what to mark there, the message, and the fix."""


def findings_of_texts(environment: Environment, faults: Callable[[str], Sequence[Fault]]) -> Iterator[Finding]:
    """Yield what a function finds in the text of each file of Terraform; it may keep its answers by the text."""
    terraform = environment.terraform
    for file, text in terraform.texts() if terraform is not None else ():
        for line, marked, message, fix in faults(text) if file.endswith(".tf") else ():
            at = LineAddress(environment.repository.files, file, line, line, (marked,))
            yield Finding(at=at, message=message, fix=fix)
