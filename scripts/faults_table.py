#!/usr/bin/env python3
"""Makes every known mistake in a repository of the template, and prints who notices it.

By area, and by whether the mistake has a public source: how the check did, and how many each bare tool beside it
noticed where it could be run. With --write the outcomes become what tests/faults holds the check to, and what the bare
tools noticed is kept in tests/faults/noticed.yaml, from which later tables are printed without running them again.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

from tests.faults.bare_tools import NAMES, BareTools  # noqa: E402
from tests.faults.catalogue import NOTICED, RATCHET, Fault, faults, noticed, ratchet  # noqa: E402
from tests.faults.harness import ORDER, Judgement, Outcome, judge  # noqa: E402
from tests.repositories import Bases  # noqa: E402
from tests.repositories.copies import Copies  # noqa: E402

NOTICED_HEADER = "# What each bare tool noticed when it was last run on a mistake. Written by `make faults`.\n"
HEADER = (
    "# How the check does on each mistake that can be tried. Written by `make faults`; a test holds the check to it.\n"
)


def main() -> int:
    """Print the table; return 1 when a mistake is worse than before."""
    options = _options()
    wanted = [fault for fault in faults() if not options.area or fault.area in options.area]
    with tempfile.TemporaryDirectory(prefix="modelyard-faults-") as folder:
        copies = Copies(Bases(Path(folder) / "bases"), Path(folder) / "copies")
        judged: dict[str, Judgement] = {}
        found_by: dict[str, set[str]] = {}
        tools = BareTools(copies) if options.tools else None
        for fault in wanted:
            if not fault.is_tried:
                continue
            judged[fault.id] = judge(fault, copies)
            if options.verbose and judged[fault.id].outcome != Outcome.CAUGHT:
                print(judged[fault.id], file=sys.stderr)
            if tools:
                found_by[fault.id] = tools.noticing(fault)
    measured = {**noticed(), **{name: sorted(found) for name, found in found_by.items()}}
    _print_table(wanted, judged)
    _print_tools(wanted, measured, tools)
    before = ratchet() if RATCHET.is_file() else {}
    worse = [
        found
        for name, found in judged.items()
        if name in before and ORDER.index(found.outcome) > ORDER.index(Outcome(before[name]))
    ]
    for found in worse:
        print(f"worse than before ({before[found.fault.id]}): {found}", file=sys.stderr)
    if options.write:
        outcomes = {**before, **{name: found.outcome.value for name, found in judged.items()}}
        kept = [fault for fault in faults() if fault.is_tried and fault.id in outcomes]
        if tools:
            lines = (f"{each.id}: {measured[each.id]}\n" for each in faults() if each.is_tried and each.id in measured)
            NOTICED.write_text(NOTICED_HEADER + "".join(lines).replace("'", ""))
        RATCHET.write_text(HEADER + "".join(f"{fault.id}: {outcomes[fault.id]}\n" for fault in kept))
    return 1 if worse and not options.write else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--area", action="append", help="only this area; may be given again")
    parser.add_argument("--tools", action="store_true", help="run the bare tools as well")
    parser.add_argument("--verbose", action="store_true", help="print what was said of mistakes that were not caught")
    parser.add_argument("--write", action="store_true", help="write the outcomes down")
    return parser.parse_args()


def _print_table(wanted: Sequence[Fault], judged: dict[str, Judgement]) -> None:
    columns = [*(outcome.value for outcome in ORDER), "not yet", "excluded"]
    print(f"{'':15}" + "".join(f"{column:>12}" for column in columns) + f"{'all':>6}")
    groups = {
        area: [fault for fault in wanted if fault.area == area] for area in sorted({each.area for each in wanted})
    }
    groups["sourced"] = [fault for fault in wanted if fault.source]
    groups["unsourced"] = [fault for fault in wanted if not fault.source]
    groups["all"] = list(wanted)
    for name, members in groups.items():
        counts = Counter(_column(fault, judged) for fault in members)
        print(f"{name:15}" + "".join(f"{counts[column] or '·':>12}" for column in columns) + f"{len(members):>6}")
    tried = len(judged)
    caught = sum(found.outcome == Outcome.CAUGHT for found in judged.values())
    counted = sum(not fault.excluded for fault in wanted)
    if tried and counted:
        print(
            f"caught: {caught} of {tried} that can be tried ({caught / tried:.0%}), {caught / counted:.0%} of {counted}"
        )
    reasons = Counter(found.reason for found in judged.values() if found.outcome == Outcome.MISSED)
    print(f"of the missed, no rule looks for {reasons['no rule looks for it yet']} yet")
    for fault in wanted:
        if fault.excluded:
            print(f"excluded: {fault.id}: {fault.excluded}")
    for reason, count in Counter(fault.not_yet for fault in wanted if fault.not_yet).most_common():
        print(f"not yet: {count:2} {reason}")


def _column(fault: Fault, judged: dict[str, Judgement]) -> str:
    if fault.excluded:
        return "excluded"
    return judged[fault.id].outcome.value if fault.id in judged else "not yet"


def _print_tools(wanted: Sequence[Fault], measured: dict[str, list[str]], tools: BareTools | None) -> None:
    print()
    tried = [fault for fault in wanted if fault.is_tried]
    there = [fault for fault in tried if fault.id in measured]
    if tools is None:
        print("other tools: as they were last run (--tools runs them again)")
    elif any(tools.states.values()):
        print("not run: " + ", ".join(f"{name} ({state})" for name, state in tools.states.items() if state))
    print(f"other tools were run on {len(there)} of {len(tried)} mistakes")
    for name in NAMES:
        found = [fault.id for fault in there if name in measured[fault.id]]
        print(f"{name}: notices {len(found)} of {len(there)}: {', '.join(found) or 'none'}")
    seen = [fault.id for fault in there if measured[fault.id]]
    print(f"any of them: notices {len(seen)} of {len(there)}")


if __name__ == "__main__":
    sys.exit(main())
