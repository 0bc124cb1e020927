"""The repositories that mutants are made of, and what of them the check reads."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from modelyard.findings import UserError
from tests.mutants.leaves import Leaf, leaves, terraform_leaves
from tests.mutants.mutations import Mutant, mutants
from tests.mutants.workbench import Workbench

WORLDS = ("all-gpu", "neuron", "multi-node", "other-engines", "auto-mode")
"""Base repositories that together have every engine, and the components and features that these need."""

_TERRAFORM = (".tf", ".tfvars")
_YAML = (".yaml", ".yml")


def world_leaves(texts: Mapping[str, str]) -> list[Leaf]:
    """Return what the files set that a check reads."""
    found: list[Leaf] = []
    for file in sorted(texts):
        if file.endswith(_YAML):
            try:
                found.extend(leaves(file, texts[file]))
            except UserError:
                continue  # a file that is no YAML, such as a template of a chart
        elif file.endswith(_TERRAFORM):
            found.extend(terraform_leaves(file, texts[file]))
    return found


def area(file: str) -> str:
    """Return the part of a repository that a file belongs to, for the table."""
    parts = PurePosixPath(file).parts
    if parts[0] == ".github":
        return "workflows"
    if parts[-1] in (".copier-answers.yml", "environment.yaml", "modelyard.yaml", "charts.lock"):
        return "answers and facts"
    if parts[-1] in ("values.yaml", "values.yml"):
        return "chart values"
    if parts[-1].endswith(_TERRAFORM):
        return "terraform"
    if parts[0] == "bases":
        return "/".join(parts[:2]) if parts[1] != "platform" else "/".join(parts[:3])
    if parts[0] == "environments":
        return f"environments/{parts[2]}" if len(parts) > 3 else "environments"
    return parts[0]


def order(made: Sequence[Mutant], seed: int) -> list[Mutant]:
    """Return mutants in the order in which they are tried: each field and family once before any a second time."""
    groups: dict[tuple[str, str], list[Mutant]] = defaultdict(list)
    for mutant in made:
        groups[mutant.leaf.field, mutant.family.value].append(mutant)
    chance = random.Random(f"order {seed}")  # noqa: S311 - a seed, no secret
    for group in groups.values():
        chance.shuffle(group)
    turns = sorted(groups)
    chance.shuffle(turns)
    found: list[Mutant] = []
    depth = 0
    while len(found) < len(made):
        found.extend(groups[turn][depth] for turn in turns if depth < len(groups[turn]))
        depth += 1
    return found


def unread(root: Path, texts: Mapping[str, str]) -> Iterator[str]:
    """Yield the files that could be mutated and that no check of this repository reads, such as features not in use."""
    for path in sorted(root.rglob("*")):
        file = path.relative_to(root).as_posix()
        if (
            path.suffix in (*_YAML, *_TERRAFORM)
            and path.is_file()
            and not file.startswith(".git/")
            and file not in texts
        ):
            yield file


def made_of(bench: Workbench, seed: int) -> list[Mutant]:
    """Return the mutants of a repository in the order in which they are tried."""
    texts = bench.texts
    return order(list(mutants(world_leaves(texts), texts, seed)), seed)
