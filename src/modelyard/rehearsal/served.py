"""The working tree as a Git repository of its own, which Argo CD reads in place of the one that Applications name."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from modelyard.findings import UserError
from modelyard.repository import ENVIRONMENTS, Files, Kustomizations
from modelyard.tooling import ToolFailed, require, run, write_whole
from modelyard.tooling.files import unwritable
from modelyard.tooling.words import NotAName, revision_name
from modelyard.view import Environment

BRANCH = "main"
_OUTPUTS = "terraform-outputs"
_SECONDS = 120.0
# Nothing of the user's own settings, hooks and signatures, and nothing of a hook that this process may run in.
_ENVIRONMENT: dict[str, str | None] = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_DIR": None,
    "GIT_WORK_TREE": None,
    "GIT_INDEX_FILE": None,
    "LC_ALL": "C",
}
_AUTHOR = ("-c", "user.name=modelyard", "-c", "user.email=modelyard@localhost", "-c", f"core.hooksPath={os.devnull}")


class ServedRepository:
    """A copy of a repository's working tree with a history of its own.

    Attributes:
        path: The copy's working tree.
        url: Address under which it is read.
        address: What the copy stands for: the address that Applications name.
        charts: Names of the Applications whose charts were left out, with the charts.
        filled: Whether values that Terraform would give were filled in.
        branches: Further branches that always are at the newest commit.
    """

    def __init__(self, path: Path, address: str) -> None:
        self.path = path
        self.url = path.as_uri()
        self.address = address
        self.charts: dict[str, str] = {}
        self.filled = False
        self.branches: list[str] = []

    def commit(self, message: str) -> str:
        """Commit everything as it stands and return the commit's id."""
        self.git("add", "--all")
        self.git(*_AUTHOR, "commit", "--quiet", "--allow-empty", f"--message={message}")
        for branch in self.branches:
            self.git("branch", "--force", branch)
        return self.git("rev-parse", "HEAD").strip()

    def git(self, *arguments: str, env: Mapping[str, str | None] | None = None) -> str:
        """Run Git in the copy and return what it prints.

        Raises:
            UserError: Git failed, such as for want of room.
        """
        argv: Sequence[str | Path] = [require("git").path, *arguments]
        try:
            done = run(argv, cwd=self.path, timeout=_SECONDS, env={**_ENVIRONMENT, **(env or {})}, check=True)
        except ToolFailed as failed:
            raise UserError(
                f"the copy of the repository for Argo CD cannot be written: {failed.message}",
                fix="free room under the cache, or name another folder with MODELYARD_CACHE_DIR",
            ) from failed
        return done.stdout.decode("utf-8", "replace")

    def edit(self, folder: str, change: Callable[[dict[str, Any]], object]) -> None:
        """Change the kustomization of a folder in place; comments in it are lost.

        Args:
            folder: Path in the repository.
            change: Changes the content that it is given.
        """
        kustomization = Kustomizations(Files(self.path)).load(folder)
        change(kustomization.content)
        write_whole(self.path / kustomization.file, yaml.safe_dump(kustomization.content, sort_keys=False))

    def readdressed(self, value: Any) -> Any:
        """Return an object in which the copy's address stands where it named the repository's."""
        if isinstance(value, dict):
            return {key: self.readdressed(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.readdressed(each) for each in value]
        return self.url if value == self.address else value


def serve(root: Path, folder: Path, view: Environment) -> ServedRepository:
    """Copy a working tree, as it stands, into a repository of its own below a folder.

    What Git ignores is left out; what is not committed yet is in. In the files of the environment, the repository's
    address is replaced by the copy's, and Applications lose the charts, also those in other Git repositories.

    Raises:
        UserError: The environment names no repository, or the copy cannot be written.
    """
    address = str(view.facts.get("repository") or "")
    if not address:
        raise UserError(
            f"environment {view.name} does not say which repository its Applications read",
            fix=f"set repository: in {ENVIRONMENTS}/{view.name}/environment.yaml",
        )
    served = copied(root, folder, address)
    _fetch_revisions(served, root, view)
    _readdress(served, view)
    _fill_in_outputs(served, view)
    _leave_out_charts(served, view)
    served.commit(f"the working tree, for a rehearsal of {view.name}")
    return served


def copied(root: Path, folder: Path, address: str) -> ServedRepository:
    """Copy a working tree, as it stands, into a repository of its own below a folder.

    What Git ignores is left out; what is not committed yet is in.

    Raises:
        UserError: The copy cannot be written.
    """
    copy = folder / "repository"
    try:
        copy.mkdir()
    except OSError as problem:
        raise unwritable(copy, problem) from problem
    served = ServedRepository(copy, address)
    served.git("init", "--quiet", f"--initial-branch={BRANCH}")
    source = {"GIT_DIR": str(copy / ".git"), "GIT_WORK_TREE": str(root)}
    served.git("-C", str(root), "add", "--all", ".", env=source)
    served.git("checkout-index", "--all", "--force")
    return served


def _fetch_revisions(served: ServedRepository, root: Path, view: Environment) -> None:
    """Bring tags and commits that Applications follow, should the tree be a repository that has them."""
    revisions = {source.revision for each in view.applications for source in each.sources if not source.chart}
    if not (root / ".git").exists():
        return
    for revision in sorted(filter(_is_revision, revisions - {"", "HEAD", BRANCH})):
        if _git_succeeds(root, "show-ref", "--verify", "--quiet", f"refs/heads/{revision}"):
            served.branches.append(revision)  # a branch is the working tree, as everywhere
        elif _git_succeeds(root, "show-ref", "--verify", "--quiet", f"refs/tags/{revision}"):
            _git_succeeds(
                served.path,
                "fetch",
                "--quiet",
                "--no-tags",
                "--",
                str(root),
                f"refs/tags/{revision}:refs/tags/{revision}",
            )
        else:  # Argo CD tells should it be nowhere
            _git_succeeds(served.path, "fetch", "--quiet", "--no-tags", "--", str(root), revision)


def _is_revision(name: str) -> bool:
    try:
        return bool(revision_name(name))
    except NotAName:  # Argo CD tells
        return False


def _git_succeeds(folder: Path, *arguments: str) -> bool:
    return run([require("git").path, *arguments], cwd=folder, timeout=_SECONDS, env=_ENVIRONMENT).returncode == 0


def _readdress(served: ServedRepository, view: Environment) -> None:
    for path in sorted((served.path / ENVIRONMENTS / view.name).rglob("*.yaml")):
        if path.is_symlink() or not path.is_file():
            continue
        text = path.read_text("utf-8", "surrogateescape")
        if served.address in text:
            write_whole(path, text.replace(served.address, served.url))


def _leave_out_charts(served: ServedRepository, view: Environment) -> None:
    patches: list[dict[str, Any]] = []
    for each in view.applications:
        charts = [
            (index, source.chart or f"{source.folder} of {source.repository}")
            for index, source in enumerate(each.sources)
            if source.chart or (source.folder and source.repository != served.address)  # a chart in a Git repository
        ]
        if not charts or len(charts) == len(each.sources):
            continue  # nothing would be left; Argo CD says what it makes of the chart
        served.charts[each.name] = ", ".join(chart for _, chart in charts)
        removals = [{"op": "remove", "path": f"/spec/sources/{index}"} for index, _ in reversed(charts)]
        target = {"kind": "Application", "name": f"^{re.escape(each.name)}$"}
        patches.append({"target": target, "patch": yaml.safe_dump(removals)})
    if patches:
        served.edit(f"{ENVIRONMENTS}/{view.name}", lambda content: content.setdefault("patches", []).extend(patches))


def _fill_in_outputs(served: ServedRepository, view: Environment) -> None:
    """Give ids that only a cloud has to the ConfigMaps `terraform-outputs` in which they are still empty."""
    environment = served.path / ENVIRONMENTS / view.name
    for path in sorted(environment.rglob("kustomization.yaml")):
        if f"name: {_OUTPUTS}" not in path.read_text("utf-8", "surrogateescape"):
            continue

        def fill(content: dict[str, Any]) -> None:
            for entry in content.get("configMapGenerator", ()):
                if entry.get("name") == _OUTPUTS:
                    entry["literals"] = [
                        f"{each}{_output(each)}" if each.endswith("=") else each for each in entry.get("literals", ())
                    ]
                    served.filled = True

        served.edit(str(path.parent.relative_to(served.path)), fill)


def _output(literal: str) -> str:
    return "fs-00000000000000000" if literal.endswith("_id=") else "standin"
