"""What stands in a manifest for a value that whoever applies it puts in."""

from __future__ import annotations

import re
from typing import Any

# A variable of a shell, of Flux or of Terraform, an action of a template, or what a reader is asked to write.
_PLACEHOLDER = re.compile(
    r"(?<![\w/$])\$[A-Z][A-Z0-9_]{1,60}(?![\w(/])|\$\{\w[^}]{0,200}\}|\{\{[^}]{0,200}\}\}|<[A-Za-z][\w .-]{0,60}>"
)


def holds_placeholder(value: Any) -> bool:
    """Return whether a text, or one below a mapping or list, has a placeholder in it."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)
        elif isinstance(each, str) and _PLACEHOLDER.search(each):
            return True
    return False
