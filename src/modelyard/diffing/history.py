"""Two sides of a repository in Git: what they hold, what differs; read from objects, nothing is checked out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from modelyard.findings import UserError
from modelyard.tooling import GIT_SECONDS, Completed, require
from modelyard.tooling.git import git, inert_environment
from modelyard.tooling.streaming import LineProcess
from modelyard.tooling.words import NotAName, revision_name

WORKING_TREE = "working tree"

_LINK = "120000"


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


@dataclass(frozen=True)
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

    @cached_property
    def children(self) -> dict[str, set[str]]:
        """Return the names in each folder, by the folder's path; the root's is empty."""
        found: dict[str, set[str]] = {"": set()}
        for path in self.files:
            while path:
                folder, _, name = path.rpartition("/")
                known = found.get(folder)
                if known is not None:
                    known.add(name)
                    break
                found[folder] = {name}
                path = folder
        return found


class History:
    """The Git repository that a GitOps repository lies in; only read.

    Raises:
        UserError: The folder is in no Git repository, or git is missing.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        found = self._git("rev-parse", "--show-prefix", "--absolute-git-dir", "--is-shallow-repository")
        if found.returncode:
            raise UserError(f"{root} is not in a Git repository", fix="name the folder of a GitOps repository in Git")
        prefix, folder, shallow = found.stdout.decode("utf-8", "surrogateescape").split("\n")[:3]
        self.prefix = prefix.rstrip("/")
        self.folder = Path(folder)
        self.is_shallow = shallow == "true"
        self._reading: LineProcess | None = None
        self._contents: dict[str, bytes] = {}

    def sides(self, text: str) -> tuple[Side, Side, frozenset[str]]:
        """Return base side, head side and the paths that differ, for `BASE..HEAD`, `BASE...HEAD` or `BASE`.

        Two dots compare the two commits, three dots compare HEAD with the commit that both grew from, and a missing
        HEAD stands for the working tree with everything that is not ignored.

        Raises:
            UserError: A name is no commit of this clone, or the two have no common commit here.
        """
        dots = "..." if "..." in text else ".."
        base_name, separator, head_name = text.partition(dots)
        if not base_name:
            raise UserError(f"{text!r} names no base", fix="write BASE..HEAD, such as origin/main..HEAD")
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
            UserError: It is none of this clone.
        """
        try:
            revision_name(name)
        except NotAName as error:
            raise UserError(error.message, fix="write BASE..HEAD, such as origin/main..HEAD") from None
        found, remote = self._objects([f"{name}^{{commit}}", f"refs/remotes/origin/{name}^{{commit}}"])
        if found is not None:
            return found[0]
        if remote is not None:
            raise UserError(f"{role} {name} is not in this clone, origin/{name} is", fix=f"write origin/{name}")
        raise UserError(f"{role} {name} is not in this clone", fix=self._fetching(name))

    def named(self, name: str) -> str:
        """Return the commit that a name stands for; empty where there is none."""
        try:
            revision_name(name)  # a line end would be a second question
        except NotAName:
            return ""
        (found,) = self._objects([f"{name}^{{commit}}"])
        return found[0] if found is not None else ""

    def fetch(self, blobs: Iterable[str]) -> None:
        """Read blobs that will be asked for, all at once.

        Raises:
            UserError: An object is missing, as in a partial clone.
        """
        wanted = [blob for blob in dict.fromkeys(blobs) if blob not in self._contents]
        for blob, content in zip(wanted, self._objects(wanted), strict=True):
            if content is None:
                raise UserError(
                    f"object {blob} is not in this clone",
                    fix="fetch it: a partial clone lacks what was never checked out (git fetch --refetch)",
                )
            self._contents[blob] = content[1]

    def content(self, blob: str) -> bytes:
        """Return the content of a blob; what was read is kept.

        Raises:
            UserError: The object is missing, as in a partial clone.
        """
        if blob not in self._contents:
            self.fetch([blob])
        return self._contents[blob]

    def links(self, side: Side) -> Iterator[tuple[str, str]]:
        """Yield each symbolic link of a side with its target as written."""
        links = [(path, entry.blob) for path, entry in side.files.items() if entry.is_link]
        self.fetch(blob for _, blob in links if blob)
        for path, blob in links:
            if blob:
                yield path, os.fsdecode(self.content(blob))
            elif (self.root / path).is_symlink():
                yield path, str((self.root / path).readlink())

    def close(self) -> None:
        """End the process that reads objects."""
        if self._reading is not None:
            self._reading.close(wait=True)

    def _objects(self, names: Sequence[str]) -> Iterator[tuple[str, bytes] | None]:
        """Yield the id and content of each object, None where it is not in this clone."""
        if not names:
            return
        if self._reading is None or not self._reading.open:
            command: list[str | Path] = [require("git").path, "cat-file", "--batch"]
            self._reading = LineProcess(command, silence=GIT_SECONDS, cwd=self.root, env=inert_environment(self.root))
        question = "".join(f"{name}\n" for name in names).encode("utf-8", "surrogateescape")
        answer = self._reading.ask_bytes(question)
        read, at = bytearray(), 0
        for name in names:
            while (end := read.find(b"\n", at)) < 0:
                read += _more(answer, name)
            head = bytes(read[at:end]).rsplit(b" ", 2)
            if len(head) != 3 or not head[2].isdigit():
                yield None  # missing, or ambiguous
                at = end + 1
                continue
            at = end + 1 + int(head[2])
            while len(read) <= at:
                read += _more(answer, name)
            yield head[0].decode(), bytes(read[end + 1 : at])
            at += 1

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
        words = ["diff", "--raw", "--no-abbrev", "-z", "--no-renames", "--relative", "--no-ext-diff", "--no-textconv"]
        words.append("--ignore-submodules=dirty")  # to look into one runs what its own configuration says
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
        raise UserError(
            f"{base_name} and {head_name} have no common commit in this clone",
            fix="git fetch --unshallow" if self.is_shallow else f"compare the two by {base_name}..{head_name}",
        )

    def _fetching(self, name: str) -> str:
        if self.is_shallow:
            plain = name.removeprefix("origin/")
            return f"this clone is shallow; git fetch --depth=1 origin {plain}, or clone with the whole history"
        return "name a branch, tag or commit of this clone; git fetch brings what others pushed"

    def _git(self, *words: str, check: bool = False) -> Completed:
        return git(self.root, *words, check=check)


def _more(answer: Iterator[bytes], name: str) -> bytes:
    chunk = next(answer, None)
    if chunk is None:
        raise UserError(f"git ended before it gave object {name}", fix="run `git fsck` in the repository")
    return chunk
