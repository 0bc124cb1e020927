"""The HTML document: styles, scripts and data in one file, under a policy that allows nothing else.

The data stands in a block that no browser runs, in ASCII, without a character that could end the block. Scripts and
styles are allowed by their digests, so that a value of the repository, wherever it ends up, is never run.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from modelyard.findings import without_secrets
from modelyard.htmlreport.libraries import libraries
from modelyard.reporting import inert_json

_ASSETS = files("modelyard.htmlreport").joinpath("assets")
# In the order of their use; each is a script of its own scope that adds to `window.page`.
SCRIPTS = (
    "page.js",
    "overview.js",
    "changes.js",
    "findings.js",
    "charts.js",
    "memory.js",
    "placement.js",
    "latency.js",
    "cost.js",
    "waves.js",
    "references.js",
    "start.js",
)
_ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&'"}
_SLOT = re.compile(r"\{\{(\w+)\}\}")


def document(content: Mapping[str, Any]) -> str:
    """Return the page of `page_content`."""
    plain, cytoscape = _styles()
    # Cytoscape looks for its sheet by this id, and writes one that the policy refuses where there is none.
    return assembled("page.html", {"": plain, "__________cytoscape_stylesheet": cytoscape}, _scripts(), content)


def assembled(name: str, styles: Mapping[str, str], scripts: Sequence[str], content: Mapping[str, Any]) -> str:
    """Return a document that needs nothing beside it.

    Args:
        name: The asset that has the slots `policy`, `styles`, `data` and `scripts`.
        styles: Style sheets by the id of their element; one needs none.
        scripts: Scripts in the order of their use.
        content: What they show.
    """
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src {' '.join(_digest(each) for each in scripts)}",
            f"style-src {' '.join(_digest(each) for each in styles.values())}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    slots = {
        "policy": policy,
        "styles": "\n".join(
            f'<style id="{key}">{each}</style>' if key else f"<style>{each}</style>" for key, each in styles.items()
        ),
        "data": data_block(content),
        "scripts": "\n".join(f"<script>{each}</script>" for each in scripts),
    }
    return _SLOT.sub(lambda match: slots[match[1]], asset(name))


def asset(name: str) -> str:
    """Return a file of the page."""
    return _ASSETS.joinpath(name).read_text("utf-8")


def data_block(content: Mapping[str, Any]) -> str:
    """Return JSON that stands in a `<script>` block: no character of it ends the block or begins a comment."""
    return inert_json(without_secrets(dict(content)), indented=False).translate(_ESCAPES)


@cache
def _styles() -> tuple[str, ...]:
    return tuple(asset(name) for name in ("page.css", "cytoscape.css"))


@cache
def _scripts() -> tuple[str, ...]:
    own = tuple(asset(name) for name in SCRIPTS)
    return (*(library.script for library in libraries()), *own)


def _digest(text: str) -> str:
    """Return the digest of an inline block as Content Security Policy (level 3, section 8.3) writes it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
