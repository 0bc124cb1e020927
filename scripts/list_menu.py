"""Write the tables of ready models, of features and of engines from what each says about itself.

Usage: python scripts/list_menu.py [--check]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from modelyard.catalog import EngineBase, Feature, engine_base_from_mapping, feature_from_mapping

ROOT = Path(__file__).parents[1]
OVERLAYS = Path("overlays/README.md")
FEATURES = Path("bases/features/README.md")
ENGINES = Path("bases/serving/README.md")
CAPABILITIES = Path("bases/serving/capabilities.yaml")

_OVERLAYS = """# Ready models

One folder per model, engine and accelerator. An environment takes one under a name of its own
(`environments/<env>/models/<name>/kustomization.yaml`), adds features and sizes, and leaves the folder as it is.

"""
_FEATURES = """# Features

Kustomize Components that a model may switch on, each named under `components:` of the model's kustomization, before
`versions`. A feature is for the engines that provide what it requires (`bases/serving/README.md`). What it needs is a
platform component or another feature; what it excludes cannot be on beside it.

"""
_ENGINES = """# Engines

One folder per engine and kind of device, on which overlays build. What an engine provides and what a feature requires
decide which features a model on it may have: nothing else names the pairs.

"""
_CAPABILITIES = """
What an engine may provide, from `capabilities.yaml`. A feature may also require a kind of device, or an image by its
name.

"""


def main() -> int:
    """Write the tables, or with `--check` tell which one is old."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, and fail when a table is old")
    arguments = parser.parse_args()
    old = [
        path for path, text in pages(ROOT).items() if not (ROOT / path).exists() or (ROOT / path).read_text() != text
    ]
    for path in old:
        if arguments.check:
            print(f"{path} is old; run python scripts/list_menu.py", file=sys.stderr)
        else:
            (ROOT / path).write_text(pages(ROOT)[path])
    return 1 if old and arguments.check else 0


def pages(root: Path) -> dict[Path, str]:
    """Return the text of each page by its path below `root`."""
    overlays = [
        [
            f"`{name}`",
            fact["model"],
            f"{fact['devices']} {fact['accelerator']}" + (f" on {fact['nodes']} nodes" if "nodes" in fact else ""),
            fact["task"],
            fact["license"] + ("\\*" if "license" in fact["unverified"] else ""),
            ", ".join(f"`{feature}`" for feature in fact["requires"]) or "none",
        ]
        for name, fact in facts(root / "overlays", "overlay.yaml")
    ]
    engines = bases(root)
    known = {
        name: feature_from_mapping(name, fact, engines) for name, fact in facts(root / "bases/features", "feature.yaml")
    }
    features = [
        [
            f"`{name}`",
            fact["description"],
            ", ".join(known[name].engines),
            ", ".join(f"`{need}`" for need in fact["needs"]) or "none",
            ", ".join(f"`{other}`" for other in fact["excludes"]) or "none",
        ]
        for name, fact in facts(root / "bases" / "features", "feature.yaml")
    ]
    assumed = "".join(
        f"- `{name}`: {sentence}.\n"
        for name, fact in facts(root / "bases" / "features", "feature.yaml")
        for sentence in fact.get("assumes", ())
    )
    open_questions = "".join(
        f"- `{name}`: {sentence}.\n"
        for name, fact in facts(root / "overlays", "overlay.yaml")
        for sentence in overlay_conditions(fact)
    )
    return {
        OVERLAYS: _OVERLAYS
        + table(["overlay", "model", "devices", "task", "licence", "needs"], overlays)
        + "\n\\* Licence unverified: check the model card.\n"
        + (f"\nPrerequisites in the environment:\n\n{open_questions}" if open_questions else ""),
        FEATURES: _FEATURES
        + table(["feature", "what it does", "engines", "needs", "excludes"], features)
        + (f"\nPrerequisites outside this repository:\n\n{assumed}" if assumed else ""),
        ENGINES: _ENGINES
        + table(["engine", "what it runs", "devices", "workload", "needs"], [*engine_rows(root)])
        + _CAPABILITIES
        + table(
            ["capability", "what it means", "engines", "features that require it"], [*capability_rows(root, known)]
        ),
    }


def bases(root: Path) -> dict[str, EngineBase]:
    """Return what each engine says of itself, by its folder."""
    return {name: engine_base_from_mapping(name, fact) for name, fact in facts(root / ENGINES.parent, "engine.yaml")}


def engine_rows(root: Path) -> Iterator[list[str]]:
    """Yield the rows of the table of engines."""
    for name, fact in facts(root / ENGINES.parent, "engine.yaml"):
        needs = ", ".join(f"`{need}`" for need in fact["needs"]) or "none"
        yield [f"[`{name}`]({name}/README.md)", fact["description"], fact["accelerator"], fact["workload"], needs]


def capability_rows(root: Path, features: Mapping[str, Feature]) -> Iterator[list[str]]:
    """Yield the rows of the table of capabilities: what each means, who provides it, and who requires it."""
    engines = bases(root)
    path = root / CAPABILITIES
    for name, meaning in (yaml.safe_load(path.read_text()) if path.exists() else {}).items():
        provide = [each for each in engines if name in engines[each].provides]
        require = [each for each in features if name in features[each].requires]
        yield [f"`{name}`", meaning, ", ".join(provide), ", ".join(f"`{each}`" for each in require) or "none"]


def overlay_conditions(fact: dict[str, Any]) -> Iterator[str]:
    """Yield what an overlay asks of an environment beside features, in sentences without a final stop."""
    if "karpenter-choice" in fact:
        yield f"The component `karpenter` of the environment takes the choice `{fact['karpenter-choice']}`"
    yield from fact.get("assumes", ())
    if "unsure" in fact:
        yield f"Whether it fits is not known: {fact['unsure']}"


def facts(folder: Path, file: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name and the description of each folder that has one."""
    for path in sorted(folder.glob(f"*/{file}")):
        yield path.parent.name, yaml.safe_load(path.read_text())


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
