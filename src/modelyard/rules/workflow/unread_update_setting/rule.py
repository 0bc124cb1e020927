"""Settings of Renovate by which it updates nothing, without a word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from modelyard.catalog import renovate_managers
from modelyard.findings import Address, Finding, NotChecked, error
from modelyard.repository.json import MalformedJSON, parsed
from modelyard.rules import rule
from modelyard.rules.wording import nearest
from modelyard.view import Environment, LineAddress, listed, mapping, text

_FILES = (".github/renovate.json", "renovate.json", ".renovaterc.json")
_PATTERN = re.compile(r"/(.*)/([a-z]*)", re.DOTALL)
_DEEPEST = 5
_GROUP = re.compile(r"\(\?<([A-Za-z]\w*)>")
# https://docs.renovatebot.com/modules/manager/regex/#required-fields, read 2026-12-01
_NEEDED = {
    "currentValue": ("currentValue", "currentDigest"),
    "depName": ("depName", "packageName"),
    "datasource": ("datasource",),
}
# Some of https://docs.renovatebot.com/modules/datasource/, read 2026-12-01: only names like one of them count.
_DATASOURCES = frozenset(
    {"aws-eks-addon", "aws-machine-image", "docker", "endoflife-date", "git-refs", "git-tags", "github-digest"}
    | {"github-release-attachments", "github-releases", "github-runners", "github-tags", "gitlab-releases", "go"}
    | {"gitlab-tags", "golang-version", "helm", "npm", "node-version", "pypi", "python-version", "terraform-module"}
    | {"terraform-provider"}
)
_SIGNS_OF_REGEX = re.compile(r"[\^$]|\\[.d]|\(\?")


@rule("workflow/unread-update-setting", error, since="0.3.0")
def unread_update_setting(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Images, charts and actions stay at old versions when a pattern of Renovate matches no file."""
    files = environment.repository.files
    if environment.name != next(iter(environment.repository.environments), ""):
        return
    for file in _FILES:
        if not files.is_file(file):
            continue
        try:
            content = parsed(files.text(file))
        except MalformedJSON as malformed:
            yield Finding(
                at=LineAddress(files, file),
                message=f"{file} is no JSON, so Renovate does nothing: {malformed}",
                fix="correct the file",
            )
            continue
        if isinstance(content, dict):
            yield from _of_settings(environment, file, content)


def _of_settings(environment: Environment, file: str, content: dict[str, Any]) -> Iterator[Finding]:
    known = renovate_managers()
    enabled = [str(each) for each in listed(content, "enabledManagers")]
    for name in enabled:
        if name not in known and (near := nearest(name, known)):
            yield Finding(
                at=_at(environment, file, name),
                message=f"{file} enables the manager {name}, which Renovate does not have",
                fix=f"write {near}",
            )
    for index, each in enumerate(listed(content, "customManagers")):
        yield from _of_custom(environment, file, index, each) if isinstance(each, dict) else ()
    ignored = [str(each) for each in listed(content, "ignorePaths")]
    every = list(_walked(environment))
    holders = [(name, mapping(content, name)) for name in known if isinstance(content.get(name), dict)]
    holders += [
        (text(each, "customType"), each) for each in listed(content, "customManagers") if isinstance(each, dict)
    ]
    for name, holder in holders:
        for pattern in map(str, listed(holder, "managerFilePatterns")):
            met = [each for each in every if _meets(pattern, each)]
            if not met:
                regex = _SIGNS_OF_REGEX.search(pattern) and not _PATTERN.fullmatch(pattern)
                near = nearest(_plain(pattern), every, cutoff=0.85)
                if not regex and not near:
                    continue  # of files that come later, or with other answers
                yield Finding(
                    at=_at(environment, file, pattern),
                    message=f"managerFilePatterns of {name} in {file} match no file"
                    + (": without slashes around it, a pattern is a glob" if regex else ""),
                    fix=f"write /{pattern.strip('/')}/" if regex else f"write the path of the files, such as {near}",
                )
            elif all(any(_is_ignored(each, path) for path in ignored) for each in met):
                path = next(path for path in ignored if _is_ignored(met[0], path))
                yield Finding(
                    at=_at(environment, file, path),
                    message=f"ignorePaths of {file} has {path}, and with it every file of {name}, such as {met[0]}",
                    fix=f"remove {path}",
                )


def _of_custom(environment: Environment, file: str, index: int, manager: dict[str, Any]) -> Iterator[Finding]:
    """Yield what a manager of one's own lacks: Renovate refuses the configuration as a whole."""
    patterns = [str(each) for each in listed(manager, "matchStrings")]
    if text(manager, "customType") != "regex" or not patterns:
        return
    groups = set(_GROUP.findall(" ".join(patterns)))
    for needed, fields in _NEEDED.items():
        if not groups & set(fields) and not any(manager.get(f"{each}Template") for each in fields):
            yield Finding(
                at=_at(environment, file, "matchStrings"),
                message=f"customManagers[{index}] of {file} gives no {needed}: its matchStrings have "
                f"{', '.join(sorted(groups)) or 'no group'}, and Renovate refuses the configuration",
                fix=f"name a group {needed}, as (?<{needed}>…)",
            )
    source = text(manager, "datasourceTemplate")
    if source and "{" not in source and source not in _DATASOURCES and not source.startswith("custom."):
        near = nearest(source, _DATASOURCES, cutoff=0.75)
        if near:
            yield Finding(
                at=_at(environment, file, source),
                message=f"customManagers[{index}] of {file} has the datasource {source}, which Renovate does not have",
                fix=f"write {near}",
            )


def _meets(pattern: str, path: str) -> bool:
    found = _PATTERN.fullmatch(pattern)
    if found is None:
        return fnmatchcase(path, pattern.replace("**/", "*"))
    try:
        return re.search(found[1].replace("\\/", "/"), path) is not None
    except re.error:
        return True  # a form of JavaScript's, which is not read here


def _plain(pattern: str) -> str:
    """Return a pattern as the path that it may have been meant for."""
    return re.sub(r"\[[^\]]{0,99}\]\+?|\.[*+]|\*{1,9}", "dev", pattern.strip("/")).replace("\\", "").strip("^$")


def _is_ignored(path: str, pattern: str) -> bool:
    return (
        fnmatchcase(path, pattern.replace("**", "*")) or path.startswith(f"{pattern.rstrip('/')}/") or pattern in path
    )


def _walked(environment: Environment, folder: str = "", depth: int = 0) -> Iterator[str]:
    files = environment.repository.files
    for name in files.under(folder):
        path = f"{folder}/{name}" if folder else name
        if name in (".git", "node_modules", ".venv"):
            continue
        if environment.repository.is_generated and (name in ("bases", "overlays") or depth > _DEEPEST):
            continue  # what the template writes there holds nothing that Renovate is asked for
        if files.is_folder(path):
            yield from _walked(environment, path, depth + 1)
        else:
            yield path


def _at(environment: Environment, file: str, sought: str) -> Address:
    return LineAddress(environment.repository.files, file, sought=(sought.replace("\\", "\\\\"),))
