"""Write the menu of platform components, and their table, from bases/platform/*/component.yaml.

Usage: python scripts/generate_components.py [--check]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from modelyard.catalog import Component, component_depths, component_from_mapping

ROOT = Path(__file__).parents[1]
PLATFORM = Path("bases/platform")
MENU = Path("template/components.yaml.jinja")
TABLE = PLATFORM / "README.md"

FIRST_WAVE = -100  # projects come before it, models after the last
STEP = 10
_MOST_DEPTH = -FIRST_WAVE // STEP - 1

_MENU_HEAD = """\
# Written by scripts/generate_components.py from bases/platform/*/component.yaml; copier.yml includes it.
# `met` is whether the environment's answers are those that the component needs. The order is that of sync waves.
"""
_TABLE_HEAD = """\
# Platform components

One folder each, with an Application of its name. `component.yaml` says what it needs and who gets it: `always` every
environment, `default` each that does not say otherwise, `choice` those that name it in the answer `components`.

"""


def main() -> int:
    """Write both files, or with `--check` tell which one is old."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, and fail when a file is old")
    arguments = parser.parse_args()
    try:
        written = pages(ROOT)
    except ValueError as problem:
        print(problem, file=sys.stderr)
        return 1
    old = [path for path, text in written.items() if not (ROOT / path).exists() or (ROOT / path).read_text() != text]
    for path in old:
        if arguments.check:
            print(f"{path} is old; run python scripts/generate_components.py", file=sys.stderr)
        else:
            (ROOT / path).write_text(written[path])
    return 1 if old and arguments.check else 0


def pages(root: Path) -> dict[Path, str]:
    """Return the text of each file by its path below `root`.

    Raises:
        ValueError: A component.yaml is not as it should be.
    """
    components = {
        file.parent.name: component_from_mapping(file.parent.name, yaml.safe_load(file.read_text()))
        for file in sorted((root / PLATFORM).glob("*/component.yaml"))
    }
    depths = component_depths(components)
    if max(depths.values()) > _MOST_DEPTH:
        raise ValueError(f"more than {_MOST_DEPTH} components wait for each other; give waves a smaller step")
    ordered = sorted(components.values(), key=lambda component: (depths[component.name], component.name))
    menu = "".join(_entry(root, component, FIRST_WAVE + STEP * depths[component.name]) for component in ordered)
    return {MENU: _MENU_HEAD + menu, TABLE: _TABLE_HEAD + "".join(_rows(ordered))}


def folders(root: Path, folder: Path) -> Iterator[str]:
    """Yield a folder, and every other folder outside it that its kustomization reads, below `root`.

    Raises:
        ValueError: A folder has no kustomization.
    """
    yield folder.as_posix()
    file = root / folder / "kustomization.yaml"
    if not file.is_file():
        raise ValueError(f"{folder} has no kustomization.yaml")
    content = yaml.safe_load(file.read_text())
    for entry in (*(content.get("resources") or ()), *content.get("components", ())):
        below = (root / folder / entry).resolve()
        if below.is_dir() and not below.is_relative_to(root.resolve() / folder):
            yield from folders(root, below.relative_to(root.resolve()))


def namespaces(root: Path, component: Component) -> list[str]:
    """Return every namespace that objects of a component go to: those it says, and those in its files."""
    found = {component.namespace, *component.namespaces}
    for file in sorted((root / PLATFORM / component.name).rglob("*.yaml")):
        for document in yaml.safe_load_all(file.read_text()):
            metadata = document.get("metadata") if isinstance(document, dict) else None
            if isinstance(metadata, dict) and "namespace" in metadata:
                found.add(metadata["namespace"])
    return sorted(found)


def _entry(root: Path, component: Component, wave: int) -> str:
    met = " and ".join(f"{name} == {json.dumps(value)}" for name, value in component.answers.items()) or "true"
    entry: dict[str, Any] = {
        "name": component.name,
        "description": component.description,
        "install": component.install,
        "wave": wave,
        "namespace": component.namespace,
        "namespaces": namespaces(root, component),
        "folders": sorted(folders(root, PLATFORM / component.name)),
    }
    if component.needs:
        entry["needs"] = list(component.needs)
    if component.excludes:
        entry["excludes"] = list(component.excludes)
    lines = yaml.safe_dump([entry], sort_keys=False, default_flow_style=None, width=1000)
    lines += f"  secrets: {json.dumps(dict(component.secrets))}\n"
    if component.answers:
        told = ", ".join(f"{name} {str(value).lower()}" for name, value in component.answers.items())
        lines += f"  answers: {told}\n"
    lines += f"  met: {{{{ ({met}) | to_json }}}}\n"
    chart, written = component.chart, None
    if chart is not None:
        written = {
            "name": chart.name,
            "repository": chart.repository,
            "version": chart.version,
            "release": chart.release,
            "skip_crds": chart.skip_crds,
            "path": chart.path,
        }
    return f"{lines}  chart: {json.dumps(written)}\n"


def _rows(components: list[Component]) -> Iterator[str]:
    yield "| component | what it does | installed | version | chart | source of the version |\n"
    yield "|---|---|---|---|---|---|\n"
    for each in components:
        conditions = "".join(f", where {name} is {str(value).lower()}" for name, value in each.answers.items())
        chart = each.chart
        told = (
            (chart.app_version, f"{chart.name} {chart.version}", chart.source)
            if chart
            else (each.version, "", each.source)
        )
        cells = [f"[`{each.name}`]({each.name}/README.md)", each.description, each.install + conditions, *told]
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


if __name__ == "__main__":
    sys.exit(main())
