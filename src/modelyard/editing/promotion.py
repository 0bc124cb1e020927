"""Moving what was tried in one environment to the next: images, settings, or the revision that it is pinned to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from modelyard.editing.changes import Changes
from modelyard.editing.environment_folder import EnvironmentFiles, environment_files
from modelyard.editing.menu import Menu
from modelyard.editing.models import set_model, switch_feature
from modelyard.editing.patches import edit_patch, operations
from modelyard.editing.served import Served
from modelyard.editing.splicing import Text
from modelyard.findings import UserError
from modelyard.repository import ANSWERS
from modelyard.repository.layout import FACTS
from modelyard.tooling import find
from modelyard.tooling.git import git
from modelyard.tooling.words import revision_name

BOUND_TO_DEVICES = frozenset({"tensor-parallel-size", "pipeline-parallel-size", "data-parallel-size"})
"""Flags that follow from the devices of an environment, and stay."""

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{7,39}")
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")
_TARGETS = ("/spec/source/targetRevision", "/spec/sources/0/targetRevision")


@dataclass(slots=True)
class Promotion:
    """What moved, and what did not.

    Attributes:
        moved: What moved, one phrase each.
        kept: What differs and stays, one sentence each.
        left: Models that the source alone has, which do not move.
    """

    moved: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def promote(changes: Changes, source: str, target: str, model: str = "", revision: str = "") -> Promotion:
    """Move what was tried in one environment to another.

    An environment that is pinned to a tag or commit gets the revision of the other, and nothing else. Where both follow
    a branch, image tags, and settings and features of the models that both have move; with a model named, those of this
    one. Replicas and pools stay, with the flags and features that follow from what an environment is; nothing is
    taken away that the target alone has.

    Args:
        changes: The edit.
        source: The environment where it was tried.
        target: The environment that gets it.
        model: One model only; empty for all.
        revision: Tag, branch or commit that the target is pinned to; empty takes the source's.

    Raises:
        UserError: There is no such environment or model, or the revision is none.
    """
    if source == target:
        raise UserError(f"{source} cannot be promoted to itself", fix="name two environments")
    before, after = environment_files(changes, source), environment_files(changes, target)
    if model and revision:
        raise UserError("a revision is promoted for a whole environment", fix="leave out --model or --revision")
    own = str(after.facts.get("revision") or "main")
    if not model and (revision or is_pinned(changes, own)):
        return _pinned(changes, before, after, own, revision)
    made = Promotion()
    menu = Menu(changes.files)
    names = [model] if model else [each for each in before.models if each in after.models]
    for name in names:
        if name not in after.models:
            raise UserError(
                f"environment {target} has no model {name}", fix=f"add it first: {_adding(before, name, target, menu)}"
            )
    images = None if not model else _images_of(Served(before, model, menu))
    _tags(changes, before, after, images, menu, made)
    for name in names:
        _settings(changes, before, after, name, menu, made)
    if not model:
        made.left = [each for each in before.models if each not in after.models]
        made.kept += [
            f"{each} is in {source} alone: {_adding(before, each, target, menu)} adds it, and then "
            f"modelyard promote {source} {target} --model {each} its settings"
            for each in made.left
        ]
    return made


def _adding(source: EnvironmentFiles, name: str, target: str, menu: Menu) -> str:
    """Return the command that adds a model to an environment as another has it."""
    served = Served(source, name, menu)
    required = served.overlay.requires if served.overlay else ()
    features = "".join(
        f" --feature {each}"
        for each in served.features
        if each not in required and each in menu.features and not menu.features[each].follows
    )
    return f"modelyard model add {served.overlay_name or name} --env {target} --name {name}{features}"


def is_pinned(changes: Changes, revision: str) -> bool:
    """Return whether a revision is a commit or a tag rather than a branch."""
    if _COMMIT.fullmatch(revision):
        return True
    return bool(_git(changes, "rev-parse", "--verify", "--quiet", f"refs/tags/{revision_name(revision)}"))


def set_revision(changes: Changes, environment: EnvironmentFiles, revision: str) -> None:
    """Let the Applications of an environment follow another revision."""
    if not _REVISION.fullmatch(revision) or ".." in revision or revision.endswith(".lock"):
        raise UserError(f"'{revision}' is not a branch, tag or commit", fix="name one, such as v1.2.0")
    facts = f"{environment.folder}/{FACTS}"
    changes.edit(facts, lambda text: text.set_scalar(["revision"], revision))
    file = environment.list
    for each in list(operations(Text(file, changes.text(file)))):
        if each.path in _TARGETS:
            edit_patch(changes, file, each.item, Text.set_scalar, ["operations", each.position, "value"], revision)
    answers = f"{environment.folder}/{ANSWERS}"
    if environment.answers.get("revision") is not None:
        # As the template would have answered it, so that an update sees no difference.
        changes.edit(answers, lambda text: text.set_scalar(["revision"], revision))


def _pinned(changes: Changes, before: EnvironmentFiles, after: EnvironmentFiles, own: str, wanted: str) -> Promotion:
    made = Promotion()
    source = str(before.facts.get("revision") or "main")
    revision = wanted or (source if is_pinned(changes, source) else _commit_of(changes, source, before.name))
    if wanted and not _git(changes, "rev-parse", "--verify", "--quiet", f"{revision_name(wanted)}^{{commit}}"):
        raise UserError(
            f"this clone has no revision {wanted}", fix="fetch it, or name a tag, branch or commit that is here"
        )
    if revision == own:
        return made
    set_revision(changes, after, revision)
    made.moved.append(f"revision {own} → {revision}")
    old, new = revision_name(own), revision_name(revision)
    count = _git(changes, "rev-list", "--count", f"{old}..{new}")
    back = _git(changes, "rev-list", "--count", f"{new}..{old}")
    if count:
        made.kept.append(
            f"{count} commits arrive; modelyard diff {own}..{revision} --env {after.name} shows what they change"
        )
    if back not in ("", "0"):
        made.kept.append(f"{back} commits of {own} are not in {revision}: this goes back")
    return made


def _commit_of(changes: Changes, branch: str, environment: str) -> str:
    """Return the commit that a branch is at, as the server has it where that is known."""
    revision_name(branch)
    for name in (f"refs/remotes/origin/{branch}", f"refs/heads/{branch}"):
        commit = _git(changes, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        if commit:
            return commit
    raise UserError(
        f"{environment} follows {branch}, which this clone does not have",
        fix="fetch it, or name what to move to with --revision",
    )


def _tags(
    changes: Changes,
    before: EnvironmentFiles,
    after: EnvironmentFiles,
    images: tuple[str, ...] | None,
    menu: Menu,
    made: Promotion,
) -> None:
    source, target = (f"{each.folder}/versions/kustomization.yaml" for each in (before, after))
    if not changes.exists(source) or not changes.exists(target):
        made.kept.append("image tags: an environment has no versions/kustomization.yaml")
        return
    theirs = {name: tag for _, name, tag in _images(Text(source, changes.text(source)))}
    moved = set()
    for index, name, tag in _images(Text(target, changes.text(target))):
        wanted = theirs.get(name, tag)
        if wanted == tag or (images is not None and name not in images):
            continue
        text = Text(target, changes.text(target))
        text.set_scalar(["images", index, "newTag"], wanted)
        changes.write(target, str(text))
        moved.add(name)
        made.moved.append(f"{name} {tag} → {wanted}")
        if images is not None:
            made.kept.append(
                f"{name} is tagged for all models of {after.name}, so that others of this engine restart too"
            )
    _patches(changes, source, target, _moved_workloads(menu, moved))


def _images(text: Text) -> Iterator[tuple[int, str, str]]:
    for index, each in enumerate(text.items(["images"])):
        if isinstance(each, dict) and "newTag" in each:
            yield index, str(each.get("name")), str(each["newTag"])


def _moved_workloads(menu: Menu, images: set[str]) -> set[str]:
    """Return the kinds of workload whose engines all have an image among those that moved."""
    kept = {each.workload for each in menu.engines.values() if not images.intersection(each.images)}
    return {each.workload for each in menu.engines.values()} - kept


def _patches(changes: Changes, source: str, target: str, kinds: set[str]) -> None:
    """Move what the versions say of workloads by a patch, as of the version of Ray in its image, beside that image."""
    theirs = {(each.kind, each.path): each.value for each in operations(Text(source, changes.text(source)))}
    for each in list(operations(Text(target, changes.text(target)))):
        wanted = theirs.get((each.kind, each.path)) if each.kind in kinds else None
        if isinstance(wanted, str) and wanted != each.value:
            edit_patch(changes, target, each.item, Text.set_scalar, ["operations", each.position, "value"], wanted)


def _images_of(served: Served) -> tuple[str, ...]:
    engine = served.engine
    return engine.images if engine is not None else ()


def _settings(
    changes: Changes, before: EnvironmentFiles, after: EnvironmentFiles, name: str, menu: Menu, made: Promotion
) -> None:
    source, target = Served(before, name, menu), Served(after, name, menu)
    if source.overlay_name != target.overlay_name:
        engines = (source.engine, target.engine)
        if None in engines or engines[0] != engines[1]:
            made.kept.append(
                f"{name} takes overlay {target.overlay_name} in {after.name} and {source.overlay_name} in "
                f"{before.name}, on another engine"
            )
            return
        made.moved.append(f"{name}: overlay {target.overlay_name} → {source.overlay_name}")
        set_model(changes, after.name, name, {}, overlay=source.overlay_name)
    theirs, own = source.flags, target.flags
    moving = {
        flag: "true" if value is True else str(value)
        for flag, value in theirs.items()
        if flag not in BOUND_TO_DEVICES and own.get(flag) != value
    }
    if moving:
        set_model(changes, after.name, name, moving)
        made.moved += [f"{name}: {flag} {own.get(flag, 'unset')} → {value}" for flag, value in moving.items()]
    lone = [flag for flag in own if flag not in theirs and flag.removeprefix("no-") not in theirs]
    if lone:
        made.kept.append(f"{name}: {after.name} sets {', '.join(lone)}, which {before.name} does not")
    bound = [flag for flag in theirs if flag in BOUND_TO_DEVICES and own.get(flag) != theirs[flag]]
    if bound:
        made.kept.append(f"{name}: {', '.join(bound)} follows from the devices of {before.name}")
    _features(changes, source, target, menu, made)


def _features(changes: Changes, source: Served, target: Served, menu: Menu, made: Promotion) -> None:
    """Switch on what the source has and the target lacks, but for what follows from the environment itself."""
    name, own = target.name, target.environment.name
    for feature in source.features:
        about = menu.features.get(feature)
        if feature in target.features:
            continue
        if about is None or about.follows:
            what = f"follows the {about.follows} of an environment" if about else "is none of this repository's"
            made.kept.append(f"{name}: feature {feature} {what}, and stays off in {own}")
            continue
        try:
            switch_feature(changes, own, name, feature, on=True)
        except UserError as error:
            made.kept.append(f"{name}: feature {feature} stays off in {own}: {error.message}; {error.fix}")
            continue
        made.moved.append(f"{name}: feature {feature} on")
        made.kept += [f"this must be so in {own}: {each[:1].lower()}{each[1:]}" for each in about.assumes]
    lone = [each for each in target.features if each not in source.features]
    if lone:
        made.kept.append(f"{name}: {own} has {', '.join(lone)}, which {source.environment.name} does not")


def _git(changes: Changes, *words: str) -> str:
    if find("git") is None or not (changes.root / ".git").exists():
        return ""
    done = git(changes.root, *words)
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else ""
