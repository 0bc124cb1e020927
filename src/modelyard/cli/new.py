"""`modelyard new`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from modelyard.cli.boundary import verb
from modelyard.findings import ExitCode, UserError


@verb
def command(
    path: Annotated[
        Path | None,
        typer.Argument(
            help="Folder to write; a GitOps repository gets one more environment.",
            show_default="the current folder, where it is a GitOps repository",
        ),
    ] = None,
    environment: Annotated[
        str | None, typer.Option("--env", "-e", metavar="NAME", help="Name of the environment.", show_default="dev")
    ] = None,
    answers: Annotated[
        Path | None,
        typer.Option("--answers", metavar="FILE", help="YAML file with answers to the questions."),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option("--data", "-d", metavar="QUESTION=ANSWER", help="One answer, before the file's; may be repeated."),
    ] = None,
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Ask nothing: take the default of every question not answered.")
    ] = False,
    template: Annotated[
        str | None,
        typer.Option(
            "--template",
            metavar="URL",
            help="Folder or Git URL of the template.",
            show_default="where this modelyard came from",
        ),
    ] = None,
    ref: Annotated[
        str | None, typer.Option("--ref", metavar="REF", help="Tag, branch or commit of the template.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Tell the outcome as JSON.")] = False,
) -> int:
    """Write a GitOps repository with its first environment, or add an environment to one."""
    from modelyard.repository import ANSWERS

    given = answers_given(data or [])
    folder = path or Path()
    adds = (folder / ANSWERS).is_file()
    if path is None and not adds:
        raise UserError(
            "the new repository has no name",
            fix="name its folder, as in `modelyard new my-platform`; in a GitOps repository, --env adds an environment",
        )

    from modelyard.scaffolding import new_environment, new_repository

    write = new_environment if adds else new_repository
    made = write(
        folder,
        environment=environment,
        template=template,
        ref=ref,
        answers_file=answers,
        data=given,
        interactive=False if defaults else None,
        tell=told,
    )
    if as_json:
        content = {
            "repository": str(made.repository),
            "environment": made.environment,
            "template": made.template,
            "commit": made.commit,
        }
        from modelyard.reporting import json_text

        sys.stdout.write(json_text(content))
        return ExitCode.CLEAN
    if made.commit is None:
        sys.stdout.write(
            f"environments/{made.environment} is written, from template {made.template}; it is not committed yet\n"
            f"next: modelyard check --env {made.environment}\n"
        )
    else:
        sys.stdout.write(
            f"{made.repository} is written, from template {made.template}: environment {made.environment}, "
            f"commit {made.commit[:12]}\n"
            f"next: cd {folder} && {_check(dict(os.environ), sys.prefix)}\n"
            "then: modelyard fetch && git add charts.lock   # pins the charts by digest\n"
        )
    return ExitCode.CLEAN


def _check(variables: Mapping[str, str], prefix: str) -> str:
    """Return the command that checks a new repository; uvx leaves no `modelyard` behind, so it is installed first.

    Args:
        variables: Variables of the environment; uv sets `UV` for what it runs.
        prefix: Folder of the running Python; uvx makes one in its cache.
    """
    in_cache = any(part.startswith(("archive-v", "environments-v")) for part in Path(prefix).parts)
    if "UV" in variables and in_cache:
        return "uv venv && uv pip install -r requirements.txt && .venv/bin/modelyard check"
    return "modelyard check"


def told(line: str) -> None:
    """Say on standard error which template is taken, before it is."""
    from modelyard.cli.terminal import show
    from modelyard.reporting import visible

    show([[(visible(line), "faint")]], sys.stderr)


def answers_given(pairs: list[str], option: str = "--data") -> dict[str, str]:
    """Return answers from the command line.

    Args:
        pairs: What was given.
        option: The option that it was given by.

    Raises:
        UserError: One is not of the form QUESTION=ANSWER, or a question is answered twice.
    """
    answers: dict[str, str] = {}
    for pair in pairs:
        question, separator, answer = pair.partition("=")
        if not separator or not question:
            raise UserError(f"{option} {pair} is not an answer", fix=f"write {option} QUESTION=ANSWER")
        if question in answers:
            raise UserError(f"{option} answers {question} twice", fix="leave one")
        answers[question] = answer
    return answers
