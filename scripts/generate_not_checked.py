"""Write docs/reference/not-checked.md, every reason for which a check says "not checked", from the code that says it.

    python scripts/generate_not_checked.py [--check]

Each place that makes a `NotChecked` is a line: who says it, of what, and why. What is only known when it runs stands
as `…`. The programs that a check may lack come from `modelyard.tooling`.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from generated import keep
from modelyard.tooling import pins

PROJECT = Path(__file__).resolve().parents[1]
PACKAGE = PROJECT / "src" / "modelyard"
PAGE = PROJECT / "docs" / "reference" / "not-checked.md"
WORKED_OUT = "…"
LAYERS = {
    "checking": "Reading and rendering",
    "rendering": "Reading and rendering",
    "policies": "Reading and rendering",
    "schemas": "Reading and rendering",
    "rules": "Rules",
    "diffing": "`modelyard diff`",
    "rehearsal": "`modelyard rehearse`",
}
INTRODUCTION = """<!-- Written by scripts/generate_not_checked.py from the code; edit the code, not this file. -->

# What a green check does not cover

A check is green where it found nothing **and** names what it could not look at. Three kinds of things are outside it:

1. **What no file shows**: capacity of EC2, values of secrets, quality of answers.
   [What lies outside](../what-a-green-check-means.md#what-lies-outside) lists them, with where each shows instead.
2. **What a check could not decide**: a fact was missing. It is printed as "not checked", and fails with `--strict`.
   Every reason that the code can give stands below; `…` is filled in when it runs.
3. **What `fit` estimates**: [with margins](../what-a-green-check-means.md#what-fit-does-not-know), and "unsure" within
   them.

A gap that the team accepts stands under `accepted-gaps` of `modelyard.yaml`, with a reason and a last day.
"""


def text_of(node: ast.expr) -> str:
    """Return a text of the code as people read it, with `…` for what is worked out when it runs."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = (part.value if isinstance(part, ast.Constant) else WORKED_OUT for part in node.values)
        return "".join(str(part) for part in parts)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return text_of(node.left) + text_of(node.right)
    return WORKED_OUT


def gaps() -> Iterator[tuple[str, str, str, str]]:
    """Yield layer, sayer, subject and reason of every place of the code that says that something was not checked."""
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE)
        if place.parts[0] not in LAYERS:
            continue
        sayer = ""
        if place.parts[0] == "rules" and len(place.parts) == 4:
            rule = f"{place.parts[1]}/{place.parts[2].replace('_', '-')}"
            sayer = f"[{rule}](../../src/modelyard/rules/{place.parts[1]}/{place.parts[2]}/rule.md)"
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "NotChecked":
                if any(isinstance(each, ast.Starred) for each in node.args):
                    continue  # one that was kept, read back
                arguments = dict(zip(("subject", "reason"), node.args, strict=False))
                arguments |= {each.arg: each.value for each in node.keywords if each.arg}
                if "reason" not in arguments:
                    continue  # one that was said before, and is read from a cache
                subject, reason = (text_of(arguments[name]) for name in ("subject", "reason"))
                yield LAYERS[place.parts[0]], sayer, subject, reason


def page() -> str:
    """Return the text of the page."""
    lines = [INTRODUCTION, "## Programs that may be missing", "", "| program | without it |", "|---|---|"]
    lines += [f"| `{each.name}` | {each.without} |" for each in pins() if each.without]
    found = list(gaps())
    for layer in dict.fromkeys(LAYERS.values()):
        told = sorted(
            {
                each[1:]
                for each in found
                if each[0] == layer and each[2].strip(WORKED_OUT + " ") + each[3].strip(WORKED_OUT + " ")
            }
        )
        if not told:
            continue
        with_sayer = layer == "Rules"
        lines += ["", f"## {layer}", ""]
        lines += ["| rule | of | because |", "|---|---|---|"] if with_sayer else ["| of | because |", "|---|---|"]
        for sayer, *cells in told:
            shown = [_cell(cell) for cell in cells]
            lines.append(f"| {' | '.join([sayer or 'several rules', *shown] if with_sayer else shown)} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    text = re.sub(f"{WORKED_OUT}+", WORKED_OUT, text)
    return (
        "told when it runs"
        if text == WORKED_OUT
        else text.replace("|", "\\|").replace("<", "&lt;").replace("[", "\\[").replace("\n", " ").strip()
    )


def main() -> int:
    """Write the page, or say that it is not current."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the page is not current")
    return keep(PAGE, page(), check=parser.parse_args().check, remedy="python scripts/generate_not_checked.py")


if __name__ == "__main__":
    sys.exit(main())
