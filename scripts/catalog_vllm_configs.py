"""Rebuild the record of what JSON flags of vLLM hold: keys, types, choices and limits of their dataclasses.

Usage: python scripts/catalog_vllm_configs.py [--check] [VERSION ...]
"""

from __future__ import annotations

import argparse
import ast
import json
import re
from pathlib import Path
from typing import Any

from catalog_vllm import CONNECTORS, VERSIONS, Sources, described, flags, wheel

TARGET = Path(__file__).resolve().parent.parent / "src/modelyard/catalog/data/engines/vllm-configs"
LIMITS = ("gt", "ge", "lt", "le")
# Kept by the engine for itself, though the constructor takes them.
_INTERNAL = re.compile(r"target_\w+_config|draft_(model|parallel)_config")
_ENUMS = ("Enum", "IntEnum", "StrEnum")


def record(version: str) -> str:
    """Return the text of a version's data file."""
    with wheel(version, None) as opened:
        sources = Sources(opened)
        enums = _enums(opened)
    by_name = {name.lower(): name for name in sources.classes}
    held = {
        flag: by_name[plain]
        for flag, entry in flags(sources).items()
        if entry["type"] == "json" and (plain := flag.replace("-", "")) in by_name
    }
    classes: dict[str, dict[str, Any]] = {}
    waiting = sorted(set(held.values()))
    while waiting:
        name = waiting.pop(0)
        if name in classes:
            continue
        classes[name] = {}
        for field, node in sorted(sources.fields(name).items()):
            entry = _field(sources, enums, field, node)
            if entry is not None:
                classes[name][field] = entry
                waiting += [entry["class"]] if "class" in entry else []
    if "kv_connector" in classes.get("KVTransferConfig", {}):
        classes["KVTransferConfig"]["kv_connector"]["known"] = _connectors(sources)
    source = f"vllm {version} (wheel): dataclasses of vllm/config; connectors: {CONNECTORS}"
    lines = [
        f' "source": {json.dumps(source)},',
        f' "flags": {json.dumps(dict(sorted(held.items())))},',
        ' "classes": {',
    ]
    for number, (name, fields) in enumerate(sorted(classes.items())):
        lines.append(f"  {json.dumps(name)}: {{")
        rows = [f"   {json.dumps(field)}: {json.dumps(entry)}" for field, entry in fields.items()]
        lines.append(",\n".join(rows))
        lines.append("  }" + ("," if number + 1 < len(classes) else ""))
    return "\n".join(["{", *lines, " }", "}"]) + "\n"


def _connectors(sources: Sources) -> list[str]:
    """Return the connectors that the engine registers by itself; a module of one's own may bring others."""
    return sorted(
        node.args[0].value
        for node in ast.walk(sources.trees[CONNECTORS])
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith("register_connector")
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    )


def _enums(opened: Any) -> dict[str, list[str]]:
    """Return the members of the enumerations that the dataclasses name, which lie in other modules too."""
    found: dict[str, list[str]] = {}
    places = re.compile(
        r"vllm/(config/\w+|v1/attention/backends/(registry|mla/prefill/registry)|attention/backends/registry)\.py"
    )
    for name in opened.namelist():
        for node in ast.parse(opened.read(name)).body if places.fullmatch(name) else ():
            if isinstance(node, ast.ClassDef) and any(
                ast.unparse(base).split(".")[-1] in _ENUMS for base in node.bases
            ):
                members = [
                    each.targets[0].id
                    for each in node.body
                    if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name)
                ]
                found[node.name] = [each for each in members if not each.startswith("_")]
    return found


def _field(sources: Sources, enums: dict[str, list[str]], name: str, node: ast.AnnAssign) -> dict[str, Any] | None:
    annotation = ast.unparse(node.annotation)
    if name.startswith("_") or annotation.startswith(("ClassVar", "InitVar")) or _INTERNAL.fullmatch(name):
        return None
    keywords = {}
    if isinstance(node.value, ast.Call):
        keywords = {word.arg: word.value for word in node.value.keywords}
        if "init" in keywords and ast.unparse(keywords["init"]) == "False":
            return None
    words = set(re.findall(r"[A-Za-z_]\w*", annotation))
    found: dict[str, Any] = {"type": described(sources, node, name)["type"]}
    if "Any" in words and found["type"] != "json":
        found["type"] = "any"
    entry = described(sources, node, name)
    if "known" in entry and found["type"] == "string":
        found["known"] = list(dict.fromkeys(entry["known"]))
    if "choices" in entry and found["type"] == "string":
        found["choices"] = list(dict.fromkeys(entry["choices"]))
    named = next((word for word in sorted(words) if word in enums), "")
    if named and not words & {"dict", "list", "str"}:
        found.update(type="name", choices=enums[named])
    nested = next((word for word in sorted(words) if word in sources.classes and word.endswith("Config")), "")
    if nested and not words & {"dict", "list", "str"}:
        found.update(type="json", **{"class": nested})
    for limit in LIMITS:
        bound = keywords.get(limit)
        if isinstance(bound, ast.Constant):
            found[limit] = bound.value
    return found


def main() -> int:
    """Write the records, or with --check say which differ; 1 then."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare only")
    parser.add_argument("versions", nargs="*", default=VERSIONS, metavar="VERSION")
    options = parser.parse_args()
    TARGET.mkdir(exist_ok=True)
    stale = []
    for version in options.versions:
        path, text = TARGET / f"{version}.json", record(version)
        if options.check and (not path.is_file() or path.read_text() != text):
            stale.append(path.name)
        elif not options.check:
            path.write_text(text)
    for name in stale:
        print(f"{name} is not what the wheel says")
    return 1 if stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
