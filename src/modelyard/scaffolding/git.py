"""The Git commands that scaffolding needs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from modelyard.findings import UserError
from modelyard.tooling import GIT_SECONDS, Completed, ToolFailed
from modelyard.tooling.git import git as run_git
from modelyard.tooling.git import remote
from modelyard.tooling.words import absolute, git_address

# Neither programs of a configuration, nor a look into submodules, which have configurations of their own.
DIFF = ("diff", "--no-color", "--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty")
STATUS = ("status", "--porcelain", "--ignore-submodules=dirty")


def git(
    folder: Path,
    *arguments: str,
    env: Mapping[str, str | None] | None = None,
    check: bool = True,
    timeout: float = GIT_SECONDS,
    stdin: bytes | None = None,
) -> Completed:
    """Run Git in a folder, as `modelyard.tooling.git` does; a failure is one of ours unless it is asked for.

    Raises:
        ToolFailed: `check` was given and Git failed.
        ToolMissing: There is no Git.
    """
    return run_git(folder, *arguments, env=env, check=check, timeout=timeout, stdin=stdin)


def clone_here(root: Path, clone: Path) -> None:
    """Clone a repository to another place on this disk, with its objects shared and nothing of its configuration."""
    env = {"GIT_ALLOW_PROTOCOL": "file"}
    git(
        root, "clone", "--quiet", "--shared", "--no-tags", "--template=", "--", absolute(root), absolute(clone), env=env
    )


def bring_objects(source: Path, target: Path, names: str) -> None:
    """Copy objects from one repository into another, by no address that a configuration could rewrite.

    Args:
        source: Where they are.
        target: Where they are wanted.
        names: Commits and blobs to copy with what they hold, `^` before what the target has, each on a line.
    """
    words = ("pack-objects", "--quiet", "--revs", "--stdout")
    pack = git(source, *words, stdin=names.encode()).stdout
    git(target, "unpack-objects", "-q", stdin=pack)


def output(folder: Path, *arguments: str) -> str:
    """Return what Git prints, without the final line break."""
    return git(folder, *arguments).stdout.decode("utf-8", "replace").rstrip("\n")


def paths(folder: Path, *arguments: str) -> list[str]:
    """Return the paths that a Git command with `-z` prints, in order and once each."""
    return list(dict.fromkeys(each for each in output(folder, *arguments).split("\0") if each))


def require_repository(folder: Path) -> None:
    """Refuse a folder that is not the top of a Git work tree.

    Raises:
        UserError: It is none.
    """
    top = git(folder, "rev-parse", "--show-toplevel", check=False)
    if top.returncode != 0:
        raise UserError(f"{folder} is not in a Git repository", fix="run `git init`, and commit what is there")
    root = Path(top.stdout.decode().rstrip("\n"))
    if root.resolve() != folder.resolve():
        raise UserError(f"{folder} is not the top of its Git repository, {root} is", fix=f"name {root}")


def author(folder: Path) -> dict[str, str]:
    """Return the variables that make a commit in any folder look like one of the user in this folder.

    Somebody without a name in Git gets one that says where the commit came from, so that a first commit can be made
    on a fresh machine.
    """
    identities = {}
    for role in ("AUTHOR", "COMMITTER"):
        known = git(folder, "-c", "user.useConfigOnly=true", "var", f"GIT_{role}_IDENT", check=False)
        name, _, rest = known.stdout.decode("utf-8", "replace").partition(" <")
        email = rest.partition(">")[0]
        if known.returncode != 0 or not name or not email:
            name, email = "Modelyard", "modelyard@localhost"
        identities[f"GIT_{role}_NAME"], identities[f"GIT_{role}_EMAIL"] = name, email
    return identities


def commit_everything(folder: Path, message: str, identity: Mapping[str, str]) -> str:
    """Commit all changes of a work tree and return the commit."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--no-verify", f"--message={message}", env=dict(identity))
    return output(folder, "rev-parse", "HEAD")


def reachable(url: str) -> None:
    """Refuse a Git URL or folder that does not answer.

    Raises:
        UserError: Git cannot list its references.
    """
    try:
        remote(git_address(url), "HEAD", check=True)
    except ToolFailed as failure:
        raise UserError(
            f"the template at {url} cannot be read: {failure.message}",
            fix="check the address and your access to it, or name another with --template",
        ) from None
