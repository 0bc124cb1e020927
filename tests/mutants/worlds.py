"""The repositories that mutants are made of, and what of them the check reads."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
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
    """Return mutants in the order in which they are tried: each field and family once before any a second time.

    The order of two fields is that of digests, so that a field that is new moves no other.
    """
    groups: dict[tuple[str, str], list[Mutant]] = defaultdict(list)
    for mutant in made:
        groups[mutant.leaf.field, mutant.family.value].append(mutant)
    turns = sorted(groups, key=lambda turn: _digest(seed, *turn))
    for group in groups.values():
        group.sort(key=lambda mutant: _digest(seed, mutant.leaf.file, *(edit.text for edit in mutant.edits)))
    rounds = zip_longest(*(groups[turn] for turn in turns))
    return [mutant for round_ in rounds for mutant in round_ if mutant is not None]


def _digest(seed: int, *parts: str) -> bytes:
    return hashlib.sha256("\n".join((str(seed), *parts)).encode()).digest()


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
