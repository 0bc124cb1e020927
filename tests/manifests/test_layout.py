"""Files are laid out as an editing round trip lays them out, so that a tool's edit changes only what it means to."""

from __future__ import annotations

import io

from ruamel.yaml import YAML

from tests.manifests.composition import BASES, OVERLAYS, ROOT

FILES = sorted(path for folder in (BASES, OVERLAYS) for path in folder.rglob("*.yaml"))


def test_formatting_again_changes_nothing() -> None:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    faults = {}
    for path in FILES:
        text, out = path.read_text(), io.StringIO()
        yaml.dump_all(yaml.load_all(text), out)
        lines = text.splitlines()
        fault = {
            "formatting": out.getvalue() != text,
            "a line over 120 characters": max(map(len, lines)) > 120,
            "blanks at the end of a line": any(line != line.rstrip() for line in lines),
        }
        if any(fault.values()):
            faults[str(path.relative_to(ROOT))] = [name for name, is_there in fault.items() if is_there]
    assert faults == {}
