"""Write which architectures each version of vLLM has, from its wheels, to the catalogue.

Run it as `python scripts/catalog_architectures.py WHEEL...`; the file is written anew from the wheels that are given.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
import zipfile
from pathlib import Path

TARGET = Path(__file__).resolve().parents[1] / "src/modelyard/catalog/data/engines/vllm-architectures.json"
REGISTRY = "vllm/model_executor/models/registry.py"


def architectures(source: str) -> set[str]:
    """Return the keys of the registry's tables of models, without those that an older version had."""
    names: set[str] = set()
    for node in ast.parse(source).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if not isinstance(target, ast.Name) or not isinstance(value, ast.Dict):
            continue
        if target.id.endswith("_MODELS") and not target.id.startswith(("_PREVIOUSLY", "_OOT")):
            names |= {key.value for key in value.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}
    return names


def main() -> int:
    """Read the wheels and write the file."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("wheels", nargs="+", type=Path)
    found: dict[tuple[int, ...], set[str]] = {}
    for wheel in arguments.parse_args().wheels:
        version = re.search(r"vllm-(\d+)\.(\d+)\.(\d+)", wheel.name)
        if version is None:
            raise SystemExit(f"{wheel.name} is no wheel of vLLM")
        with zipfile.ZipFile(wheel) as archive:
            found[tuple(map(int, version.groups()))] = architectures(archive.read(REGISTRY).decode())
    versions = sorted(found)
    content = {
        "source": f"{REGISTRY} of the wheels of these versions",
        "versions": [".".join(map(str, version)) for version in versions],
        "architectures": {
            name: "".join("x" if name in found[version] else "-" for version in versions)
            for name in sorted(set().union(*found.values()))
        },
    }
    TARGET.write_text(json.dumps(content, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
