"""Files are laid out as an editing round trip lays them out, so that a tool's edit changes only what it means to."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.manifests.composition import BASES, OVERLAYS, ROOT

FILES = sorted(path for folder in (BASES, OVERLAYS) for path in folder.rglob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(ROOT)) for path in FILES])
def test_formatting_again_changes_nothing(path: Path) -> None:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    text, out = path.read_text(), io.StringIO()
    yaml.dump_all(yaml.load_all(text), out)
    assert out.getvalue() == text
    assert max(map(len, text.splitlines())) <= 120
    assert all(line == line.rstrip() for line in text.splitlines())
