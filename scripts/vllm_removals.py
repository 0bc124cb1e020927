"""Hold the list of what vLLM does not have any more against its wheels: since when each flag and variable is gone.

Of every release from 0.4.0 on, the modules that declare flags and variables are read for their names, by range
requests. A flag is there where the parser's sources have it as a text with its dashes, or as a field of the front
end's arguments.

Usage: python scripts/vllm_removals.py [--all]
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from pathlib import Path
from zipfile import ZipFile

import yaml

from catalog_vllm import ENGINE_ARGUMENTS, FRONTEND_ARGUMENTS, FRONTEND_CLASSES, index, wheel
from modelyard.catalog.engines import version_order

LIST = Path(__file__).resolve().parent.parent / "src/modelyard/catalog/data/engines/vllm-removals.yaml"
OLDEST = (0, 4, 0)
# The front end's arguments of releases before they became classes, and what `vllm serve` adds to them.
ARGUMENTS = (ENGINE_ARGUMENTS, *FRONTEND_ARGUMENTS, "vllm/entrypoints/cli/serve.py")


def releases() -> list[str]:
    """Return the versions of vLLM that have a wheel, oldest first; pre-releases are left out."""
    _, links = index("vllm")
    matches = (re.search(r"/vllm-(\d+\.\d+\.\d+(?:\.post\d+)?)-\S*(?:x86_64|any)\.whl$", link) for link in links)
    versions = {match[1] for match in matches if match}
    return sorted((each for each in versions if version_order(each) >= OLDEST), key=version_order)


def names(opened: ZipFile) -> set[str]:
    """Return the flags, without dashes in front, and the variables of one wheel."""
    found: set[str] = set()
    members = set(opened.namelist())
    for module in ARGUMENTS:
        if module not in members:
            continue
        text = opened.read(module).decode()
        found |= {name.replace("_", "-") for name in re.findall(r"""["']--([a-z][\w-]+)["']""", text)}
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef) and node.name in FRONTEND_CLASSES:
                fields = [each.target for each in node.body if isinstance(each, ast.AnnAssign)]
                found |= {each.id.replace("_", "-") for each in fields if isinstance(each, ast.Name)}
    if "vllm/envs.py" in members:
        table = opened.read("vllm/envs.py").decode().partition("environment_variables: ")[2]
        found |= set(re.findall(r"""^\s*["'](VLLM_\w+)["']\s*:""", table, re.M))
    return found


def main() -> int:
    """Print what differs, and exit 1 when anything does; 2 when a wheel cannot be had."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="print also what is gone and not in the list")
    options = parser.parse_args()
    raw = yaml.safe_load(LIST.read_text(encoding="utf-8"))
    listed = raw["flags"] | raw["environment"]
    having: dict[str, list[int]] = {}
    try:
        versions = releases()
        for position, version in enumerate(versions):
            with wheel(version, None) as opened:
                for name in names(opened):
                    having.setdefault(name, []).append(position)
    except OSError as cause:  # pip's network errors are OSErrors
        print(f"a wheel of vllm could not be had: {cause}", file=sys.stderr)
        return 2
    differences = 0
    for name, entry in listed.items():
        since = str(entry["since"])
        positions = having.get(name, [])
        before = [position for position in positions if version_order(versions[position]) < version_order(since)]
        gone = versions[before[-1] + 1] if before and before[-1] + 1 < len(versions) else "never"
        if gone != since:
            differences += 1
            print(f"{name}: gone since {gone}, and the list says {since}")
    if options.all:
        for name, positions in sorted(having.items()):
            if positions[-1] + 1 < len(versions) and name not in listed:
                print(f"{name}: gone since {versions[positions[-1] + 1]}, not in the list")
    return 1 if differences else 0


if __name__ == "__main__":
    raise SystemExit(main())
