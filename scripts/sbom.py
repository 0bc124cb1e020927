"""Write the bill of materials of a platform wheel, as CycloneDX: its Python packages, and the modules in its programs.

    python scripts/sbom.py DIST [PYTHON]

Writes `modelyard-VERSION.cdx.json` beside the wheels in DIST. PYTHON is that of an environment which holds the wheel;
without it, one is made. `cyclonedx-py` lists the packages of an environment into which the wheel was installed;
`go version -m` reads from each program which modules were linked into it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

from modelyard.tooling.installer import default_names
from modelyard.tooling.toolchain import fetch_go, find_go
from native_wheel import native_wheel

PROJECT = Path(__file__).parents[1]


def main(dist: Path, python: Path | None) -> int:
    """Write the file; fail where a program does not tell its modules."""
    wheel = native_wheel(dist)
    if wheel is None:
        print(f"no wheel in {dist} carries the programs of this platform: make wheels", file=sys.stderr)
        return 2
    output = dist / f"modelyard-{wheel.name.split('-')[1]}.cdx.json"
    if python is not None:
        return _write(python, output)
    with tempfile.TemporaryDirectory(prefix="modelyard-sbom-") as scratch:
        python = Path(scratch) / "bin" / "python"
        subprocess.run([sys.executable, "-m", "venv", scratch], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", wheel], check=True)
        return _write(python, output)


def _write(python: Path, output: Path) -> int:
    cyclonedx = PROJECT / "build" / "release" / "bin" / "cyclonedx-py"
    words = [str(cyclonedx), "environment", "--pyproject", str(PROJECT / "pyproject.toml"), "--output-reproducible"]
    subprocess.run([*words, "--output-file", str(output), str(python)], check=True)
    bill = json.loads(output.read_text())
    where = "import modelyard.tooling as t, pathlib; print(pathlib.Path(t.__file__).with_name('programs'))"
    programs = Path(subprocess.run([python, "-c", where], check=True, capture_output=True, text=True).stdout.strip())
    known = {each.get("bom-ref") for each in bill["components"]}
    for name in default_names():
        for component in _modules(programs / name):
            if component["bom-ref"] not in known:
                known.add(component["bom-ref"])
                bill["components"].append(component)
    output.write_text(json.dumps(bill, indent=2, sort_keys=True) + "\n")
    print(f"{output}: {len(bill['components'])} components")
    return 0


def _modules(program: Path) -> list[dict[str, Any]]:
    go = find_go() or fetch_go(print)
    told = subprocess.run([go.path, "version", "-m", str(program)], check=True, capture_output=True, text=True).stdout
    first, *lines = told.splitlines()
    found = [_component("golang/std", first.rpartition("go")[2].split()[0])]
    for line in lines:
        match line.split():
            case ["dep", name, version, *_]:
                found.append(_component(f"golang/{quote(name, safe='/.')}", version))
            case ["=>", *_]:
                found.pop()  # replaced by a folder of tools/, which the package itself stands for
    assert len(found) > 1, f"{program} tells no modules"
    return found


def _component(name: str, version: str) -> dict[str, Any]:
    address = f"pkg:{name}@{quote(version, safe='.')}"
    shown = name.partition("/")[2]
    return {"type": "library", "bom-ref": address, "name": shown, "version": version, "purl": address}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None))
