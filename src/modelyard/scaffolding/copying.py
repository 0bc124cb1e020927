"""Copier, without its traps: see docs/adr/0022-a-wrapper-around-copier.md."""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelyard.findings import Refusal
from modelyard.scaffolding.questionnaire import Answer, Questionnaire, Scope, blame
from modelyard.scaffolding.source import TemplateSource

_INVALID = re.compile(r"Validation error for question '(\w+)': (.*)", re.DOTALL)
_NO_CHOICE = re.compile(r"Invalid choice for '(\w+)': (.*)", re.DOTALL)
_UNKNOWN_REVISION = re.compile(r"Unknown revision: '(.*)'")
_REQUIRED = re.compile(r'Question "(\w+)" is required')
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
        Refusal: An answer is not valid, or one without a default is missing.
    """
    import copier  # 0.3 s to import, which commands other than this one should not pay

    data = {**questionnaire.for_scope(answers, scope), "scope": scope}
    with _refusals(answers, questionnaire.unanswered(answers, scope)), _quiet():
        copier.run_copy(
            source.url,
            destination,
            data=data,
            vcs_ref=source.ref,
            defaults=not interactive,
            overwrite=True,
            quiet=True,
        )


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
        Refusal: Copier refuses, or an answer is not valid.
    """
    import copier

    with _refusals({}), _quiet():
        copier.run_update(
            repository,
            data=dict(answers or {}),
            answers_file=answers_file,
            vcs_ref=ref,
            defaults=not (interactive or ask),
            skip_answered=not ask,
            overwrite=True,
            conflict="inline",
            context_lines=3,  # with one line, hunks of repetitive YAML land in the wrong list
            quiet=True,
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a folder's uncommitted changes are included on purpose
        yield


@contextlib.contextmanager
def _refusals(answers: Mapping[str, Answer], unanswered: Sequence[str] = ()) -> Iterator[None]:
    """Turn what a user can mend into a refusal that names the question, and all that have no answer at once."""
    from copier.errors import InvalidTypeError, UserMessageError

    try:
        yield
    except (ValueError, InvalidTypeError, UserMessageError) as problem:
        text = " ".join(str(problem).split())
        if found := _INVALID.fullmatch(text) or _NO_CHOICE.fullmatch(text):
            name, reason = found.groups()
            raise Refusal(f"{name}: {reason}", fix=f"give another {name}", at=blame([name], answers)) from None
        if found := _REQUIRED.fullmatch(text):
            open_ = list(dict.fromkeys((found[1], *unanswered)))
            verbs = "have no default and were" if len(open_) > 1 else "has no default and was"
            given = " ".join(f"--data {name}=…" for name in open_)
            raise Refusal(
                f"{' and '.join(open_)} {verbs} not answered",
                fix=f"give {given}, an answers file, or a terminal to ask on",
            ) from None
        if found := _UNKNOWN_REVISION.fullmatch(text):
            raise Refusal(f"the template has no version {found[1]}", fix=_VERSIONS_FIX) from None
        if isinstance(problem, UserMessageError):
            raise Refusal(text) from None
        raise
    except OSError as problem:
        written = getattr(problem, "stderr", None)  # of a Git command that Copier ran
        if not written:
            raise
        raise Refusal(
            f"Git could not read the template: {str(written).strip().splitlines()[-1]}",
            fix=_VERSIONS_FIX,
        ) from None
