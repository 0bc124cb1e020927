"""Let mutants live on a real control plane: what gets no node, or is never healthy, while the check is green is a miss.

    mutants_live.py run [--level schedule] [--sample 100] [--seed 1] [--shard 1/4] [--world NAME ...] [--area AREA ...]
    mutants_live.py report [--level schedule] [--write] [--misses] [--alarms]

At level `schedule` the mutants are those of scripts/mutants.py in fields that decide where pods go: requests,
selectors, affinities, taints, pools and their limits, quotas. Kubernetes' controllers, its scheduler and Karpenter get
many of them at once, each as a copy with nodes of its own. At level `sync` they are those of Applications, projects,
waves and hooks, committed one after another to a repository that a real Argo CD follows. The check is asked about all
of them, so that what it refuses and they take is seen as well. Results are JSON lines in build/truth-schedule/ and
build/truth-sync/; what is there is not done again but for misses, so a run that was ended goes on.

`make rehearsal-tools` builds the programs; without them, `run` says so and ends with 0.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests import repositories
from tests.mutants.apart import deciding, is_about_places, is_pool, without_what_is_as_before
from tests.mutants.judging import judged
from tests.mutants.mutations import Mutant, applied
from tests.mutants.placed import UNCHANGED, placed
from tests.mutants.synced import follower, is_argo_cds
from tests.mutants.table import Line, read
from tests.mutants.truth import Asked, Verdict, verdict
from tests.mutants.workbench import Workbench
from tests.mutants.worlds import WORLDS, area, made_of

from generated import between
from modelyard.findings import UserError
from modelyard.rehearsal import argocd
from modelyard.rehearsal.control_plane import programs
from modelyard.rehearsal.controllers import PROGRAMS
from modelyard.tooling import require
from mutants import KEPT, new_bench, worlds_folder
from mutants_truth import written

PROJECT = Path(__file__).parents[1]
FOUND = PROJECT / "build"
TABLE = PROJECT / "docs" / "mutants.md"
LEVELS = ("schedule", "sync")
TOGETHER = 30
"""Mutants on one server: enough that starting it costs little, few enough that all get their nodes in a minute."""


def main() -> int:
    """Run mutants, or print what is known of them; return 1 where there is a miss."""
    options = _options()
    if options.verb == "run":
        try:
            programs()
            for name in (*PROGRAMS, *([argocd.PROGRAM] if options.level == "sync" else [])):
                require(name)
        except UserError as error:
            print(f"skipped: {error.message}; `make rehearsal-tools` builds it")
            return 0
        _run(options)
        if not options.report:
            return 0
    lines = read(sorted(_kept(options.level).glob("*.jsonl")))
    print("\n".join(written(lines)))
    for wanted, shown in (
        (Verdict.MISS, options.verb == "run" or options.misses),
        (Verdict.ONLY_CHECK, _alarms(options)),
    ):
        for line in (each for each in lines if shown and each["verdict"] == wanted):
            change = f"{line['old']!r:.40} -> {line['new']!r:.40}"
            said = line["refused"] or line["said"]
            print(
                f"{line['file']}:{line['line']} {line['field']}: {line['family']}, {change}: {said[0] if said else ''}"
            )
    if options.verb == "run" or options.write:
        dated = f"{datetime.now(UTC).date().isoformat()}, {len(lines)} mutants."
        TABLE.write_text(
            between(
                TABLE.read_text(),
                f"<!-- {options.level} -->",
                f"<!-- /{options.level} -->",
                "\n".join([dated, "", *written(lines)]),
            )
        )
    return int(any(line["verdict"] == Verdict.MISS for line in lines))


def _kept(level: str) -> Path:
    """Return where results of a level are kept."""
    return FOUND / f"truth-{level}"


def _alarms(options: argparse.Namespace) -> bool:
    return options.verb == "report" and bool(options.alarms)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run", help="let the scheduler and Karpenter place mutants, or Argo CD sync them")
    run.add_argument("--seed", type=int, default=1)
    run.add_argument("--sample", type=int, default=100, help="how many of each world, over all shards; 0 for all")
    run.add_argument("--shard", default="1/1", help="number of this part and of all parts")
    run.add_argument("--world", action="append", choices=repositories.names(), default=[])
    run.add_argument("--area", action="append", default=[], help="only files of areas that begin so")
    run.add_argument("--report", action="store_true", help="then write the table, and exit 1 where there is a miss")
    report = verbs.add_parser("report", help="print the table")
    report.add_argument("--misses", action="store_true", help="list the misses as well")
    report.add_argument("--alarms", action="store_true", help="list what only the check refuses as well")
    for each in (run, report):
        each.add_argument("--level", choices=LEVELS, default=LEVELS[0])
    report.add_argument("--write", action="store_true", help="write the table into docs/mutants.md")
    return parser.parse_args()


def _run(options: argparse.Namespace) -> None:
    part, parts = (int(each) for each in options.shard.split("/"))
    kept = _kept(options.level)
    kept.mkdir(parents=True, exist_ok=True)
    done = {line["id"] for line in read(sorted(kept.glob("*.jsonl"))) if line["verdict"] != Verdict.MISS}
    checked = {line["id"]: line for line in read(sorted(KEPT.glob("*.jsonl")))}
    bases = repositories.Bases(worlds_folder())
    is_meant, live = (is_about_places, _placed) if options.level == "schedule" else (is_argo_cds, _synced)
    for world in options.world or WORLDS:
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="modelyard-live-") as scratch:
            bench = new_bench(bases[world], Path(scratch))
            texts = bench.texts
            chosen = [
                each
                for each in made_of(bench, options.seed)
                if is_meant(each) and (not options.area or area(each.leaf.file).startswith(tuple(options.area)))
            ][: options.sample or None][part - 1 :: parts]
            wanted = [(name, each) for each in chosen if (name := each.identity(texts)) not in done]
            print(f"{world}, seed {options.seed}: {len(chosen)} mutants, {len(wanted)} not done yet", flush=True)
            with (kept / f"{world}-{part}.jsonl").open("a") as output:
                for line in live(wanted, bench, texts, checked):
                    output.write(json.dumps({**line, "world": world}) + "\n")
                    output.flush()
            bench.close()
        done |= {name for name, _ in wanted}
        print(f"{len(wanted)} mutants in {time.monotonic() - started:.0f} s", flush=True)


def _placed(
    wanted: Sequence[tuple[str, Mutant]], bench: Workbench, texts: Mapping[str, str], checked: Mapping[str, Line]
) -> Iterator[dict[str, Any]]:
    """Yield what becomes of mutants, batch by batch."""
    unchanged = bench.views_with({})[0]
    before = deciding(unchanged)
    pools = [each for each in before if is_pool(each)]
    batch: dict[str, tuple[str, Mutant]] = {}
    worlds = {UNCHANGED: before}
    views = [unchanged]
    for number, (name, mutant) in enumerate(wanted):
        found = bench.views_with(applied(mutant.edits, texts))
        changed = deciding(found[0]) if found else ()
        world = without_what_is_as_before(changed, before) if changed else ()
        if world:
            mark = f"m{number}"
            batch[mark], worlds[mark] = (name, mutant), world
            if [each for each in world if is_pool(each)] != pools:
                views.append(found[0])
        else:
            yield _line(name, mutant, bench, texts, checked, Asked(0))
        if len(batch) == TOGETHER:
            yield from _batch(batch, worlds, views, bench, texts, checked)
            batch, worlds, views = {}, {UNCHANGED: before}, [unchanged]
    if batch:
        yield from _batch(batch, worlds, views, bench, texts, checked)


def _batch(
    batch: Mapping[str, tuple[str, Mutant]],
    worlds: Mapping[str, Any],
    views: Sequence[Any],
    bench: Workbench,
    texts: Mapping[str, str],
    checked: Mapping[str, Line],
) -> Iterator[dict[str, Any]]:
    started = time.monotonic()
    asked = placed(worlds, views)
    print(f"{len(batch)} mutants placed in {time.monotonic() - started:.0f} s", flush=True)
    for each in asked.get(UNCHANGED, Asked(0)).refusals:
        print(f"Pending in the unchanged repository, and left aside: {each}", flush=True)
    for mark, (name, mutant) in batch.items():
        if mark in asked:
            yield _line(name, mutant, bench, texts, checked, asked[mark])
        else:
            print(f"undecided, and left for another run: {mutant.leaf.field}, {mutant.family}", flush=True)


def _synced(
    wanted: Sequence[tuple[str, Mutant]], bench: Workbench, texts: Mapping[str, str], checked: Mapping[str, Line]
) -> Iterator[dict[str, Any]]:
    """Yield what becomes of mutants, one after another; Argo CD is started anew where one leaves something behind."""
    left = list(wanted)
    while left:
        with follower(bench) as argo_cd:
            is_well = True
            while left and is_well:
                name, mutant = left.pop(0)
                started = time.monotonic()
                asked = argo_cd.asked(mutant)
                if asked is not None:
                    line = _line(name, mutant, bench, texts, checked, asked)
                    is_well = not asked.refusals or argo_cd.is_well()
                    if line["verdict"] == Verdict.MISS and is_well:  # what another left behind is no word on this one
                        line = _line(name, mutant, bench, texts, {name: line}, argo_cd.asked(mutant) or asked)
                        is_well = argo_cd.is_well()
                    yield line
                print(f"{mutant.leaf.field}, {mutant.family}: {time.monotonic() - started:.0f} s", flush=True)


def _line(
    name: str,
    mutant: Mutant,
    bench: Workbench,
    texts: Mapping[str, str],
    checked: Mapping[str, Line],
    asked: Asked,
) -> dict[str, Any]:
    line = checked.get(name) or judged(mutant, bench, texts)
    return {
        **line,
        "asked": asked.count,
        "refused": list(asked.refusals[:3]),
        "verdict": str(verdict(line, asked)),
        "id": name,
    }


if __name__ == "__main__":
    sys.exit(main())
