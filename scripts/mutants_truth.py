"""Put mutants in front of a real control plane: what it refuses while the check is green is a miss.

    mutants_truth.py run [--sample 1000] [--seed 1] [--shard 1/4] [--world NAME ...] [--area AREA ...]
    mutants_truth.py report [--write] [--misses]

The mutants are those of scripts/mutants.py, of what Kustomize renders. The objects that a mutant changes are applied to
kube-apiserver as a dry run, with the definitions, namespaces and admission policies of the unchanged repository in
force. Where it refuses one, the check is asked too; what it said in build/mutants is taken where it is there. Results
are JSON lines in build/truth/; what is there is not done again, so a run that was ended goes on, and shards merge.

`make rehearsal-tools` builds the programs; without them, `run` says so and ends with 0.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests import repositories
from tests.mutants.judging import is_rendered
from tests.mutants.table import Line, read
from tests.mutants.truth import Verdict, confronted, truth_of
from tests.mutants.worlds import WORLDS, area, made_of

from modelyard.findings import UserError
from modelyard.rehearsal.control_plane import programs
from mutants import KEPT, new_bench, worlds_folder

PROJECT = Path(__file__).parents[1]
FOUND = PROJECT / "build" / "truth"
TABLE = PROJECT / "docs" / "mutants.md"
_BEGIN, _END = "<!-- truth -->", "<!-- /truth -->"


def main() -> int:
    """Run mutants, or print what is known of them; return 1 where there is a miss."""
    options = _options()
    if options.verb == "run":
        try:
            programs()
        except UserError as error:
            print(f"skipped: {error.message}; `make rehearsal-tools` builds it")
            return 0
        _run(options)
        if not options.report:
            return 0
    lines = read(sorted(FOUND.glob("*.jsonl")))
    print("\n".join(written(lines)))
    missed = [line for line in lines if line["verdict"] == Verdict.MISS]
    for line in missed if options.verb == "run" or options.misses else ():
        change = f"{line['old']!r:.40} -> {line['new']!r:.40}"
        print(f"{line['file']}:{line['line']} {line['field']}: {line['family']}, {change}: {line['refused'][0]}")
    if options.verb == "run" or options.write:
        text = TABLE.read_text()
        before, _, rest = text.partition(_BEGIN)
        after = rest.partition(_END)[2]
        dated = f"{datetime.now(UTC).date().isoformat()}, {len(lines)} mutants."
        TABLE.write_text("\n".join([f"{before}{_BEGIN}", dated, "", *written(lines), f"{_END}{after}"]))
    return int(bool(missed))


def written(lines: Sequence[Line]) -> Iterator[str]:
    """Yield the table, in Markdown."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for line in lines:
        for name in (area(line["file"]), "all"):
            counts[name][line["verdict"]] += 1
    yield f"| area | {' | '.join(Verdict)} |"
    yield f"|---|{'---:|' * len(Verdict)}"
    for name in (*sorted(counts.keys() - {"all"}), "all"):
        yield f"| {name} | {' | '.join(str(counts[name][each]) for each in Verdict)} |"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run", help="ask the server about mutants")
    run.add_argument("--seed", type=int, default=1)
    run.add_argument("--sample", type=int, default=1000, help="how many of each world, over all shards; 0 for all")
    run.add_argument("--shard", default="1/1", help="number of this part and of all parts")
    run.add_argument("--world", action="append", choices=repositories.names(), default=[])
    run.add_argument("--area", action="append", default=[], help="only files of areas that begin so")
    run.add_argument("--report", action="store_true", help="then write the table, and exit 1 where there is a miss")
    report = verbs.add_parser("report", help="print the table")
    report.add_argument("--misses", action="store_true", help="list the misses as well")
    report.add_argument("--write", action="store_true", help="write the table into docs/mutants.md")
    return parser.parse_args()


def _run(options: argparse.Namespace) -> None:
    part, parts = (int(each) for each in options.shard.split("/"))
    FOUND.mkdir(parents=True, exist_ok=True)
    done = {line["id"] for line in read(sorted(FOUND.glob("*.jsonl")))}
    checked = {line["id"]: line for line in read(sorted(KEPT.glob("*.jsonl")))}
    bases = repositories.Bases(worlds_folder())
    for world in options.world or WORLDS:
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="modelyard-truth-") as scratch:
            bench = new_bench(bases[world], Path(scratch))
            texts = bench.texts
            chosen = [
                each
                for each in made_of(bench, options.seed)
                if is_rendered(each, bench)
                and (not options.area or area(each.leaf.file).startswith(tuple(options.area)))
            ][: options.sample or None][part - 1 :: parts]
            wanted = [(name, each) for each in chosen if (name := each.identity(texts)) not in done]
            print(f"{world}, seed {options.seed}: {len(chosen)} mutants, {len(wanted)} not done yet", flush=True)
            with truth_of(bench) as truth, (FOUND / f"{world}-{part}.jsonl").open("a") as output:
                for each in truth.unchanged:
                    print(f"refused of the unchanged repository, and left aside: {each}", flush=True)
                for name, mutant in wanted:
                    line = confronted(mutant, bench, truth, texts, checked.get(name))
                    output.write(json.dumps({**line, "id": name, "world": world}) + "\n")
                    output.flush()
            bench.close()
        done |= {name for name, _ in wanted}
        print(f"{len(wanted)} mutants in {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
