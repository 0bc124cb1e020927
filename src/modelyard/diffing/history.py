"""Two sides of a repository in Git: what they hold, what differs; read from objects, nothing is checked out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from modelyard.findings import Refusal
from modelyard.tooling import Completed, require, run

TIMEOUT_SECONDS = 120.0
WORKING_TREE = "working tree"

_LINK = "120000"
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a side.

    Attributes:
        mode: As Git writes it; `120000` is a link.
        blob: Its object; empty for a file of the working tree that differs from the commit below it.
    """

    mode: str
    blob: str

    @property
    def is_link(self) -> bool:
        """Return whether it is a symbolic link."""
        return self.mode == _LINK


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison.

    Attributes:
        name: How it was named.
        commit: The commit; empty for the working tree.
        files: Every file by its path from the root of the GitOps repository.
    """

    name: str
    commit: str
    files: Mapping[str, Entry]


class History:
    """The Git repository that a GitOps repository lies in; only read.

    Raises:
        Refusal: The folder is in no Git repository, or git is missing.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.git = require("git").path
        found = self._git("rev-parse", "--show-prefix", "--absolute-git-dir", "--is-shallow-repository")
        if found.returncode:
            raise Refusal(f"{root} is not in a Git repository", fix="name the folder of a GitOps repository in Git")
        prefix, folder, shallow = found.stdout.decode("utf-8", "surrogateescape").split("\n")[:3]
        self.prefix = prefix.rstrip("/")
        self.folder = Path(folder)
        self.is_shallow = shallow == "true"

    def sides(self, text: str) -> tuple[Side, Side, frozenset[str]]:
        """Return base side, head side and the paths that differ, for `BASE..HEAD`, `BASE...HEAD` or `BASE`.

        Two dots compare the two commits, three dots compare HEAD with the commit that both grew from, and a missing
        HEAD stands for the working tree with everything that is not ignored.

        Raises:
            Refusal: A name is no commit of this clone, or the two have no common commit here.
        """
        dots = "..." if "..." in text else ".."
        base_name, separator, head_name = text.partition(dots)
        if not base_name:
            raise Refusal(f"{text!r} names no base", fix="write BASE..HEAD, such as origin/main..HEAD")
        base = self.commit(base_name, "base")
        head = self.commit(head_name, "head") if separator and head_name else ""
        if dots == "..." and separator:
            base = self._common(base, head or self.commit("HEAD", "head"), base_name, head_name or "HEAD")
        files = self._files(base)
        changes = self._changes(base, head)
        after = {path: entry for path, entry in {**files, **changes}.items() if entry is not None}
        return Side(base_name, base, files), Side(head_name or WORKING_TREE, head, after), frozenset(changes)

    def commit(self, name: str, role: str) -> str:
        """Return the commit that a name stands for.

        Raises:
            Refusal: It is none of this clone.
        """
        if name.startswith("-") or any(ord(character) < 32 for character in name):
            raise Refusal(f"{name!r} is no name of a commit", fix="write BASE..HEAD, such as origin/main..HEAD")
        found = self._git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        if found.returncode == 0:
            return found.stdout.decode().strip()
        remote = self._git("rev-parse", "--verify", "--quiet", f"refs/remotes/origin/{name}^{{commit}}")
        if remote.returncode == 0:
            raise Refusal(f"{role} {name} is not in this clone, origin/{name} is", fix=f"write origin/{name}")
        raise Refusal(f"{role} {name} is not in this clone", fix=self._fetching(name))

    def contents(self, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Yield the content of blobs, read in portions.

        Raises:
            Refusal: An object is missing, as in a partial clone, or a portion is larger than 256 MiB.
        """
        wanted = list(dict.fromkeys(blobs))
        for start in range(0, len(wanted), _BATCH):
            yield from self._batch(wanted[start : start + _BATCH])

    def _batch(self, wanted: list[str]) -> Iterator[tuple[str, bytes]]:
        request = "".join(f"{blob}\n" for blob in wanted).encode()
        command: list[str | Path] = [self.git, "-C", self.root, "cat-file", "--batch"]
        output = run(command, timeout=TIMEOUT_SECONDS, stdin=request, check=True).stdout
        position = 0
        for blob in wanted:
            end = output.index(b"\n", position)
            words = output[position:end].split(b" ")
            if len(words) != 3:
                raise Refusal(
                    f"object {blob} is not in this clone",
                    fix="fetch it: a partial clone lacks what was never checked out (git fetch --refetch)",
                )
            length = int(words[2])
            yield blob, output[end + 1 : end + 1 + length]
            position = end + length + 2

    def _files(self, commit: str) -> dict[str, Entry]:
        found = self._git("ls-tree", "-r", "-z", commit, check=True)
        files = {}
        for line in found.stdout.split(b"\0"):
            if line:
                head, _, path = line.partition(b"\t")
                mode, _, blob = head.decode().split()
                files[os.fsdecode(path)] = Entry(mode, blob)
        return files

    def _changes(self, base: str, head: str) -> dict[str, Entry | None]:
        """Return what the head side has at each path that differs; None where it has nothing."""
        words = ["diff", "--raw", "--no-abbrev", "-z", "--no-renames", "--relative", "--no-ext-diff"]
        found = self._git(*words, base, *([head] if head else []), "--", check=True)
        parts = found.stdout.split(b"\0")
        changes: dict[str, Entry | None] = {}
        for described, name in zip(parts[::2], parts[1::2], strict=False):
            _, mode, _, blob, status = described.decode().split()
            # Git knows the content of a file of the working tree under no name.
            blob = blob if head else ""
            changes[os.fsdecode(name)] = None if status == "D" else Entry(mode, blob)
        if not head:
            others = self._git("ls-files", "--others", "--exclude-standard", "-z", check=True)
            for path in filter(None, map(os.fsdecode, others.stdout.split(b"\0"))):
                changes[path] = Entry(_LINK if (self.root / path).is_symlink() else "100644", "")
        return changes

    def _common(self, base: str, head: str, base_name: str, head_name: str) -> str:
        found = self._git("merge-base", base, head)
        if found.returncode == 0:
            return found.stdout.decode().splitlines()[0]
        raise Refusal(
            f"{base_name} and {head_name} have no common commit in this clone",
            fix="git fetch --unshallow" if self.is_shallow else f"compare the two by {base_name}..{head_name}",
        )

    def _fetching(self, name: str) -> str:
        if self.is_shallow:
            plain = name.removeprefix("origin/")
            return f"this clone is shallow; git fetch --depth=1 origin {plain}, or clone with the whole history"
        return "name a branch, tag or commit of this clone; git fetch brings what others pushed"

    def _git(self, *words: str, check: bool = False) -> Completed:
        return run([self.git, "-C", self.root, *words], timeout=TIMEOUT_SECONDS, check=check)
