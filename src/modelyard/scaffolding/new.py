"""`modelyard new`: a GitOps repository, or an environment in one."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modelyard.findings import UserError
from modelyard.repository import ANSWERS, ENVIRONMENTS
from modelyard.repository.journal import finish_interrupted, scratch_folder
from modelyard.repository.limits import content_of
from modelyard.repository.trust import made_here
from modelyard.scaffolding import git
from modelyard.scaffolding.copying import copy
from modelyard.scaffolding.questionnaire import Answer, Questionnaire, Scope, given_answers
from modelyard.scaffolding.recorded import recorded_answers
from modelyard.scaffolding.source import TemplateSource, offered, template_source
from modelyard.scaffolding.trust import Tell, require_trusted, tell_template, trust
from modelyard.tooling import require


@dataclass(frozen=True, slots=True)
class Scaffolded:
    """What was written.

    Attributes:
        repository: Top of the GitOps repository.
        environment: The environment that was written.
        template: Version of the template, as `git describe` names it, and whether that is not all of it.
        commit: The first commit of a new repository; None for an environment, which is left to be committed.
        files: Texts by path from the repository, for an environment that is only tried.
    """

    repository: Path
    environment: str
    template: str
    commit: str | None
    files: Mapping[str, str] = field(default_factory=dict)


def new_repository(
    destination: Path,
    *,
    environment: str | None = None,
    template: str | None = None,
    ref: str | None = None,
    answers_file: Path | None = None,
    data: Mapping[str, str] | None = None,
    interactive: bool | None = None,
    tell: Tell = lambda line: None,
) -> Scaffolded:
    """Write a GitOps repository with one environment, and commit it.

    Args:
        destination: Folder that does not exist or is empty.
        environment: Name of its first environment; when None, it is taken from the answers or asked.
        template: Folder or Git URL of the template; the one that this package came from when None.
        ref: Tag, branch or commit of the template.
        answers_file: YAML file with answers of both scopes.
        data: Answers from the command line, which win over the file.
        interactive: Whether to ask for what is not answered; when None, whether there is a terminal.
        tell: Told in one line which template at which commit is taken.

    Raises:
        UserError: Something is in the way; then nothing was written.
    """
    require("git")
    target = destination.expanduser().absolute()
    if target.is_symlink() or (target.exists() and not (target.is_dir() and not any(target.iterdir()))):
        raise UserError(
            f"{destination} is not empty",
            fix="name a folder that does not exist; inside a GitOps repository, --env adds an environment",
        )
    source = template_source(template, ref)
    with offered(source):
        return _write_repository(source, target, environment, answers_file, data, _interactive(interactive), tell)


def _write_repository(
    source: TemplateSource,
    target: Path,
    environment: str | None,
    answers_file: Path | None,
    data: Mapping[str, str] | None,
    asks: bool,
    tell: Tell,
) -> Scaffolded:
    questionnaire, answers = _prepared(source, answers_file, data, environment)
    tell_template(tell, source.url, source.ref)
    beside = next((each for each in target.parents if each.exists()), target.parent)
    with scratch_folder(beside, target) as scratch:
        rendered = scratch / target.name
        _announce(tell, questionnaire, answers, "repository", asks)
        copy(source, "repository", rendered, questionnaire, answers, interactive=asks)
        url = recorded_answers(rendered, ANSWERS)["repository_url"]
        answers["repository_url"] = Answer(url)  # not to be asked twice
        _announce(tell, questionnaire, answers, "environment", asks)
        copy(source, "environment", rendered, questionnaire, answers, interactive=asks)
        name = _only_environment(rendered)
        git.git(rendered, "init", "--quiet", "--initial-branch=main")
        version = _version(rendered, source)
        message = f"Start from Modelyard's template {version}, with the environment {name}"
        commit = git.commit_everything(rendered, message, git.author(rendered))
        _put(rendered, target)
    trust(source.url)
    made_here(target)
    return Scaffolded(target, name, version, commit)


def new_environment(
    repository: Path,
    *,
    environment: str | None = None,
    template: str | None = None,
    ref: str | None = None,
    answers_file: Path | None = None,
    data: Mapping[str, str] | None = None,
    interactive: bool | None = None,
    dry_run: bool = False,
    tell: Tell = lambda line: None,
) -> Scaffolded:
    """Write an environment into an existing GitOps repository; committing it is left to the user.

    Args:
        repository: Top of the repository.
        environment: Name of the environment.
        template: Folder or Git URL of the template; the one and the version that wrote the repository when None.
        ref: Tag, branch or commit of the template.
        answers_file: YAML file with answers; those of scope repository are ignored.
        data: Answers from the command line, which win over the file.
        interactive: Whether to ask for what is not answered; when None, whether there is a terminal.
        dry_run: Whether nothing is written, and the outcome holds the files.
        tell: Told in one line which template at which commit is taken.

    Raises:
        UserError: Something is in the way; then nothing was written.
    """
    require("git")
    root = repository.expanduser().absolute()
    finish_interrupted(root)
    own = root / ANSWERS
    if not own.is_file():
        raise UserError(
            f"{repository} is not a GitOps repository that Modelyard wrote: it has no {ANSWERS}",
            fix="name the top of one, or write one with `modelyard new NAME`",
        )
    recorded = recorded_answers(root, ANSWERS)
    if template is None:
        require_trusted(recorded["_src_path"], None, ANSWERS)
        template, ref = recorded["_src_path"], ref or recorded["_commit"]
    else:
        trust(template_source(template, ref).url)
    source = template_source(template, ref)
    with offered(source):
        return _write_environment(
            source, root, environment, answers_file, data, _interactive(interactive), dry_run, tell
        )


def _announce(
    tell: Tell, questionnaire: Questionnaire, answers: Mapping[str, Answer], scope: Scope, asks: bool
) -> None:
    """Say which questions come and that the template is read first, so that no silence looks like a hang."""
    if asks:
        number = len(questionnaire.asked(answers, scope))
        tell(f"{scope}: {number} questions at most, Enter takes the default; the template is read first, some seconds")


def _write_environment(
    source: TemplateSource,
    root: Path,
    environment: str | None,
    answers_file: Path | None,
    data: Mapping[str, str] | None,
    asks: bool,
    dry_run: bool,
    tell: Tell,
) -> Scaffolded:
    questionnaire, answers = _prepared(source, answers_file, data, environment)
    tell_template(tell, source.url, source.ref)
    named = answers.get("environment_name")
    if named is not None:
        _refuse_existing(root, named.text)
    elif not asks:
        raise UserError("the new environment has no name", fix="name it with --env")
    with scratch_folder(root) as scratch:
        shutil.copyfile(root / ANSWERS, scratch / ANSWERS)  # defaults come from the repository's answers
        _announce(tell, questionnaire, answers, "environment", asks)
        copy(source, "environment", scratch, questionnaire, answers, interactive=asks)
        name = _only_environment(scratch)
        _refuse_existing(root, name)
        rendered = scratch / ENVIRONMENTS / name
        version = _version(rendered, source)
        files: dict[str, str] = {}
        if dry_run:
            found = sorted(path for path in rendered.rglob("*") if path.is_file())
            files = {
                path.relative_to(scratch).as_posix(): content_of(path).decode("utf-8", "replace") for path in found
            }
        else:
            _put(rendered, root / ENVIRONMENTS / name)
    return Scaffolded(root, name, version, None, files)


def _prepared(
    source: TemplateSource,
    answers_file: Path | None,
    data: Mapping[str, str] | None,
    environment: str | None,
) -> tuple[Questionnaire, dict[str, Answer]]:
    answers = given_answers(answers_file, data)
    if environment is not None:
        answers["environment_name"] = Answer(environment)
    questionnaire = Questionnaire.of(source)
    questionnaire.check(answers)
    return questionnaire, answers


def _interactive(asked: bool | None) -> bool:
    return asked if asked is not None else sys.stdin.isatty() and sys.stdout.isatty()


def _put(rendered: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        rendered.rename(target)
    except OSError as problem:
        raise _unwritable(target, problem) from None


def _unwritable(path: Path, problem: OSError) -> UserError:
    return UserError(
        f"{path} cannot be written: {problem.strerror or problem}", fix="choose a folder that you may write to"
    )


def _refuse_existing(root: Path, name: str) -> None:
    if (root / ENVIRONMENTS / name).exists():
        raise UserError(
            f"the environment {name} exists already, in {ENVIRONMENTS}/{name}",
            fix="choose another name, or bring it up to date with `modelyard update`",
        )


def _only_environment(root: Path) -> str:
    return next(each.parent.name for each in sorted((root / ENVIRONMENTS).glob(f"*/{ANSWERS}")))


def _version(folder: Path, source: TemplateSource) -> str:
    version = str(recorded_answers(folder, ANSWERS)["_commit"])
    return f"{version} with uncommitted changes, which no update can start from" if source.dirty else version
