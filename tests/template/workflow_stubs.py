"""Stand-ins for what only a runner of GitHub has, and the steps of a workflow run in a clone.

`modelyard`, helm, git, jq and the shell are the real ones; `modelyard fetch` finds its charts in the cache. GitHub's
own programs are replaced: `gh` keeps comments and pull requests in a file, `mise exec` runs what it is given, and what
needs a network (`pip`, `docker`, `terraform`, `modelyard tools`) or minutes (`modelyard rehearse`) writes down its
arguments.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")

_GH = """
import json, os, re, subprocess, sys
from pathlib import Path
state = Path(os.environ["STUBS"]) / "github.json"
known = json.loads(state.read_text())
words = sys.argv[1:]
def option(name, many=False):
    found = [words[n + 1] for n, word in enumerate(words) if word == name]
    return found if many else (found[0] if found else None)
def out(value):
    query = option("--jq")
    if query:
        done = subprocess.run(["jq", "-r", query], input=json.dumps(value), text=True, capture_output=True, check=True)
        print(done.stdout.replace("null", "").strip())
    else:
        print(json.dumps(value))
if words[0] == "api":
    path = next(word for word in words[1:] if word.startswith("repos/"))
    method = option("--method") or "GET"
    body = json.loads(Path(option("--input")).read_text())["body"] if option("--input") else None
    if body is not None and len(body) > 65536:
        sys.exit("body is too long (maximum is 65536 characters)")
    if re.search(r"/pulls$", path) and method == "GET":
        head = next(each.partition("=")[2] for each in option("-f", True) if each.startswith("head="))
        out([each for each in known["pulls"] if each["head"]["label"] == head])
    elif (found := re.search(r"/environments/([^/]+)$", path)) and method == "GET":
        if found[1] not in known.get("environments", {}):
            sys.exit("gh: Not Found (HTTP 404)")
        out(known["environments"][found[1]])
    elif re.search(r"/issues/\\d+/comments$", path) and method == "GET":
        out(known["comments"])
    elif re.search(r"/issues/\\d+/comments$", path) and method == "POST":
        number, bot = 100 + len(known["comments"]), {"login": "github-actions[bot]"}
        known["comments"].append({"id": number, "user": bot, "body": body})
    elif (found := re.search(r"/issues/comments/(\\d+)$", path)) and method == "PATCH":
        next(each for each in known["comments"] if each["id"] == int(found[1]))["body"] = body
    else:
        sys.exit(f"gh api {method} {path} is not known here")
elif words[:2] == ["pr", "list"]:
    out([{"number": each["number"]} for each in known["pulls"] if each["head"]["ref"] == option("--head")])
elif words[:2] in (["pr", "create"], ["pr", "edit"], ["pr", "comment"], ["pr", "ready"]):
    body = Path(option("--body-file")).read_text() if option("--body-file") else ""
    known["opened"].append({"words": words, "body": body})
elif words[:2] != ["auth", "setup-git"]:
    sys.exit(f"gh {words} is not known here")
state.write_text(json.dumps(known))
"""

_STUBS = {
    "gh": f"#!{sys.executable}\n{_GH}",
    "mise": '#!/bin/bash\n[ "$1 $2" = "exec --" ] || exit 64\nshift 2\nexec "$@"\n',
    "pip": '#!/bin/bash\necho "pip $*" >> "$STUBS/calls"\n',
    "docker": '#!/bin/bash\necho "docker $*" >> "$STUBS/calls"\n[[ $* != *--raw* ]] || cat "$STUBS/manifest"\n',
    "terraform": '#!/bin/bash\n[[ $1 != -chdir=* ]] || shift\necho "terraform $*" >> "$STUBS/calls"\n'
    '[ "$1" != plan ] || { cat "$STUBS/plan"; exit "$(cat "$STUBS/plan-code")"; }\n'
    '[ "$1" != show ] || cat "$STUBS/show"\n',
    "modelyard": '#!/bin/bash\ncase $1 in fetch|tools|rehearse) echo "modelyard $*" >> "$STUBS/calls";; esac\n'
    f'[[ $1 = tools || $1 = rehearse ]] || exec {sys.executable} -m modelyard "$@"\n',
    "pytest": f'#!/bin/bash\nexec {sys.executable} -m pytest -p no:cacheprovider "$@"\n',
}


@dataclass
class Runner:
    """A runner: a clone, the stand-ins, and what GitHub knows.

    Attributes:
        clone: Where the steps run.
        folder: Where stand-ins keep what they know.
        contexts: Values of expressions, by their text.
        event: What GitHub says of the event, as in the file that GITHUB_EVENT_PATH names.
        outputs: Outputs of steps, by `steps.<id>.outputs.<name>`.
    """

    clone: Path
    folder: Path
    contexts: Mapping[str, str]
    event: Mapping[str, Any] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Write the stand-ins."""
        (self.folder / "bin").mkdir(parents=True, exist_ok=True)
        for name, text in _STUBS.items():
            path = self.folder / "bin" / name
            path.write_text(text)
            path.chmod(0o755)
        (self.folder / "event.json").write_text(json.dumps(self.event))
        if not (self.folder / "github.json").exists():
            self.know({"pulls": [], "comments": [], "opened": []})

    @property
    def known(self) -> dict[str, Any]:
        """What GitHub knows."""
        return dict(json.loads((self.folder / "github.json").read_text()))

    def know(self, content: Mapping[str, Any]) -> None:
        """Set what GitHub knows."""
        (self.folder / "github.json").write_text(json.dumps(content))

    @property
    def calls(self) -> list[str]:
        """What was called of the programs that need a network."""
        file = self.folder / "calls"
        return file.read_text().splitlines() if file.exists() else []

    def run(self, workflow: str, job: str, *, only: str = "") -> list[tuple[str, int, str]]:
        """Run the commands of a job's steps in order, and return name, exit code and output of each.

        Steps that GitHub would skip after a failure are skipped, but those with `always()` or `failure()`.
        """
        content = yaml.safe_load((self.clone / ".github/workflows" / workflow).read_text())["jobs"][job]
        done: list[tuple[str, int, str]] = []
        for step in content["steps"]:
            condition = str(step.get("if", ""))
            failed = any(code for _, code, _ in done)
            if "run" not in step or (only and step["name"] != only):
                continue
            if failed and not re.search(r"always\(\)|failure\(\)", condition):
                continue
            if "outputs." in condition and not self._holds(condition):
                continue
            done.append((step["name"], *self._step(content, step)))
        return done

    def _holds(self, condition: str) -> bool:
        found = re.search(r"(steps\.\w+\.outputs\.\w+) != ''", condition)
        return found is None or self.outputs.get(found[1], "") != ""

    def _step(self, job: Mapping[str, Any], step: Mapping[str, Any]) -> tuple[int, str]:
        output = self.folder / "output"
        output.write_text("")
        values = {**job.get("env", {}), **step.get("env", {})}
        assert "${{" not in step["run"], "an expression inside a script is read as code"
        process = subprocess.run(
            ["/bin/bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.clone / step.get("working-directory", "."),
            env={
                **os.environ,
                **{name: self._value(str(value)) for name, value in values.items()},
                "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
                "STUBS": str(self.folder),
                "GITHUB_ACTIONS": "true",
                "GITHUB_EVENT_PATH": str(self.folder / "event.json"),
                "GITHUB_OUTPUT": str(output),
                "GITHUB_STEP_SUMMARY": str(self.folder / "summary.md"),
                "RUNNER_TEMP": str(self.folder),
                "NO_COLOR": "1",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=900,
            check=False,
        )
        for line in output.read_text().splitlines():
            name, _, value = line.partition("=")
            self.outputs[f"steps.{step['id']}.outputs.{name}"] = value
        return process.returncode, process.stdout

    def _value(self, text: str) -> str:
        """Return a value with its expressions filled in; one that is not known fails the test."""

        def known(found: re.Match[str]) -> str:
            expression = found[1]
            if expression in self.outputs:
                return self.outputs[expression]
            if expression in self.contexts:
                return self.contexts[expression]
            return self._evaluated(expression)

        return _EXPRESSION.sub(known, text)

    def _evaluated(self, expression: str) -> str:
        """Return what an expression over the event comes to: a path, the first of several, or whether two differ."""
        if " || " in expression:
            return next((value for each in expression.split(" || ") if (value := self._evaluated(each))), "")
        if " != " in expression:
            one, other = expression.split(" != ")
            return str(self._evaluated(one) != self._evaluated(other)).lower()
        if expression in self.contexts:
            return self.contexts[expression]
        found: Any = {"github": {"event": self.event}}
        for part in expression.split("."):
            found = found[part] if isinstance(found, Mapping) and part in found else None
        # An event lacks what belongs to other events; what no event has fails the test.
        assert expression.startswith("github.event."), f"{expression} is not known here"
        return "" if found is None else str(found)
