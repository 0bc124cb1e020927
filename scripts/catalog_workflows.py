"""Rebuild the catalogue's grammar of GitHub workflows: keys, types, values, and what expressions may name where.

It is what GitHub's own packages for editors hold: @actions/workflow-parser (workflow-v1.0) and @actions/languageservice
(properties of contexts), fetched by npm.

Usage: python scripts/catalog_workflows.py [--check] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parents[1] / "src/modelyard/catalog/data/github/workflows.json"
VERSION = "0.3.61"
READ = "2026-12-01"
GRAMMAR = "package/dist/workflow-v1.0.min.json"
CONTEXTS = "package/dist/context-providers/descriptions.min.json"
# Of these contexts the properties are the same in every repository.
FIXED = ("github", "runner", "strategy", "job")


def main() -> int:
    """Write the file, or tell whether it is current."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="exit 1 when the file is not current")
    parser.add_argument("--folder", type=Path, help="where the packages lie already, as npm pack writes them")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        parts = [_member(folder, name, member) for name, member in _PARTS.items()]
    text = json.dumps(_catalogue(*parts), indent=1, ensure_ascii=False) + "\n"
    if options.check:
        return int(not FILE.is_file() or FILE.read_text() != text)
    FILE.write_text(text)
    return 0


_PARTS = {"workflow-parser": GRAMMAR, "languageservice": CONTEXTS}


def _member(folder: Path, name: str, member: str) -> dict[str, Any]:
    archive = folder / f"actions-{name}-{VERSION}.tgz"
    if not archive.is_file():
        words = ["npm", "pack", f"@actions/{name}@{VERSION}", "--silent", "--pack-destination", str(folder)]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    with tarfile.open(archive) as packed:
        content = packed.extractfile(member)
        assert content is not None, member
        found: dict[str, Any] = json.load(content)
    return found


def _catalogue(grammar: dict[str, Any], contexts: dict[str, Any]) -> dict[str, Any]:
    properties = {name: sorted({key.partition(".")[0] for key in contexts[name]}) for name in FIXED}
    return {
        "source": f"npm @actions/workflow-parser and @actions/languageservice {VERSION} (MIT), read {READ}",
        "contexts": sorted(contexts["root"]),
        "properties": properties,
        "definitions": {name: _bare(each) for name, each in sorted(grammar["definitions"].items())},
    }


def _bare(value: Any) -> Any:
    """Return a definition without its texts for people."""
    if not isinstance(value, dict):
        return value
    kept = {key: _bare(each) for key, each in value.items() if key not in ("description", "properties")}
    if "properties" in value:  # one of them may be called `description`
        kept["properties"] = {key: _bare(each) for key, each in value["properties"].items()}
    return kept


if __name__ == "__main__":
    raise SystemExit(main())
