"""Write the generated pages of docs/reference: the command line, exit codes, rules, settings, and JSON Schemas.

Usage: python scripts/generate_reference.py [--check]

With --check nothing is written; it exits with 1 when a page is not what it would write.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import typer

from modelyard.cli import exit_codes
from modelyard.cli.application import application
from modelyard.diffing import schema_v1
from modelyard.reporting import json_v1
from modelyard.repository.settings import AcceptedGap, Ceiling, Settings, Waiver
from modelyard.rules import rules

REFERENCE = Path(__file__).resolve().parent.parent / "docs" / "reference"
_GENERATED = "<!-- Written by scripts/generate_reference.py; edit the code, not this file. -->\n"


def pages() -> dict[Path, str]:
    """Return what each generated page should hold."""
    return {
        REFERENCE / "cli.md": _command_line(),
        REFERENCE / "exit-codes.md": _exit_codes(),
        REFERENCE / "rules.md": _rules(),
        REFERENCE / "modelyard-yaml.md": _settings(),
        REFERENCE / "modelyard-yaml.schema.json": json.dumps(_settings_schema(), indent=2) + "\n",
        REFERENCE / "report-v1.schema.json": json.dumps(json_v1.schema(), indent=2) + "\n",
        REFERENCE / "diff-v1.schema.json": json.dumps(schema_v1.schema(), indent=2) + "\n",
    }


def _command_line() -> str:
    parts = [
        _GENERATED,
        "# Command line\n\nExit codes have [a page of their own](exit-codes.md). "
        "`modelyard --install-completion` completes verbs, options, environments, Applications and rules.\n",
        "Colours are shown on a terminal only; `NO_COLOR` turns them off, `FORCE_COLOR=1` on elsewhere.\n",
    ]
    parts += [
        f"## {' '.join(('modelyard', *verb))}\n\n```text\n{_help(verb)}```\n"
        for verb in _verbs(typer.main.get_command(application()), ())
    ]
    return "\n".join(parts)


def _verbs(command: object, path: tuple[str, ...]) -> list[tuple[str, ...]]:
    found = [path]
    for name, below in getattr(command, "commands", {}).items():
        found += _verbs(below, (*path, name))
    return found


def _help(verb: tuple[str, ...]) -> str:
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONUTF8": "1"}
    for variable in ("FORCE_COLOR", "TERMINAL_WIDTH"):
        environment.pop(variable, None)
    argv = [sys.executable, "-m", "modelyard", *verb, "--help"]
    return subprocess.run(argv, env=environment, check=True, capture_output=True, encoding="utf-8").stdout


def _exit_codes() -> str:
    rows = "\n".join(f"| {code.value} | {meaning} |" for code, meaning in exit_codes.MEANINGS.items())
    return (
        f"{_GENERATED}\n# Exit codes\n\n| code | meaning |\n|--:|---|\n{rows}\n\n"
        "When several apply, the first of 2, 4, 1, 3 is taken.\n\n"
        "A command that is asked to end (SIGTERM) ends what it started and exits with 143.\n\n"
        "A reader that closes the output early, as `head` does, changes no exit code of `check`.\n"
        "An internal error leaves a log with the traceback in the cache folder; its path is printed.\n"
    )


def _rules() -> str:
    found = rules().values()
    parts = [
        _GENERATED,
        f"# Rules\n\n{len(found)} rules. A rule's name reads after *allow*. `modelyard explain RULE` shows its page.\n",
    ]
    for area, members in itertools.groupby(found, key=lambda rule: rule.area):
        rows = "\n".join(
            f"| [{rule.id}](../../src/modelyard/rules/{'/'.join(rule.folder.parts[-2:])}/rule.md) "
            f"| {rule.severity.label} | {rule.summary} |"
            for rule in members
        )
        parts.append(f"## {area}\n\n| rule | severity | why |\n|---|---|---|\n{rows}\n")
    return "\n".join(parts)


def _settings_schema() -> dict[str, object]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Settings.model_json_schema(by_alias=True),
        "title": "modelyard.yaml",
    }


def _settings() -> str:
    rows = {
        model: "\n".join(
            f"| `{field.alias or name}` | {'yes' if field.is_required() else 'no'} | {field.description} |"
            for name, field in model.model_fields.items()
        )
        for model in (Settings, Waiver, AcceptedGap, Ceiling)
    }
    head = "| field | required | meaning |\n|---|---|---|\n"
    return (
        f"{_GENERATED}\n# modelyard.yaml\n\n"
        "Settings of the checker, at the top of a GitOps repository. "
        "An editor completes it with [its JSON Schema](modelyard-yaml.schema.json).\n\n"
        f"{head}{rows[Settings]}\n\n"
        "```yaml\nversion: 1\nwaivers:\n  - rule: images/floating-tag\n    path: overlays/legacy-vllm-gpu\n"
        "    reason: the registry refuses to overwrite tags\n    expires: 2027-03-31\naccepted-gaps:\n"
        '  - subject: "chart *"\n    reason: charts are checked in another pipeline\n    expires: 2027-03-31\n```\n\n'
        f"## waivers\n\n{head}{rows[Waiver]}\n\n## accepted-gaps\n\n{head}{rows[AcceptedGap]}\n\n"
        f"## ceilings\n\nBy environment:\n\n{head}{rows[Ceiling]}\n\n"
        "A decision whose last day has passed covers nothing and is a finding "
        "(`modelyard/expired-waiver`); one that covers nothing is another (`modelyard/unused-waiver`).\n"
    )


def main() -> int:
    """Write or compare every page; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is not current")
    arguments = parser.parse_args()
    wanted = pages()
    stale = [path for path, text in wanted.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    if arguments.check:
        for path in stale:
            sys.stderr.write(f"{path} is not current: run `python scripts/generate_reference.py`\n")
        return 1 if stale else 0
    for path, text in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
