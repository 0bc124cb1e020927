"""Write the JSON Schemas of the files that people edit, and name them in these files for editors.

Usage: python scripts/generate_file_schemas.py [--check]

The schemas lie in bases/schemas, so that every repository has those of its version. With --check nothing is written; it
exits with 1 when a file is not what it would write.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from modelyard.editing.file_formats import FILES, schema_of, settings_schema

ROOT = Path(__file__).resolve().parents[1]
SCHEMAS = "bases/schemas"
MARK = "# yaml-language-server: $schema="
ENVIRONMENT = "template/environment/environments/{{ environment_name }}"

# Pattern of the files, and their schema. Editors read the line only above the first key.
EDITED = (
    ("bases/features/*/feature.yaml", "feature"),
    ("bases/serving/*/engine.yaml", "engine"),
    ("bases/platform/*/component.yaml", "component"),
    ("overlays/*/overlay.yaml", "overlay"),
    ("template/repository/modelyard.yaml", "modelyard"),
    (f"{ENVIRONMENT}/environment.yaml.jinja", "environment"),
)


def schemas() -> dict[Path, str]:
    """Return what each schema file should hold."""
    made = {name: schema_of(name) for name in FILES}
    made |= {
        f"settings-{engine}": settings_schema(version, name) for engine, (name, version) in engine_versions().items()
    }
    return {ROOT / SCHEMAS / f"{name}.schema.json": json.dumps(value, indent=2) + "\n" for name, value in made.items()}


def engine_versions() -> dict[str, tuple[str, str]]:
    """Return name and version of what the bases run, for those whose settings are a vllm.yaml."""
    (file,) = (ROOT / "template/environment/environments").glob("*/versions/kustomization.yaml")
    tags = {each["name"]: str(each["newTag"]) for each in yaml.safe_load(file.read_text())["images"]}
    from modelyard.catalog import engine
    from modelyard.view import version_in

    found = {}
    for path in sorted((ROOT / "bases/serving").glob("*/engine.yaml")):
        told = yaml.safe_load(path.read_text())
        version = str(told.get("version") or version_in(tags.get(next(iter(told["images"])), "")) or "")
        if told["settings"] == "vllm.yaml" and engine(told["engine"], version) is not None:
            found[path.parent.name] = (told["engine"], version)
    return found


def headed() -> Iterator[tuple[Path, str]]:
    """Yield every file that names its schema, and the schema."""
    for pattern, name in EDITED:
        for path in sorted(ROOT.glob(pattern)):
            yield path, name
    versions = engine_versions()
    for path in sorted(ROOT.glob("overlays/*/vllm.yaml")):
        engine = yaml.safe_load((path.parent / "overlay.yaml").read_text())["engine"]
        if engine in versions:
            # Not by the version: a line that changes with it would restart every pod.
            yield path, f"settings-{engine}"


def with_header(path: Path, name: str) -> str:
    """Return the text of a file with the line that names its schema, as a generated repository sees it."""
    inside = path.relative_to(ROOT).as_posix()
    for scope in ("template/repository/", "template/environment/"):
        inside = inside.removeprefix(scope)
    up = os.path.relpath(SCHEMAS, Path(inside).parent)
    kept = "".join(each for each in path.read_text().splitlines(keepends=True) if not each.startswith(MARK))
    return f"{MARK}{up}/{name}.schema.json\n{kept}"


def main() -> int:
    """Write what is not current, or say what is not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is not current")
    arguments = parser.parse_args()
    wanted = schemas() | {path: with_header(path, name) for path, name in headed()}
    wrong = [path for path, text in wanted.items() if not path.is_file() or path.read_text() != text]
    if arguments.check:
        for path in wrong:
            print(
                f"{path.relative_to(ROOT)} is not current: run python scripts/generate_file_schemas.py", file=sys.stderr
            )
        return 1 if wrong else 0
    for path in wrong:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path])
    return 0


if __name__ == "__main__":
    sys.exit(main())
