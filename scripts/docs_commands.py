"""Run the commands that pages of docs/ show, and write down what they print.

    python scripts/docs_commands.py [PAGE ...]          compare; exit 1 when a command fails or prints something else
    python scripts/docs_commands.py --write [PAGE ...]  write what is printed today into the pages

Commands stand in blocks of the kind `console`, behind `$ `, their further lines behind `> `; what follows is what they
print. Those of a page run one
after another in a folder of its own: a repository of two environments, or the folder above it on a page that begins
with `<!-- commands: empty -->`. A command that ends with another code than 0 says so in a comment: `# exit code 1`.

A block that cannot run here follows a line that begins with `Not run in tests:` and says why. Seconds, commits and
paths are not compared.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import docs_pages

PROJECT = docs_pages.PROJECT
EXCUSE = "Not run in tests:"
# What differs from run to run.
VARYING = re.compile(
    r"\d+(\.\d+)? s\b|\d+ of \d+ applications from cache|v?\d+\.\d+\.\d+-\d+-g[0-9a-f]+"
    r"|\b[0-9a-f]{7,40}\b( with uncommitted changes, which no update can start from)?"
    r"|\d+ files with \d+ lines|\d+ files? changed.*"
)
EXIT_CODE = re.compile(r"# exit code (\d+)$")


@dataclass(frozen=True)
class Step:
    """One command of a page.

    Attributes:
        line: Number of its line in the page, from 1.
        command: What a shell is given.
        code: The exit code that the page states.
        shown: Lines that the page shows below it.
    """

    line: int
    command: str
    code: int
    shown: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """One block of commands.

    Attributes:
        start: Index of the first line inside.
        end: Index of the closing fence.
        steps: Its commands.
        excuse: Why it is not run; empty where it is.
    """

    start: int
    end: int
    steps: tuple[Step, ...]
    excuse: str


def pages() -> list[str]:
    """Return the pages whose blocks are commands: those of docs/ that people write."""
    left_out = ("docs/adr/", "docs/comments/", "docs/reference/")  # docs/comments is made by a script
    return [
        name
        for name in docs_pages.tracked()
        if name.startswith("docs/") and name.endswith(".md") and not name.startswith(left_out)
    ]


def blocks(text: str) -> Iterator[Block]:
    """Yield the blocks of commands of a page.

    Raises:
        ValueError: A block begins with something else than a command.
    """
    lines = text.splitlines()
    start = None
    for index, line in enumerate(lines):
        if start is None and line == "```console":
            start = index + 1
        elif start is not None and line == "```":
            before = next((each for each in reversed(lines[: start - 1]) if each), "")
            excuse = before.removeprefix(EXCUSE).strip() if before.startswith(EXCUSE) else ""
            yield Block(start, index, tuple(_steps(lines[start:index], start)), excuse)
            start = None


def _steps(lines: list[str], offset: int) -> Iterator[Step]:
    if not lines or not lines[0].startswith("$ "):
        raise ValueError(f"line {offset + 1}: a block of commands begins with `$ `")
    begun = [number for number, line in enumerate(lines) if line.startswith("$ ")]
    for number, following in zip(begun, [*begun[1:], len(lines)], strict=True):
        length = 1
        while number + length < following and lines[number + length].startswith(">"):
            length += 1
        command = "\n".join(line[2:] for line in lines[number : number + length])
        code = EXIT_CODE.search(command)
        shown = tuple(line for line in lines[number + length : following])
        yield Step(offset + number + 1, command, int(code[1]) if code else 0, shown)


class Workshop:
    """Makes the repositories that commands run in, from one that is made once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._base = folder / "base"
        self.environment: Mapping[str, str] = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "MODELYARD_"))},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "COLUMNS": "110",
            "NO_COLOR": "1",
            "PYTHONUTF8": "1",
            "MODELYARD_STATE_DIR": str(folder / "state"),
            "MODELYARD_POLICIES": str(folder),
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "user.name",
            "GIT_CONFIG_VALUE_0": "Somebody",
            "GIT_CONFIG_KEY_1": "user.email",
            "GIT_CONFIG_VALUE_1": "somebody@example.com",
        }

    def make(self, empty: bool) -> Path:
        """Return a folder for the commands of one page: a repository, or an empty folder."""
        own = Path(tempfile.mkdtemp(dir=self._folder))
        if empty:
            return own
        if not self._base.is_dir():
            self._make_base()
        return Path(shutil.copytree(self._base, own / "my-platform", symlinks=True))

    def _make_base(self) -> None:
        making, template_folder = self._base.with_name("making"), self._folder / "template"
        # A clone: a template with changes that are not committed has no commit that `modelyard update` could find.
        self._run(["git", "clone", "--quiet", str(PROJECT), str(template_folder)], self._folder)
        template = [
            "--template",
            str(template_folder),
            "--ref",
            "HEAD",
            "--answers",
            str(PROJECT / "scripts/demo.yaml"),
        ]
        self._run(["modelyard", "new", str(making), *template, "--defaults"], self._folder)
        self._run(["modelyard", "env", "add", "prod", *template, "--defaults"], making)
        self._run(["git", "add", "--all"], making)
        self._run(["git", "commit", "--quiet", "--message", "environments: prod"], making)
        making.rename(self._base)

    def _run(self, command: list[str], folder: Path) -> None:
        done = subprocess.run(
            command, cwd=folder, env=self.environment, capture_output=True, text=True, check=False, timeout=300
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")

    def run(self, step: Step, folder: Path) -> tuple[int, list[str]]:
        """Run a command as a shell does, and return its exit code and the lines that it printed."""
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", step.command],  # noqa: S607
            cwd=folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        said = done.stdout.replace(f"{folder}/", "").replace(str(folder), ".")
        said = said.replace(str(self._folder / "template"), "/src/modelyard").replace(str(PROJECT), "/src/modelyard")
        return done.returncode, [line.rstrip() for line in said.rstrip("\n").splitlines()]


def ran(name: str, text: str, workshop: Workshop, problems: list[str]) -> str:
    """Run the commands of a page, and return it with what they printed.

    Args:
        name: The page, for messages.
        text: What it holds.
        workshop: Makes the folder.
        problems: Gets a line for each command that ended with another code than the page states.
    """
    wanted = [block for block in blocks(text) if not block.excuse]
    if not wanted:
        return text
    folder = workshop.make("<!-- commands: empty -->" in text)
    lines = text.splitlines()
    made: list[str] = []
    end = 0
    for block in wanted:
        made += lines[end : block.start]
        for step in block.steps:
            code, said = workshop.run(step, folder)
            if code != step.code:
                printed = "".join(f"\n  {line}" for line in said)
                problems.append(f"{name}:{step.line}: exit code {code}, expected {step.code}: {step.command}{printed}")
            first, *more = step.command.split("\n")
            made += [f"$ {first}", *(f"> {line}".rstrip() for line in more), *said]
            inside = re.fullmatch(r"cd ([\w./-]+)", step.command)
            folder = folder / inside[1] if inside else folder
        end = block.end
    return "\n".join([*made, *lines[end:]]) + "\n"


def masked(text: str) -> list[str]:
    """Return the lines of a page without what differs from run to run."""
    return [VARYING.sub("…", line) for line in text.splitlines()]


def main() -> int:
    """Compare or write; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", help="pages of docs/; all when none is named")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="make the repository there, and use it again")
    parser.add_argument("--write", action="store_true", help="write what commands print into the pages")
    options = parser.parse_args()
    problems: list[str] = []
    with tempfile.TemporaryDirectory(prefix="modelyard-docs-") as scratch:
        workshop = Workshop(options.keep or Path(scratch))
        for name in options.pages or pages():
            path = PROJECT / name
            shown = path.read_text()
            printed = ran(name, shown, workshop, problems)
            if options.write and masked(printed) != masked(shown):
                path.write_text(printed)
            elif masked(printed) != masked(shown):
                problems += difflib.unified_diff(masked(shown), masked(printed), name, "today", lineterm="", n=1)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
