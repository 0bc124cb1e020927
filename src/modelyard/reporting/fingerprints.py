"""What a finding is recognised by from one report to the next."""

from __future__ import annotations

import hashlib
from collections import Counter

from modelyard.findings import Finding, Place


def fingerprint(finding: Finding, place: Place, seen: Counter[str]) -> str:
    """Return what stays the same when lines move: rule, file, subject; with a number for repetitions."""
    parts = (finding.rule, place.file, finding.environment, finding.application, finding.message)
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]
    seen[digest] += 1
    return f"{digest}:{seen[digest]}"
