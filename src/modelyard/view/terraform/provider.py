"""Which major versions of AWS's provider a configuration takes."""

from __future__ import annotations

import re

from modelyard.view.terraform.blocks import Terraform

_VERSION = re.compile(r"\baws\s*=\s*\{[^{}]*?\bversion\s*=\s*\"([^\"\n]*)\"")
_BOUND = re.compile(r"\s{0,20}(>=|<=|!=|~>|=|>|<)?\s{0,20}v?(\d+)((?:\.\d+)*)")


def takes_major(terraform: Terraform, major: int) -> bool:
    """Return whether every constraint on AWS's provider allows the newest release of a major version."""
    return all(_allows(found[1], major) for _, text in terraform.texts() for found in _VERSION.finditer(text))


def _allows(constraint: str, major: int) -> bool:
    for part in constraint.split(","):
        bound = _BOUND.match(part)
        if bound is None:
            continue
        sign, first = bound[1] or "=", int(bound[2])
        if sign == "<" and not bound[3].strip(".0"):
            first -= 1  # below 7.0 is all of 6
        if sign in ("=", "~>") and first != major:
            return False
        if sign in ("<", "<=") and first < major:
            return False
        if sign in (">", ">=") and first > major:
            return False
    return True
