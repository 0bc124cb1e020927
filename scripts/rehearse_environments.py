"""Rehearse six environments that together hold every platform component and every engine, and write down how they did.

Used by `make rehearsal-full`. Each environment of scripts/rehearsal_environments.yaml becomes a repository of its own
under the folder given; it is synced by a real Argo CD, and some are tried in a mock AWS account as well, as far as the
programs are there: nothing is built here. The transcript goes to docs/rehearsals.md, unless environments are named:
then only those are rehearsed, and nothing is written.

Usage: python scripts/rehearse_environments.py FOLDER [ENVIRONMENT...]
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from modelyard.tooling import find
from rehearsal import MODELYARD, NEEDED, program_for

PROJECT = Path(__file__).resolve().parents[1]
ENVIRONMENTS = PROJECT / "scripts" / "rehearsal_environments.yaml"
TRANSCRIPT = PROJECT / "docs" / "rehearsals.md"
SECONDS = "300"
INTRODUCTION = """\
# Six environments, rehearsed

Together they hold every platform component and every engine; `scripts/rehearsal_environments.yaml` has their answers.
Each was written by the template and taken by a control plane on one machine, as
[a rehearsal](what-a-green-check-means.md#what-a-rehearsal-adds) does, without charts. What was stood in for stands
below the table.
Written by `make rehearsal-full` on {date}, on a machine with {cores} processors, beside other work.
"""


def main(folder: Path, only: list[str]) -> int:
    """Write, check and rehearse the environments; return the highest exit code."""
    environments: dict[str, dict[str, Any]] = yaml.safe_load(ENVIRONMENTS.read_text())
    if unknown := set(only) - set(environments):
        print(
            f"there is no environment {', '.join(sorted(unknown))}: choose of {', '.join(environments)}",
            file=sys.stderr,
        )
        return 2
    if missing := [name for level in ("schema", "sync") for name in NEEDED[level] if find(name) is None]:
        print(f"{', '.join(missing)} is not there; `make rehearsal-tools` builds it", file=sys.stderr)
        return 2
    code, rows, told = 0, [], []
    for name in only or environments:
        wanted = environments[name]
        written(folder / name, name, wanted)
        for level in wanted["levels"]:
            program, variables, lacking = program_for(level)
            if lacking:
                print(f"{name}: skipped: level {level}, since {lacking}")
                rows.append([name, level, f"skipped: {lacking}", "", "", ""])
                continue
            print(f"$ modelyard rehearse {name} --env {name} --level {level}", flush=True)
            begun = time.monotonic()
            words = [
                "rehearse",
                str(folder / name),
                "--env",
                name,
                "--level",
                level,
                "--timeout",
                SECONDS,
                "--json",
                "-q",
            ]
            done = subprocess.run([program, *words], check=False, env=variables, stdout=subprocess.PIPE, text=True)
            code = max(code, done.returncode)
            if not done.stdout:
                rows.append([name, level, f"ended with {done.returncode}", "", "", ""])
                continue
            result = json.loads(done.stdout)
            rows.append([name, level, *summary(result, time.monotonic() - begun)])
            said = list(remarks(result))
            told += [f"**{name}, {level}.** {line}" for line in said]
            print("\n".join([" | ".join(rows[-1]), *said]), flush=True)
    text = transcript(rows, told)
    print(f"\n{text}")
    if not only:
        TRANSCRIPT.write_text(text)
    return code


def written(repository: Path, name: str, wanted: dict[str, Any]) -> None:
    """Write a repository with one environment and its models, anew; end when a command refuses."""
    shutil.rmtree(repository, ignore_errors=True)
    repository.parent.mkdir(parents=True, exist_ok=True)
    answers = {
        "repository_name": "my-platform",
        "repository_url": "https://github.com/acme/my-platform.git",
        "account_id": "111122223333",
        **wanted["answers"],
    }
    file = repository.with_name(f"{name}.answers.yaml")
    file.write_text(yaml.safe_dump(answers))
    template = ["--template", str(PROJECT), "--ref", "HEAD", "--answers", str(file), "--defaults"]
    _run("new", str(repository), "--env", name, *template)
    for model, chosen in wanted.get("models", {}).items():
        features = [word for each in chosen.get("features", ()) for word in ("--feature", each)]
        place = ["--env", name, "--name", model, "--repository", str(repository)]
        _run("model", "add", chosen["overlay"], *place, *features, "--defaults", "--no-check")
    _run("check", str(repository), "--env", name)


def _run(*words: str) -> None:
    done = subprocess.run([MODELYARD, *words], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        print(f"$ modelyard {' '.join(words)}\n{done.stdout}", file=sys.stderr)
        raise SystemExit(done.returncode)


def summary(result: dict[str, Any], seconds: float) -> list[str]:
    """Return the row of one rehearsal: what is well, where pods went, time and memory."""
    applications = result["applications"]
    well = sum((each["sync"], each["health"]) == ("Synced", "Healthy") for each in applications)
    if cloud := result["cloud"]:
        ready = sum(each["ready"] for each in cloud["node_classes"])
        state = f"{cloud['terraform_resources']} resources, {ready} of {len(cloud['node_classes'])} node classes ready"
    else:
        state = f"{well} of {len(applications)} synced and healthy"
    pods = [each["as_foretold"] for each in result["pods"] if each["as_foretold"] is not None]
    memory = sum(each["peak_memory_bytes"] or 0 for each in result["components"]) / 1e9
    return [state, f"{sum(pods)} of {len(pods)}", f"{seconds:.0f} s", f"{memory:.1f} GB"]


def remarks(result: dict[str, Any]) -> Iterator[str]:
    """Yield what was stood in for, what happened in the account, and every finding."""
    real = "".join(f", {name}'s own controllers" for name in result["real_operators"])
    server = f"Real: Kubernetes {result['kubernetes_version']}{real}"
    yield f"{server}. Stood in for: {', '.join(result['stood_in']) or 'nobody but nodes'}."
    gone = (result["cloud"] or {}).get("interruption")
    if gone:
        yield f"{gone['event']}: {'; '.join(gone['problems']) or 'the node was drained, its pods went to others'}."
    for each in result["report"]["findings"]:
        yield f"{each['rule']}: {each['message']}."


def transcript(rows: list[list[str]], told: list[str]) -> str:
    """Return the page."""
    head = ["environment", "level", "state", "pods as foretold", "time", "memory at most"]
    lines = ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]
    introduction = INTRODUCTION.format(date=time.strftime("%Y-%m-%d", time.gmtime()), cores=os.cpu_count())
    return "\n".join([introduction, *lines, "", "\n\n".join(told), ""])


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]).absolute(), sys.argv[2:]))
