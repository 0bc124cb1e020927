"""Print what a check says of repositories that the template did not make, one row each.

Run `python scripts/foreign_table.py FOLDER...` on clones; nothing in them is written. A row tells the exit code, how
many Applications, resources, errors and warnings there are, and how many things were not checked; below it, errors by
rule and what was not seen. `--json` prints the same as JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from modelyard.checking import CheckOptions, check
from modelyard.findings import Severity, UserError

_MOST = 12
# What a gap of coverage begins with: what nobody read, whatever rules say of the rest.
_UNSEEN = ("no Application that was read", "another repository", "is not applied here", "its Applications are made")


def row(folder: Path) -> dict[str, Any]:
    """Return what a check says of one repository."""
    started = time.monotonic()
    try:
        report = check(folder, CheckOptions(policies=False))
    except UserError as refused:
        return {"repository": folder.name, "code": int(refused.exit_code), "refused": refused.message}
    except Exception as fault:
        return {"repository": folder.name, "code": 4, "refused": f"{type(fault).__name__}: {fault}"}
    errors = Counter(each.rule for each in report.findings if each.severity == Severity.ERROR)
    return {
        "repository": folder.name,
        "code": int(report.exit_code(Severity.ERROR, strict=False)),
        "seconds": round(time.monotonic() - started, 1),
        "applications": report.applications,
        "resources": sum(each.resources for each in report.environments),
        "errors": sum(errors.values()),
        "warnings": report.count(Severity.WARNING),
        "not_checked": len(report.not_checked),
        "by_rule": dict(errors.most_common()),
        "not_seen": [
            f"{gap.subject} ({gap.reason})"
            for gap in report.not_checked
            if any(words in gap.reason for words in _UNSEEN)
        ],
    }


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--json", action="store_true", help="as JSON")
    given = parser.parse_args()
    rows = [row(folder) for folder in given.folders]
    if given.json:
        json.dump(rows, sys.stdout, indent=2)
        return 0
    print("| repository | exit | Applications / resources | errors | warnings | not checked |")
    print("|---|--:|--:|--:|--:|--:|")
    for each in rows:
        if "refused" in each:
            print(f"| {each['repository']} | {each['code']} | {each['refused']} | | | |")
            continue
        seen = f"{each['applications']} / {each['resources']}"
        counts = f"{each['errors']} | {each['warnings']} | {each['not_checked']}"
        print(f"| {each['repository']} | {each['code']} | {seen} | {counts} |")
    for each in rows:
        if each.get("by_rule") or each.get("not_seen"):
            print(f"\n{each['repository']}")
            for rule, count in each.get("by_rule", {}).items():
                print(f"  error {rule}: {count}")
            for gap in each.get("not_seen", [])[:_MOST]:
                print(f"  not seen: {gap}")
    return 1 if any(each["code"] == 4 for each in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
