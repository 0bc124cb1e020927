"""Copier, without its traps: see docs/adr/0022-a-wrapper-around-copier.md."""

from __future__ import annotations

import contextlib
import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelyard.findings import UserError
from modelyard.scaffolding.economy import economical
from modelyard.scaffolding.prompts import drawn_prompts
from modelyard.scaffolding.questionnaire import Answer, Questionnaire, Scope, blame
from modelyard.scaffolding.source import TemplateSource
from modelyard.tooling.git import inert_environment, reaching_out

_INVALID = re.compile(r"Validation error for question '(\w+)': (.*)", re.DOTALL)
_NO_CHOICE = re.compile(r"Invalid choice for '(\w+)': (.*)", re.DOTALL)
_UNKNOWN_REVISION = re.compile(r"Unknown revision: '(.*)'")
_REQUIRED = re.compile(r'Question "(\w+)" is required')
_GIT_FOLDERS = (".[gG][iI][tT]",)
"""What a template never writes, wherever it says so: Git runs hooks, filters and more that lie there."""
_VERSIONS_FIX = "see that the version named here, and the one recorded as _commit, are in the template's repository"


def copy(
    source: TemplateSource,
    scope: Scope,
    destination: Path,
    questionnaire: Questionnaire,
    answers: Mapping[str, Answer],
    *,
    interactive: bool,
) -> None:
    """Render one scope of the template into a folder.

    Args:
        source: The template.
        scope: What to render.
        destination: Folder to write to; with scope `environment` it holds the repository's own answers file.
        questionnaire: The template's questions.
        answers: Answers to questions of any scope, checked by the questionnaire.
        interactive: Whether to ask on the terminal what has no answer; otherwise its default is taken.

    Raises:
        UserError: An answer is not valid, or one without a default is missing.
    """
    import copier  # 0.3 s to import, which commands other than this one should not pay

    data = {**questionnaire.for_scope(answers, scope), "scope": scope}
    asks = drawn_prompts(questionnaire.asked(answers, scope)) if interactive else contextlib.nullcontext()
    unanswered = questionnaire.unanswered(answers, scope)
    with _refusals(answers, unanswered), _quiet(), _inert_git(None), economical(), asks:
        copier.run_copy(
            source.url,
            destination,
            data=data,
            vcs_ref=source.ref,
            defaults=not interactive,
            overwrite=True,
            quiet=True,
        )
    _refuse_ways_out(destination)


def merge(
    repository: Path,
    answers_file: str,
    ref: str | None,
    *,
    interactive: bool,
    answers: Mapping[str, Any] | None = None,
    ask: bool = False,
) -> None:
    """Merge a newer version of the template into what one answers file stands for.

    Conflicts are left in the work tree; Copier itself reports success then.

    Args:
        repository: Top of a clean Git work tree.
        answers_file: The answers file, relative to `repository`.
        ref: Version to merge; the newest tag when None.
        interactive: Whether to ask on the terminal what is new; otherwise its default is taken.
        answers: Answers that are known already.
        ask: Whether to ask all questions, with recorded answers as defaults.

    Raises:
        UserError: Copier refuses, or an answer is not valid.
    """
    import copier

    with _refusals({}), _quiet(), _inert_git(repository), economical():
        copier.run_update(
            repository,
            data=dict(answers or {}),
            answers_file=answers_file,
            vcs_ref=ref,
            defaults=not (interactive or ask),
            skip_answered=not ask,
            overwrite=True,
            exclude=_GIT_FOLDERS,
            conflict="inline",
            context_lines=3,  # with one line, hunks of repetitive YAML land in the wrong list
            quiet=True,
        )


def _refuse_ways_out(destination: Path) -> None:
    """Refuse what a template wrote where Git would take it for its own, before any Git runs there, and links out."""
    for above, folders, names in os.walk(destination):
        for name in (*folders, *names):
            path = (Path(above) / name).relative_to(destination)
            if name.lower() == ".git":
                raise _untrustworthy(f"writes {path}, which Git would take for its own folder")
            refuse_link_out(destination, path)


def refuse_link_out(folder: Path, path: Path) -> None:
    """Refuse a link that a template wrote and that leads out of the repository.

    Raises:
        UserError: It does.
    """
    link = folder / path
    if link.is_symlink() and not (link.parent / link.readlink()).resolve().is_relative_to(folder.resolve()):
        raise _untrustworthy(f"writes the link {path}, which leads out of the repository to {link.readlink()}")


def _untrustworthy(what: str) -> UserError:
    return UserError(f"the template {what}", fix="look at what the template is, and name another with --template")


@contextlib.contextmanager
def _inert_git(folder: Path | None) -> Iterator[None]:
    """Let the Git that Copier runs start nothing that a template or a folder's configuration names.

    Copier runs Git by plumbum, which copies the environment when it is imported, and by subprocess.
    """
    from plumbum import local

    variables = {**inert_environment(folder), **reaching_out()}
    before = {name: os.environ.get(name) for name in variables}
    with local.env():  # puts back what it was
        for name, value in variables.items():
            os.environ.pop(name, None)
            if name in local.env:
                del local.env[name]
            if value is not None:
                os.environ[name] = local.env[name] = value
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a folder's uncommitted changes are included on purpose
        yield


@contextlib.contextmanager
def _refusals(answers: Mapping[str, Answer], unanswered: Sequence[str] = ()) -> Iterator[None]:
    """Turn what a user can mend into a refusal that names the question, and all that have no answer at once."""
    from copier.errors import InvalidTypeError, PathError, UserMessageError

    try:
        yield
    except PathError as problem:
        reason = " ".join(str(problem).split())
        raise _untrustworthy(f"names a path that leads out of its folder or of the repository: {reason}") from None
    except (ValueError, InvalidTypeError, UserMessageError) as problem:
        text = " ".join(str(problem).split())
        if found := _INVALID.fullmatch(text) or _NO_CHOICE.fullmatch(text):
            name, reason = found.groups()
            raise UserError(f"{name}: {reason}", fix=f"answer {name} otherwise", at=blame([name], answers)) from None
        if found := _REQUIRED.fullmatch(text):
            open_ = list(dict.fromkeys((found[1], *unanswered)))
            verbs = "have no default and were" if len(open_) > 1 else "has no default and was"
            given = " ".join(f"--data {name}=…" for name in open_)
            raise UserError(
                f"{' and '.join(open_)} {verbs} not answered",
                fix=f"give {given}, an answers file, or a terminal to ask on",
            ) from None
        if found := _UNKNOWN_REVISION.fullmatch(text):
            raise UserError(f"the template has no version {found[1]}", fix=_VERSIONS_FIX) from None
        if isinstance(problem, UserMessageError):
            raise UserError(text) from None
        raise
    except OSError as problem:
        written = getattr(problem, "stderr", None)  # of a Git command that Copier ran
        if not written:
            raise
        raise UserError(
            f"Git could not read the template: {str(written).strip().splitlines()[-1]}",
            fix=_VERSIONS_FIX,
        ) from None
