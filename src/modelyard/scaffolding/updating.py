"""`modelyard update`: a newer template, merged three ways, one commit for each answers file."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from modelyard.findings import ExitCode, UserError
from modelyard.repository import ANSWERS, ENVIRONMENTS
from modelyard.repository.journal import finish_interrupted, write_together
from modelyard.scaffolding import git
from modelyard.scaffolding.conflicts import Conflict, conflicting_files, conflicts
from modelyard.scaffolding.copying import merge, refuse_link_out
from modelyard.scaffolding.questionnaire import Questionnaire, Scope, given_answers
from modelyard.scaffolding.recorded import recorded_answers
from modelyard.scaffolding.source import TemplateSource, newest_version, same_version
from modelyard.scaffolding.trust import Tell, require_trusted, tell_template
from modelyard.tooling import require
from modelyard.tooling.confinement import confined
from modelyard.wording import join_and

Migrate = Callable[[Path, Sequence[str], str], tuple[str, ...]]
"""Does what a version of the template asks of environments' files, and returns what it did."""

_FIXED = ("scope", "environment_name")
"""Answers that say which files these are, so that another answer would write others; they are not asked again."""


@dataclass(frozen=True, slots=True)
class MergeStep:
    """What was merged for one answers file.

    Attributes:
        subject: `repository`, or `environment <name>`.
        before: Version of the template that it was at.
        after: Version that it is at now.
        commit: The commit that was made; None when nothing changed, or there are conflicts.
        migrations: What was done to the user's own files besides.
    """

    subject: str
    before: str
    after: str
    commit: str | None = None
    migrations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Updated:
    """The outcome of an update.

    Attributes:
        steps: What was merged, in order; with conflicts, the last one is unfinished.
        conflicts: Files with conflicts to resolve, relative to the repository.
        replaced_answers: Recorded answers that the newer template does not accept and that its defaults replaced.
        remaining: Subjects that were not reached.
        details: What each side of the conflicts wants.
        diff: What would change, for an update that is only tried.
    """

    steps: tuple[MergeStep, ...]
    conflicts: tuple[str, ...] = ()
    replaced_answers: tuple[str, ...] = ()
    remaining: tuple[str, ...] = ()
    details: tuple[Conflict, ...] = ()
    diff: str = ""

    @property
    def exit_code(self) -> ExitCode:
        """1 when something is left for the user to decide."""
        return ExitCode.FINDINGS if self.conflicts or self.replaced_answers else ExitCode.CLEAN

    @property
    def hint(self) -> str:
        """What to do next; empty when nothing is."""
        if not self.conflicts and not self.replaced_answers:
            return ""
        first = "resolve the conflicts" if self.conflicts else "look at the answers that were replaced"
        rest = f", then run `modelyard update` again for {', '.join(self.remaining)}" if self.remaining else ""
        return f"{first}, `git add` and commit{rest}"


@dataclass(frozen=True, slots=True)
class _Subject:
    name: str
    answers_file: str
    environment: str | None = None

    @property
    def scope(self) -> Scope:
        return "repository" if self.environment is None else "environment"

    def answers(self, root: Path) -> dict[str, Any]:
        return recorded_answers(root, self.answers_file)


def update(
    repository: Path,
    *,
    environment: str | None = None,
    ref: str | None = None,
    interactive: bool | None = None,
    answers: Mapping[str, str] | None = None,
    ask: bool = False,
    dry_run: bool = False,
    migrate: Migrate | None = None,
    template: str | None = None,
    tell: Tell = lambda line: None,
) -> Updated:
    """Merge a newer version of the template, or other answers to its questions, into a GitOps repository.

    First the repository itself, then each environment, each as a commit of its own. What merges cleanly is worked out
    in a clone and arrives whole; a conflict stops the update, and is left in the work tree to be resolved.

    Args:
        repository: Top of the repository; its work tree is clean.
        environment: Update this environment only.
        ref: Version of the template. When None, its newest tag; with other answers, the one that is recorded.
        interactive: Whether to ask new questions on the terminal; when None, whether there is one.
        answers: Answers that take the place of recorded ones.
        ask: Whether to ask every question anew, with the recorded answers as defaults.
        dry_run: Whether the repository is left as it is, and the outcome holds the diff.
        migrate: Called after each merge without conflicts.
        template: The recorded template, named by a user who never named it before.
        tell: Told in one line which template at which commit is taken.

    Raises:
        UserError: The repository is in no state for it, an answer is not valid, or the template cannot be read; then
            nothing was changed.
    """
    require("git")
    root = repository.expanduser().absolute()
    finish_interrupted(root)
    subjects = _subjects(root, environment)
    git.require_repository(root)
    _refuse_unclean(root)
    for address in dict.fromkeys(_readable_template(root, subject, template) for subject in subjects):
        tell_template(tell, address, ref or newest_version(address.removeprefix("git+")))
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if ask and not terminal:
        raise UserError("--ask needs a terminal to ask on", fix="give answers by --set QUESTION=ANSWER")
    given = _by_subject(root, subjects, answers or {}, ref, environment)
    keeps_version = ref is None and (ask or bool(answers))
    asks = interactive if interactive is not None else terminal
    identity = git.author(root)
    steps: list[MergeStep] = []
    with tempfile.TemporaryDirectory(prefix="modelyard-update-") as scratch:
        clone = Path(scratch) / root.name
        git.clone_here(root, clone)
        for number, subject in enumerate(subjects):
            to = subject.answers(clone)["_commit"] if keeps_version else ref
            own = given.get(subject.name, {})
            outcome = _merged(clone, subject, to, interactive=asks, answers=own, ask=ask)
            if outcome.conflicts or outcome.replaced_answers:
                remaining = tuple(each.name for each in subjects[number + 1 :])
                if not dry_run:
                    _take_over(root, clone)
                    _leave_to_resolve(root, clone)
                diff = _difference(root, clone) if dry_run else ""
                return replace(outcome, steps=(*steps, *outcome.steps), remaining=remaining, diff=diff)
            (step,) = outcome.steps
            if migrate is not None:
                step = replace(step, migrations=migrate(clone, _environments(clone, subject), step.after))
            if git.output(clone, *git.STATUS):
                step = replace(step, commit=git.commit_everything(clone, _message(step, own, ask=ask), identity))
            steps.append(step)
        if dry_run:
            return Updated(tuple(steps), diff=_difference(root, clone))
        _take_over(root, clone)
    return Updated(tuple(steps))


def _message(step: MergeStep, answers: Mapping[str, str], *, ask: bool) -> str:
    if step.before != step.after:
        return f"Update the template of the {step.subject} from {step.before} to {step.after}"
    if answers or ask:
        what = f": {', '.join(answers)}" if answers else ""
        return f"Change answers of the {step.subject}{what}"
    return f"Do what {step.after} of the template asks of the {step.subject}"


def _difference(root: Path, clone: Path) -> str:
    """Return what a clone, committed or not, has that the repository has not."""
    git.git(clone, "add", "--all")
    return git.output(clone, *git.DIFF, git.output(root, "rev-parse", "HEAD"))


def _environments(root: Path, subject: _Subject) -> list[str]:
    """Return the environments whose files a subject's update reaches."""
    if subject.environment is not None:
        return [subject.environment]
    return sorted(file.parent.name for file in (root / ENVIRONMENTS).glob(f"*/{ANSWERS}"))


def _by_subject(
    root: Path, subjects: Sequence[_Subject], answers: Mapping[str, str], ref: str | None, environment: str | None
) -> dict[str, dict[str, str]]:
    """Return the given answers by the subject that is asked for them.

    Raises:
        UserError: Nobody asks, or it is not said which environment is meant.
    """
    if not answers:
        return {}
    given = given_answers(None, answers)
    recorded = subjects[-1].answers(root)
    questionnaire = Questionnaire.of(TemplateSource(recorded["_src_path"], ref or recorded["_commit"]))
    questionnaire.check(given)
    several = [each.name for each in subjects if each.environment is not None]
    for name in given:
        scopes = questionnaire.questions[name].scopes
        if name == "environment_name":
            raise UserError(
                "environment_name is the name of a folder, which an update does not move",
                fix="add an environment by `modelyard env add`, and remove the other",
            )
        if environment is None and scopes == {"environment"} and len(several) > 1:
            raise UserError(f"{name} is asked of each environment", fix=f"say which one by --env: {', '.join(several)}")
        if environment is not None and "environment" not in scopes:
            raise UserError(f"{name} is asked of the repository, not of an environment", fix="leave out --env")
    return {each.name: questionnaire.for_scope(given, each.scope) for each in subjects}


def _subjects(root: Path, environment: str | None) -> list[_Subject]:
    if not (root / ANSWERS).is_file():
        raise UserError(
            f"{root} is not a GitOps repository that Modelyard wrote: it has no {ANSWERS}",
            fix="run the command at the top of one, or name it",
        )
    found = {
        file.parent.name: _Subject(
            f"environment {file.parent.name}", file.relative_to(root).as_posix(), file.parent.name
        )
        for file in sorted((root / ENVIRONMENTS).glob(f"*/{ANSWERS}"))
    }
    if environment is None:
        return [_Subject("repository", ANSWERS), *found.values()]
    if environment not in found:
        known = ", ".join(found) or "none"
        raise UserError(f"there is no environment {environment} here", fix=f"environments of this repository: {known}")
    return [found[environment]]


def _refuse_unclean(root: Path) -> None:
    unmerged = git.paths(root, *git.DIFF, "--name-only", "--diff-filter=U", "-z")
    if unmerged:
        raise UserError(
            f"conflicts of an earlier update or merge are unresolved: {join_and(unmerged, most=5)}",
            fix="resolve them, `git add` and commit, then run the command again",
            exit_code=ExitCode.FINDINGS,
        )
    changed = [line[3:] for line in git.output(root, *git.STATUS, "-z").split("\0") if len(line) > 3]
    if changed:
        raise UserError(
            f"the work tree has changes that are not committed: {join_and(changed, most=5)}",
            fix="commit them or put them away with `git stash`, so that the update can be told from them",
        )


def _readable_template(root: Path, subject: _Subject, named: str | None) -> str:
    source: str = subject.answers(root)["_src_path"]
    shorthand = source.startswith(("gh:", "gl:"))
    url = source.removeprefix("git+")
    is_url = "://" in url or (":" in url and not url.startswith("/"))
    if not shorthand and not is_url and not Path(url).is_absolute():
        raise UserError(
            f"{subject.answers_file} names its template by the relative path {source}, which means nothing here",
            fix="write the template's Git URL or absolute folder as _src_path, and commit",
        )
    require_trusted(source, named, subject.answers_file)
    if not shorthand:
        git.reachable(url)
    return source


def _merged(
    root: Path,
    subject: _Subject,
    ref: str | None,
    *,
    interactive: bool,
    answers: Mapping[str, Any] | None = None,
    ask: bool = False,
) -> Updated:
    """Merge one subject into a work tree, and look at what Copier does not tell."""
    before = subject.answers(root)
    ref = ref or newest_version(before["_src_path"].removeprefix("git+"))
    given = answers or {}
    news = ask or any(str(before.get(name)) != str(text) for name, text in given.items())
    recorded = before["_commit"]
    if ref is not None and same_version(recorded, ref) and not news:
        return Updated((MergeStep(subject.name, recorded, recorded),))
    fixed = {name: before[name] for name in _FIXED if name in before}
    merge(root, subject.answers_file, ref, interactive=interactive, answers=fixed | dict(given), ask=ask)
    for path in git.paths(root, *git.STATUS, "--untracked-files=all", "--no-renames", "-z"):
        refuse_link_out(root, Path(path[3:]))
    after = subject.answers(root)
    replaced = tuple(
        f"{name}: {before[name]} → {after[name]}"
        for name in before
        if not (name.startswith("_") or ask or name in given) and name in after and after[name] != before[name]
    )
    step = MergeStep(subject.name, before["_commit"], after["_commit"])
    files = conflicting_files(root)
    return Updated((step,), conflicts=files, replaced_answers=replaced, details=conflicts(root, files))


def _take_over(root: Path, clone: Path) -> None:
    """Move the repository's branch to the commits that were made in the clone."""
    old, new = git.output(root, "rev-parse", "HEAD"), git.output(clone, "rev-parse", "HEAD")
    if old == new:
        return
    git.bring_objects(clone, root, f"{new}\n^{old}\n")
    git.git(root, "merge", "--quiet", "--ff-only", "--no-verify", new)


def _leave_to_resolve(root: Path, clone: Path) -> None:
    """Bring a merge with conflicts from the clone into the work tree, as one edit, with what Git knows as unmerged."""
    lines = git.git(clone, *git.STATUS, "--untracked-files=all", "--no-renames", "-z").stdout.split(b"\0")
    changed = [os.fsdecode(line[3:]) for line in lines if len(line) > 3]
    contents = {path: _bytes(confined(clone, path)) for path in changed}
    before = {path: _bytes(confined(root, path)) for path in changed}
    write_together(root, contents, before)
    unmerged = git.git(clone, "ls-files", "--unmerged", "-z").stdout
    if unmerged:
        blobs = {entry.split()[1] for entry in unmerged.split(b"\0") if entry}
        git.bring_objects(clone, root, b"\n".join(sorted(blobs)).decode() + "\n")
        paths = {entry.partition(b"\t")[2] for entry in unmerged.split(b"\0") if entry}
        merged = b"".join(b"0 " + b"0" * len(next(iter(blobs))) + b"\t" + path + b"\0" for path in sorted(paths))
        git.git(root, "update-index", "-z", "--index-info", stdin=merged + unmerged)


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
