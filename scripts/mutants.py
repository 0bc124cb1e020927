"""Change what a repository sets, one value at a time, and see whether the check notices.

    mutants.py run --sample 500 [--seed 1] [--shard 1/4] [--world NAME ...] [--area AREA ...]
    mutants.py report [--gaps] [--write] [FILE ...]

Mutants are made of the base repositories of tests/repositories: for each value that a check of them reads, what a slip
of the hand, a wrong unit or a copy from elsewhere makes of it. Each field and kind of mistake comes once before any
comes a second time. Results are JSON lines in build/mutants/; what is there is not done again, so a run that was ended
goes on, and shards of several machines merge in one folder. docs/mutants.md explains the table.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests import repositories
from tests.mutants.judging import judged
from tests.mutants.mutations import Mutant
from tests.mutants.table import RATCHET, Line, gaps, owned, read, written
from tests.mutants.workbench import Workbench
from tests.mutants.worlds import WORLDS, area, made_of, order

from generated import between

PROJECT = Path(__file__).parents[1]
KEPT = PROJECT / "build" / "mutants"
TABLE = PROJECT / "docs" / "mutants.md"
_BEGIN, _END = "<!-- table -->", "<!-- /table -->"


def main() -> int:
    """Run mutants, or print what is known of them; return 1 when the check crashed on one."""
    options = _options()
    if options.verb == "run":
        _run(options)
        return 0
    lines = read(options.files or sorted(KEPT.glob("*.jsonl")))
    table = list(written(lines))
    print("\n".join(table))
    if options.gaps:
        print("", *gaps(lines), sep="\n")
    if options.write:
        TABLE.write_text(between(TABLE.read_text(), _BEGIN, _END, "\n".join(table)))
        _write_ratchet(lines)
    crashed = [line for line in lines if line["outcome"] == "crashed"]
    for line in crashed:
        print(f"the check crashed: {line['file']}:{line['line']} {line['old']!r} -> {line['new']!r}: {line['said']}")
    return int(bool(crashed))


def _write_ratchet(lines: Sequence[Line]) -> None:
    """Add what is owned to what was, and take out, with a word, what survives now."""
    survived = {f"{line['field']} | {line['family']}" for line in lines if line["outcome"] in ("survived", "crashed")}
    before = set(RATCHET.read_text().splitlines())
    for worse in sorted(before & survived):
        print(f"no longer owned: {worse}")
    RATCHET.write_text("".join(f"{line}\n" for line in sorted((before - survived) | set(owned(lines)))))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run", help="check mutants")
    run.add_argument("--seed", type=int, default=1)
    run.add_argument("--sample", type=int, default=0, help="how many, over all shards; 0 for all")
    run.add_argument("--shard", default="1/1", help="number of this part and of all parts")
    run.add_argument("--world", action="append", choices=repositories.names(), default=[])
    run.add_argument("--area", action="append", default=[], help="only files of areas that begin so")
    run.add_argument("--again", action="store_true", help="try what survived once more, as after a new rule")
    run.add_argument("--jobs", type=int, default=multiprocessing.cpu_count())
    report = verbs.add_parser("report", help="print the table")
    report.add_argument("files", nargs="*", type=Path)
    report.add_argument("--gaps", action="store_true", help="list the gaps as well")
    report.add_argument(
        "--write", action="store_true", help="write the table into docs/mutants.md, and what has to stay owned"
    )
    return parser.parse_args()


def _run(options: argparse.Namespace) -> None:
    started = time.monotonic()
    again = _forget_survivors() if options.again else {}
    worlds = options.world or [each for each in WORLDS if not options.again or each in again.values()]
    part, parts = (int(each) for each in options.shard.split("/"))
    KEPT.mkdir(parents=True, exist_ok=True)
    bases = repositories.Bases(worlds_folder())
    texts: dict[str, dict[str, str]] = {}
    known: dict[str, tuple[str, Mutant]] = {}
    with tempfile.TemporaryDirectory(prefix="modelyard-mutants-") as scratch:
        for world in worlds:
            bench = new_bench(bases[world], Path(scratch) / world)
            texts[world] = bench.texts
            for mutant in made_of(bench, options.seed):
                if not options.area or area(mutant.leaf.file).startswith(tuple(options.area)):
                    known.setdefault(mutant.identity(texts[world]), (world, mutant))
            bench.close()
    identities = {id(mutant): (identity, world) for identity, (world, mutant) in known.items()}
    chosen = order([mutant for _, mutant in known.values()], options.seed)[: options.sample or None][part - 1 :: parts]
    if options.again:
        chosen = [mutant for identity, (_, mutant) in known.items() if identity in again]
        print(f"{len(again) - len(chosen)} of {len(again)} survivors are no mutants of today's files", flush=True)
    done = {line["id"] for line in read(sorted(KEPT.glob("*.jsonl")))}
    wanted: dict[str, list[tuple[str, Mutant]]] = defaultdict(list)
    for mutant in chosen:
        identity, world = identities[id(mutant)]
        if identity not in done:
            wanted[world].append((identity, mutant))
    count = sum(len(each) for each in wanted.values())
    print(f"seed {options.seed}, {len(known)} mutants, {len(chosen)} of them here, {count} not done yet", flush=True)
    jobs = [
        multiprocessing.get_context("fork").Process(
            target=_worker, args=(world, bases[world], mutants[number :: options.jobs], number)
        )
        for world, mutants in wanted.items()
        for number in range(options.jobs)
    ]
    for first in range(0, len(jobs), options.jobs):
        together = jobs[first : first + options.jobs]
        for job in together:
            job.start()
        for job in together:
            job.join()
            if job.exitcode:
                raise SystemExit(f"a worker ended with {job.exitcode}")
    print(f"{count} mutants in {time.monotonic() - started:.0f} s", flush=True)


def _forget_survivors() -> dict[str, str]:
    """Take what survived out of the results, and return which mutants of which repositories it was."""
    forgotten: dict[str, str] = {}
    for path in KEPT.glob("*.jsonl"):
        kept = []
        for text in path.read_text().splitlines(keepends=True):
            line = json.loads(text)
            if line["outcome"] in ("survived", "crashed"):
                forgotten[line["id"]] = line["world"]
            else:
                kept.append(text)
        path.write_text("".join(kept))
    return forgotten


def _worker(world: str, base: Path, wanted: Sequence[tuple[str, Mutant]], number: int) -> None:
    if not wanted:
        return
    with tempfile.TemporaryDirectory(prefix="modelyard-mutants-") as scratch:
        bench = new_bench(base, Path(scratch))
        texts = bench.texts
        with (KEPT / f"{world}-{number}.jsonl").open("a") as output:
            for identity, mutant in wanted:
                output.write(json.dumps({"id": identity, "world": world, **judged(mutant, bench, texts)}) + "\n")
                output.flush()
        bench.close()


def new_bench(base: Path, scratch: Path) -> Workbench:
    """Return what checks a copy of a repository, in a folder for this alone."""
    shutil.copytree(base, scratch / "repository", symlinks=True)
    return Workbench(scratch / "repository", scratch / "rendered")


def worlds_folder() -> Path:
    """Return where the base repositories lie that today's template writes."""
    return KEPT / f"worlds-{_template()}"


def _template() -> str:
    """Return what repositories are made of, in one name: the committed trees of the template."""
    trees = [
        f"HEAD:{name}"
        for name in ("template", "bases", "images", "overlays", "terraform", "copier.yml", "tests/repositories")
    ]
    words = ["git", "rev-parse", *trees]
    answer = subprocess.run(words, cwd=PROJECT, check=True, capture_output=True)
    return hashlib.sha256(answer.stdout).hexdigest()[:12]


if __name__ == "__main__":
    sys.exit(main())
