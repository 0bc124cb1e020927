"""Kill every verb that writes before changes of the disk, and see that the next command finds the old or the new.

Each run is a process of its own, which is killed before the n-th file that it opens for writing, rename, removal,
folder or process that it starts; every other run takes the process that makes the renames along, as a machine that
stops does. Which n are tried follows from the seed. Afterwards the next command runs, and the whole tree is compared:
nothing may be left of the attempt, neither in the repository nor beside it.

    python scripts/kills.py [--kills 1000] [--seed 1] [--verb NAME ...]
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import importlib
import os
import pkgutil
import random
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.kills import in_a_process, kill_before

import modelyard
from kill_worlds import Worlds, command, git
from modelyard.tooling.directories import data

_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER: what a killed process leaves running is waited for here
_NOT_COMPARED = (".git", "state", "cache", "home")


@dataclass(frozen=True)
class Verb:
    """One verb that writes.

    Attributes:
        name: Its name in the table.
        words: Its command line, run in the folder `repository`.
        base: Makes the world that it runs in.
        again: The next command; the same one where only that clears what it left.
        once: Whether the next command is refused where everything was made; nothing is left for it to do then.
    """

    name: str
    words: tuple[str, ...]
    base: str = "models"
    again: tuple[str, ...] = ("env", "list")
    once: bool = False


_AT = ("--env", "dev", "--no-check")
_LOAD = ("--rate", "6", "--prompt", "1500", "--output", "300")
_ASKED = ("chat", *_AT, "--ttft", "800ms", "--itl", "30ms", *_LOAD)

VERBS = (
    Verb("model set", ("model", "set", "chat", "replicas=3", *_AT)),
    Verb("model add", ("model", "add", "Qwen/Qwen3-8B", *_AT, "--defaults")),
    Verb("model rename", ("model", "rename", "chat", "talk", *_AT)),
    Verb("model remove", ("model", "remove", "chat", *_AT)),
    Verb("feature on", ("feature", "on", "chat", "spread-zones", *_AT)),
    Verb("feature off", ("feature", "off", "chat", "spread-zones", *_AT), base="served"),
    Verb("import", ("import", "../values.yaml", *_AT)),
    Verb("plan --apply", ("plan", *_ASKED, "--apply", "1")),
    Verb("plan --from-bench", ("plan", "chat", *_AT, "--from-bench", "../bench.json", "--device", "L4")),
    Verb("fit --from-log", ("fit", "--from-log", "../start.log", "--device", "L4"), base="served"),
    Verb("promote", ("promote", "dev", "prod", "--no-check"), base="environments"),
    Verb("env sync", ("env", "sync", "dev", "--outputs", "../outputs.json"), base="environments"),
    Verb("env remove", ("env", "remove", "dev", "--yes"), once=True),
    Verb("catalog add", ("catalog", "add", "acme/chat-7b", "--config", "../config.json")),
    Verb("check --fix", ("check", "--fix", "--unsafe", "--no-cache"), base="fixable", again=()),
    Verb("baseline", ("check", "--write-baseline", "--baseline", "../baseline.json"), base="fixable", again=()),
    Verb("check -f", ("check", "--format", "sarif=../report.sarif"), base="fixable", again=()),
    Verb("diff -f", ("diff", "HEAD", "--format", "markdown=../diff.md"), base="served", again=()),
    Verb("report", ("report", "-o", "../report.html"), base="fixable", again=()),
    Verb("fetch", ("fetch",), base="charts", again=("fetch",)),
    Verb("env add", ("env", "add", "prod", "--defaults"), base="template"),
    Verb("update", ("update", "--defaults", "--no-check"), base="template", again=("update", "--dry-run")),
    Verb(
        "new",
        ("new", "../other", "--template", "../template", "--env", "dev", "--defaults"),
        base="template",
        again=(),
        once=True,
    ),
)


def main(kills: int, seed: int, names: Sequence[str]) -> int:
    """Kill the verbs and print a table; return 1 when one left something else than the old or the new."""
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    for name in [name for name in os.environ if name.startswith("GIT_") or name.lower().endswith("_proxy")]:
        del os.environ[name]
    os.environ["MODELYARD_DATA_DIR"] = str(data())  # the installed tools, whatever HOME says later
    for module in pkgutil.walk_packages(modelyard.__path__, "modelyard."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)  # each run is a copy of this process, and has them already
    gc.freeze()
    chosen = [verb for verb in VERBS if not names or verb.name in names]
    faults: list[str] = []
    print(f"seed {seed}\n{'verb':<18}{'changes':>8}{'kills':>7}{'old':>6}{'new':>6}{'faults':>8}")
    total = 0
    with tempfile.TemporaryDirectory(prefix="modelyard-kills-") as scratch:
        worlds = Worlds(Path(scratch).resolve())
        for position, verb in enumerate(chosen):
            share = kills // len(chosen) + (position < kills % len(chosen))
            counts, changes, found = killed(verb, worlds, share, random.Random(f"{seed} {verb.name}"))  # noqa: S311 - no secret
            faults += found
            total += share
            row = f"{verb.name:<18}{changes:>8}{share:>7}{counts['old']:>6}{counts['new']:>6}{len(found):>8}"
            print(row, flush=True)
    print(f"{total} kills, {len(faults)} faults", *faults, sep="\n")
    return int(bool(faults))


def killed(verb: Verb, worlds: Worlds, kills: int, chance: random.Random) -> tuple[Counter[str], int, list[str]]:
    """Kill one verb so many times, and return how it ended, how many changes it makes, and what is wrong."""
    base = worlds.base(verb.base)
    again = verb.again or verb.words
    started = _snapshot(base)
    with worlds.fresh(base) as world:
        old = _snapshot(world)
        counted = world.parent / "counted"
        if code := in_a_process(lambda: _counting(verb.words, world, counted)):
            raise SystemExit(f"`modelyard {' '.join(verb.words)}` ends with {code}")
        changes = int(counted.read_text())
        new = _snapshot(world)
    points = chance.sample(range(1, changes + 1), min(kills, changes))
    points += [chance.randint(1, changes) for _ in range(kills - len(points))]
    counts: Counter[str] = Counter()
    faults = []
    for number, point in enumerate(points):
        with worlds.fresh(base) as world:

            def fatal(world: Path = world, point: int = point, number: int = number) -> None:
                kill_before(point, with_children=bool(number % 2))
                command(verb.words, world)

            code = in_a_process(fatal)
            _wait_for_orphans()
            next_code = in_a_process(partial(command, again, world))
            after = _snapshot(world)
            where = f"{verb.name}, before change {point}{', with its children' if number % 2 else ''}"
            ended = "new" if after == new else "old" if after == old else ""
            counts[ended] += 1
            if code not in (0, 128 + signal.SIGKILL):
                faults.append(f"{where}: ended with {code}")
            if next_code and not (verb.once and ended == "new"):
                faults.append(f"{where}: the next command ends with {next_code}")
            if not ended:
                differs = sorted(
                    path for path in {*after, *new, *old} if after.get(path) not in (old.get(path), new.get(path))
                )
                extra = sorted(set(after) - set(old) - set(new))
                faults.append(f"{where}: neither old nor new: {(differs or extra or ['a mixture'])[:5]}")
            left = [path.name for path in (world / "state").glob("edits/*") if path.suffix != ".lock"]
            if left:
                faults.append(f"{where}: {left} is left")
    if _snapshot(base) != started:
        faults.append(f"{verb.name}: a file of the world that it was copied from was changed in its place")
    return counts, changes, faults


def _counting(words: tuple[str, ...], world: Path, counted: Path) -> None:
    count = kill_before(0)
    try:
        command(words, world)
    finally:
        counted.write_text(str(count()))


def _wait_for_orphans() -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()


def _snapshot(world: Path) -> dict[str, bytes]:
    """Return the content of every file, and of each repository in Git its branch's tree and state."""
    found = {}
    for path in sorted(world.rglob("*")):
        relative = path.relative_to(world)
        if path.is_file() and not any(part in _NOT_COMPARED for part in relative.parts):
            found[relative.as_posix()] = path.read_bytes()
    for repository in (world / "repository", world / "other"):
        if (repository / ".git").exists():
            tree = git(repository, "rev-parse", "--verify", "-q", "HEAD^{tree}")
            found[f"{repository.name}: tree"] = tree + git(repository, "status", "--porcelain")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--verb", action="append", default=[])
    given = parser.parse_args()
    raise SystemExit(main(given.kills, given.seed, given.verb))
