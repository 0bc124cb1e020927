"""The end of every verb that edits: try it out, show it or write it, and say what was done."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelyard.cli import completing
from modelyard.cli.options import environment_option
from modelyard.findings import ExitCode, UserError

if TYPE_CHECKING:
    from modelyard.editing import Changes, Trial
    from modelyard.reporting import Line

Environment = Annotated[str, environment_option("The environment.", show_default="the only one")]
Model = Annotated[str, typer.Argument(metavar="MODEL", help="The model's name.", autocompletion=completing.deployed)]
DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Show the edit as a diff; write nothing.")]
NoCheck = Annotated[bool, typer.Option("--no-check", help="Write it without trying it out first.")]
IgnoreNotFound = Annotated[
    bool, typer.Option("--ignore-not-found", help="Where there is none of that name, change nothing and succeed.")
]
Repository = Annotated[
    Path,
    typer.Option("--repository", metavar="PATH", help="The GitOps repository.", show_default="the current folder"),
]


@dataclass(frozen=True, slots=True)
class Edit:
    """An edit that is planned.

    Attributes:
        changes: The files.
        done: What it does, such as `qwen3-32b is added to prod`.
        reasons: Why it is as it is, one sentence each.
        notes: What the user should know or do, one sentence each.
        content: What JSON says besides.
        idle: What is said besides where no file changes.
    """

    changes: Changes
    done: str
    reasons: Sequence[str] = ()
    notes: Sequence[str] = ()
    content: Mapping[str, Any] | None = None
    idle: str = "; nothing to do"


def planned(repository: Path) -> Changes:
    """Return an empty edit of a repository.

    Raises:
        UserError: The folder is no GitOps repository.
    """
    from modelyard.cli.options import require_folder
    from modelyard.editing import Changes

    require_folder(repository)
    if not (repository / "environments").is_dir():
        raise UserError(
            f"{repository.resolve()} has no folder environments",
            fix="run the command at the top of a GitOps repository, or name it with --repository",
        )
    return Changes(repository)


def only_environment(repository: Path, environment: str) -> str:
    """Return the environment that a verb is about: the named one, or the only one.

    Raises:
        UserError: None is named, and the repository has several or none.
    """
    if environment:
        return environment
    planned(repository)
    from modelyard.repository import Repository as Opened
    from modelyard.wording import join_and

    names = sorted(Opened(repository).environments)
    if len(names) == 1:
        return names[0]
    if not names:
        raise UserError("the repository has no environment", fix="add one with `modelyard new --env NAME`")
    raise UserError(f"the repository has {len(names)} environments: {join_and(names)}", fix="name one with --env")


def require_passing(changes: Changes, environment: str, model: str = "", *, done: str) -> list[str]:
    """Refuse an edit after which a check of the environment finds errors that it does not find now.

    Returns:
        What the check warns of about the model, one sentence each.

    Raises:
        UserError: It does; the message has the first error, and how many there are.
    """
    from modelyard.cli.terminal import Progress
    from modelyard.editing import tried

    if not changes.files_changed:
        return []
    with Progress() as progress:
        progress.say("trying it out")
        trial = tried(changes, environment, model)
    if trial.findings:
        first, *others = trial.findings
        more = f" (and {len(others)} more)" if others else ""
        raise UserError(
            f"not written: the result ({done}) would fail modelyard check: {first.rule}: {first.message}{more}",
            fix=f"{first.fix or f'modelyard explain {first.rule}'}; --no-check writes it all the same",
            exit_code=ExitCode.FINDINGS,
        )
    return warned(trial)


def warned(trial: Trial) -> list[str]:
    """Return what a check warns of, one sentence each."""
    return list(dict.fromkeys(f"{each.rule}: {each.message}" for each in trial.warnings))


def finish(edit: Edit, *, dry_run: bool, as_json: bool) -> int:
    """Show or write an edit, and tell what was done."""
    changes = edit.changes
    made = changes.files_changed
    diff = changes.diff() if dry_run else ""
    if not dry_run:
        changes.apply()
    if as_json:
        from modelyard.reporting import json_text

        content = {
            "version": 1,
            "done": edit.done,
            "written": bool(made) and not dry_run,
            "files": [{"path": each.path, "change": each.kind} for each in made],
            "reasons": list(edit.reasons),
            "notes": list(edit.notes),
            **({"diff": diff} if dry_run else {}),
            **(edit.content or {}),
        }
        sys.stdout.write(json_text(content))
        return ExitCode.CLEAN
    if dry_run:
        from modelyard.reporting import visible

        for line in diff.split("\n")[:-1]:
            sys.stdout.write(visible(line, longest=10_000) + "\n")
    _tell(edit, [(each.kind, each.path) for each in made], dry_run=dry_run)
    return ExitCode.CLEAN


def _tell(edit: Edit, made: Sequence[tuple[str, str]], *, dry_run: bool) -> None:
    from modelyard.cli.terminal import look_of, show
    from modelyard.reporting import visible, wrapped

    stream = sys.stderr if dry_run else sys.stdout
    width = look_of(stream).width
    lines: list[Line] = []
    ending = edit.idle
    if made:
        ending = " (dry run: nothing is written)" if dry_run else ""
    from modelyard.findings import source_without_secrets

    lines += wrapped([], visible(edit.done) + ending, "strong", width=width, indent=2)
    for reason in edit.reasons:
        lines += wrapped([("  ", "plain")], visible(source_without_secrets(reason)), "plain", width=width, indent=4)
    if not dry_run:
        marks = {"added": "+", "changed": "~", "removed": "-"}
        lines += [[(f"  {marks[kind]} ", "faint"), (visible(path), "plain")] for kind, path in made]
    for note in edit.notes:
        lines += wrapped([("note: ", "warning")], visible(source_without_secrets(note)), "plain", width=width, indent=6)
    show(lines, stream)
