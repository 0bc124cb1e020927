"""The licences of what is linked into the programs of a platform wheel, as their authors ask for."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_TEXTS = re.compile(r"(LICEN[CS]E|COPYING|NOTICE)([.-].*)?", re.IGNORECASE)


def licences(go: Path, packages: Sequence[tuple[Path, str]], environment: Mapping[str, str]) -> str:
    """Return the licences and notices of every module that Go packages are built from.

    Args:
        go: The `go` program.
        packages: Folder of a module and package to build there.
        environment: That of the build, whose platform decides what is linked.

    Raises:
        LookupError: A module brings no licence.
    """
    modules: dict[str, Path] = {}
    for folder, package in packages:
        for listed in _listed(go, folder, package, environment):
            module = listed.get("Module")
            if module is not None and "Version" in module and "Replace" not in module:
                modules[f"{module['Path']} {module['Version']}"] = Path(module["Dir"])
    modules["The Go Programming Language"] = Path(
        subprocess.run([go, "env", "GOROOT"], check=True, capture_output=True, text=True).stdout.strip()
    )
    parts = []
    for name, folder in sorted(modules.items()):
        texts = [path for path in sorted(folder.iterdir()) if path.is_file() and _TEXTS.fullmatch(path.name)]
        if not texts:
            raise LookupError(f"{name} brings no licence in {folder}")
        rule = "=" * 80
        parts += [f"{rule}\n{name}: {path.name}\n{rule}\n{path.read_text('utf-8', 'replace')}" for path in texts]
    return "\n".join(parts)


def _listed(go: Path, folder: Path, package: str, environment: Mapping[str, str]) -> list[dict[str, Any]]:
    words = [str(go), "list", "-mod=readonly", "-deps", "-json=Module", package]
    text = subprocess.run(words, cwd=folder, env=dict(environment), check=True, capture_output=True, text=True).stdout
    decoder, found, position = json.JSONDecoder(), [], 0
    while (start := text.find("{", position)) >= 0:
        value, position = decoder.raw_decode(text, start)
        found.append(value)
    return found
