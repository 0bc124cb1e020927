"""Write the catalogue's record of a chart version from the chart itself.

Usage: python scripts/catalog_chart.py --source SOURCE [--version VERSION] [--date DATE] [--read PATH=TYPE] CHART

CHART is a folder or an archive (.tgz). The record holds the paths of `values.yaml` with the type of each default;
a default that is empty, a list, and a mapping that the chart copies into a ConfigMap accept anything below them. A
value that the templates read and `values.yaml` leaves out or shows in a comment has no type; `--read` gives it one.
"""

from __future__ import annotations

import argparse
import json
import re
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

TARGET = Path(__file__).resolve().parent.parent / "src" / "modelyard" / "catalog" / "data" / "charts"
_READ = re.compile(r"\.Values\.([A-Za-z0-9_.]+)")
TYPES = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    list: "list",
    dict: "object",
    type(None): "null",
}


def chart_files(chart: Path) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Return `Chart.yaml` and `values.yaml` of a chart's folder or archive, and the text of its templates."""
    if chart.is_dir():
        texts = [(chart / name).read_text(encoding="utf-8") for name in ("Chart.yaml", "values.yaml")]
        templates = [path.read_text(encoding="utf-8") for path in (chart / "templates").rglob("*") if path.is_file()]
    else:
        with tarfile.open(chart) as archive:
            top = {name.count("/"): name for name in archive.getnames() if name.endswith("Chart.yaml")}
            folder = top[min(top)].removesuffix("Chart.yaml")
            inside = [each.name for each in archive.getmembers() if each.isfile()]
            names = [*(folder + name for name in ("Chart.yaml", "values.yaml"))]
            names += [name for name in inside if name.startswith(f"{folder}templates/")]
            members = [archive.extractfile(name) for name in names]
            texts = [member.read().decode("utf-8") if member else "" for member in members]
            templates = texts[2:]
    described, values = (yaml.safe_load(text) or {} for text in texts[:2])
    return described, values, "\n".join(templates)


def read_by_templates(templates: str, known: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each path that templates name and the defaults do not, with a type that accepts anything."""
    for path in sorted({found.rstrip(".") for found in _READ.findall(templates)}):
        steps = path.split(".")
        above = (".".join(steps[:length]) for length in range(1, len(steps)))
        if path not in known and not any(known.get(each, "").endswith("*") for each in above):
            yield path, "null*"


def keys(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Yield each path with its type, `*` behind those below which anything may stand."""
    for name, value in values.items():
        path = above + str(name).replace(".", "\\.")
        kind = TYPES.get(type(value), "string")
        free = value in (None, "", {}, []) or isinstance(value, list)
        if isinstance(value, dict) and any("." in str(key) for key in value):
            free = True  # keys with dots go into a ConfigMap, labels or annotations as they are
        yield path, kind + ("*" if free else "")
        if isinstance(value, dict):
            yield from keys(value, path + ".")


def record(chart: Path, source: str, version: str | None, date: str, read: Mapping[str, str]) -> tuple[str, str, str]:
    """Return the chart's name, its version and the text of its record."""
    described, values, templates = chart_files(chart)
    head: dict[str, Any] = {
        "chart": described["name"],
        "version": str(version or described["version"]),
        "source": source,
        "date": date,
    }
    listed = sorted({each.get("alias") or each["name"] for each in described.get("dependencies") or []})
    if listed:
        head["dependencies"] = listed
    if described.get("kubeVersion"):
        head["kube-version"] = described["kubeVersion"]
    if read:
        head["note"] = f"only the templates name {', '.join(sorted(read))}"
    defaults = dict(keys(values))
    every = {**dict(read_by_templates(templates, defaults)), **defaults, **read}
    lines = ",\n".join(f"  {json.dumps(path)}: {json.dumps(kind)}" for path, kind in sorted(every.items()))
    text = json.dumps(head, indent=1)[:-2] + ',\n "keys": {\n' + lines + "\n }\n}\n"
    return head["chart"], head["version"].removeprefix("v"), text


def main() -> None:
    """Write the record and print where."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chart", type=Path)
    parser.add_argument("--source", required=True, help="repository, commit and path, or the chart repository")
    parser.add_argument("--version", help="the published version, where Chart.yaml holds a placeholder")
    parser.add_argument("--date", default="", help="day of the commit or of the release")
    parser.add_argument("--read", action="append", default=[], metavar="PATH=TYPE", help="a value of the templates")
    parser.add_argument("--target", type=Path, default=TARGET, help="folder of the records")
    options = parser.parse_args()
    read = dict(each.split("=", 1) for each in options.read)
    name, version, text = record(options.chart, options.source, options.version, options.date, read)
    path = options.target / name / f"{version}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
