"""`modelyard update`: a newer template, merged three ways, one commit for each answers file."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from modelyard.findings import ExitCode, Refusal
from modelyard.scaffolding import git
from modelyard.scaffolding.copying import merge
from modelyard.scaffolding.new import ANSWERS_FILE, ENVIRONMENTS
from modelyard.scaffolding.source import newest_release
from modelyard.tooling import require

_MARKERS = (b"<<<<<<< before updating", b">>>>>>> after updating")


@dataclass(frozen=True, slots=True)
class Step:
    """What was merged for one answers file.

    Attributes:
        subject: `repository`, or `environment <name>`.
        before: Version of the template that it was at.
        after: Version that it is at now.
        commit: The commit that was made; None when nothing changed, or there are conflicts.
    """

    subject: str
    before: str
    after: str
    commit: str | None = None


@dataclass(frozen=True, slots=True)
class Updated:
    """The outcome of an update.

    Attributes:
        steps: What was merged, in order; with conflicts, the last one is unfinished.
        conflicts: Files with conflicts to resolve, relative to the repository.
        replaced_answers: Recorded answers that the newer template does not accept and that its defaults replaced.
        remaining: Subjects that were not reached.
    """

    steps: tuple[Step, ...]
    conflicts: tuple[str, ...] = ()
    replaced_answers: tuple[str, ...] = ()
    remaining: tuple[str, ...] = ()

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

    def answers(self, root: Path) -> dict[str, Any]:
        content = yaml.safe_load((root / self.answers_file).read_text(encoding="utf-8"))
        if not isinstance(content, dict) or not content.get("_src_path") or not content.get("_commit"):
            raise Refusal(
                f"{self.answers_file} does not say which template wrote it (_src_path, _commit)",
                fix="restore the file as the template wrote it",
            )
        return content


def update(
    repository: Path, *, environment: str | None = None, ref: str | None = None, interactive: bool | None = None
) -> Updated:
    """Merge a newer version of the template into a GitOps repository.

    First the repository itself, then each environment, each as a commit of its own. What merges cleanly is worked out
    in a clone and arrives whole; a conflict stops the update, and is left in the work tree to be resolved.

    Args:
        repository: Top of the repository; its work tree is clean.
        environment: Update this environment only.
        ref: Version of the template; its newest tag when None.
        interactive: Whether to ask new questions on the terminal; when None, whether there is one.

    Raises:
        Refusal: The repository is in no state for it, or the template cannot be read; then nothing was changed.
    """
    require("git")
    root = repository.expanduser().absolute()
    subjects = _subjects(root, environment)
    git.require_repository(root)
    _refuse_unclean(root)
    for subject in subjects:
        _refuse_unreadable_template(root, subject)
    asks = interactive if interactive is not None else sys.stdin.isatty() and sys.stdout.isatty()
    identity = git.author(root)
    steps: list[Step] = []
    with tempfile.TemporaryDirectory(prefix="modelyard-update-") as scratch:
        clone = Path(scratch) / root.name
        git.git(root, "clone", "--quiet", "--shared", "--no-tags", "--", str(root), str(clone))
        for number, subject in enumerate(subjects):
            outcome = _merged(clone, subject, ref, interactive=asks)
            if outcome.conflicts or outcome.replaced_answers:
                _take_over(root, clone)
                # The same merge once more, where the user resolves it.
                answers = {name: value for name, value in subject.answers(clone).items() if not name.startswith("_")}
                outcome = _merged(root, subject, ref, interactive=False, answers=answers)
                remaining = tuple(each.name for each in subjects[number + 1 :])
                return Updated((*steps, *outcome.steps), outcome.conflicts, outcome.replaced_answers, remaining)
            (step,) = outcome.steps
            if git.output(clone, "status", "--porcelain"):
                message = f"Update the template of the {step.subject} from {step.before} to {step.after}"
                commit = git.commit_everything(clone, message, identity)
                step = Step(step.subject, step.before, step.after, commit)
            steps.append(step)
        _take_over(root, clone)
    return Updated(tuple(steps))


def _subjects(root: Path, environment: str | None) -> list[_Subject]:
    if not (root / ANSWERS_FILE).is_file():
        raise Refusal(
            f"{root} is not a GitOps repository that Modelyard wrote: it has no {ANSWERS_FILE}",
            fix="run the command at the top of one, or name it",
        )
    found = {
        file.parent.name: _Subject(f"environment {file.parent.name}", file.relative_to(root).as_posix())
        for file in sorted((root / ENVIRONMENTS).glob(f"*/{ANSWERS_FILE}"))
    }
    if environment is None:
        return [_Subject("repository", ANSWERS_FILE), *found.values()]
    if environment not in found:
        known = ", ".join(found) or "none"
        raise Refusal(f"there is no environment {environment} here", fix=f"environments of this repository: {known}")
    return [found[environment]]


def _refuse_unclean(root: Path) -> None:
    unmerged = git.paths(root, "diff", "--name-only", "--diff-filter=U", "-z")
    if unmerged:
        raise Refusal(
            f"conflicts of an earlier update or merge are unresolved: {_listed(unmerged)}",
            fix="resolve them, `git add` and commit, then run the command again",
            exit_code=ExitCode.FINDINGS,
        )
    changed = [line[3:] for line in git.output(root, "status", "--porcelain", "-z").split("\0") if len(line) > 3]
    if changed:
        raise Refusal(
            f"the work tree has changes that are not committed: {_listed(changed)}",
            fix="commit them or put them away with `git stash`, so that the update can be told from them",
        )


def _refuse_unreadable_template(root: Path, subject: _Subject) -> None:
    source = str(subject.answers(root)["_src_path"])
    if source.startswith(("gh:", "gl:")):
        return
    url = source.removeprefix("git+")
    is_url = "://" in url or (":" in url and not url.startswith("/"))
    if not is_url and not Path(url).is_absolute():
        raise Refusal(
            f"{subject.answers_file} names its template by the relative path {source}, which means nothing here",
            fix="write the template's Git URL or absolute folder as _src_path, and commit",
        )
    git.reachable(url)


def _merged(
    root: Path, subject: _Subject, ref: str | None, *, interactive: bool, answers: dict[str, Any] | None = None
) -> Updated:
    """Merge one subject into a work tree, and look at what Copier does not tell."""
    before = subject.answers(root)
    ref = ref or newest_release(str(before["_src_path"]).removeprefix("git+"))
    if ref is not None and before["_commit"] == ref:
        return Updated((Step(subject.name, ref, ref),))
    merge(root, subject.answers_file, ref, interactive=interactive, answers=answers)
    after = subject.answers(root)
    replaced = tuple(
        f"{name}: {before[name]} → {after[name]}"
        for name in before
        if not name.startswith("_") and name in after and after[name] != before[name]
    )
    step = Step(subject.name, str(before["_commit"]), str(after["_commit"]))
    return Updated((step,), conflicts=_conflicts(root), replaced_answers=replaced)


def _conflicts(root: Path) -> tuple[str, ...]:
    """Return files that are unmerged in the index, hold conflict markers, or have rejected hunks beside them."""
    unmerged = git.paths(root, "diff", "--name-only", "--diff-filter=U", "-z")
    rejected = [name for name in git.paths(root, "ls-files", "--others", "-z") if name.endswith(".rej")]
    changed = git.paths(root, "diff", "--name-only", "--diff-filter=d", "-z", "HEAD")
    marked = [name for name in changed if _has_markers(root / name)]
    return tuple(sorted({*unmerged, *rejected, *marked}))


def _has_markers(file: Path) -> bool:
    if file.is_symlink() or not file.is_file():
        return False
    with file.open("rb") as lines:
        return any(line.rstrip() in _MARKERS for line in lines)


def _take_over(root: Path, clone: Path) -> None:
    """Move the repository's branch to the commits that were made in the clone."""
    if git.output(root, "rev-parse", "HEAD") == git.output(clone, "rev-parse", "HEAD"):
        return
    git.git(root, "fetch", "--quiet", "--no-tags", "--", str(clone), "HEAD")
    git.git(root, "merge", "--quiet", "--ff-only", "FETCH_HEAD")


def _listed(names: list[str], most: int = 5) -> str:
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
