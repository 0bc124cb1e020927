"""Where the template comes from."""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from modelyard.findings import UserError
from modelyard.repository.limits import content_of
from modelyard.scaffolding.carried import answering, carried_template
from modelyard.scaffolding.git import STATUS, git, reachable
from modelyard.tooling.git import reaching_out, remote
from modelyard.tooling.words import git_address, revision_name

QUESTIONS_FILE = "copier.yml"
_MOST_QUESTIONS_BYTES = 1024 * 1024
_SCHEMES = ("https", "http", "ssh", "file", "git")
_SECURE_COPY = re.compile(r"[\w.-]+@[\w.-]+:[^/].*")
_RELEASE = re.compile(r"v(\d+)\.(\d+)\.(\d+)")
_ABBREVIATED = re.compile(r"(.+-\d+-g)?[0-9a-f]{4,40}")
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_SHORTHANDS = ("gh:", "gl:")


@dataclass(frozen=True, slots=True)
class TemplateSource:
    """A version of the template.

    Attributes:
        url: As Copier records and reads it: an absolute folder, or a Git URL with the prefix `git+`.
        ref: Tag, branch or commit. `HEAD` of a folder includes its uncommitted changes; None is the newest tag.
    """

    url: str
    ref: str | None

    @property
    def git_url(self) -> str:
        """The address as Git itself takes it."""
        return self.url.removeprefix("git+")

    @property
    def dirty(self) -> bool:
        """Whether it is a folder whose changes are used though nobody committed them."""
        folder = Path(self.url)
        return folder.is_absolute() and self.ref == "HEAD" and git(folder, *STATUS).stdout != b""

    def questions_text(self) -> str:
        """Return the text of the questionnaire at `ref`, without the rest of the template.

        Raises:
            UserError: The template cannot be reached, or is none.
        """
        folder = Path(self.url)
        if folder.is_absolute() and self.ref == "HEAD":
            return content_of(folder / QUESTIONS_FILE, most=_MOST_QUESTIONS_BYTES).decode("utf-8", "replace")
        if self.url.startswith(_SHORTHANDS):
            raise UserError(f"{self.url} is an abbreviation of Copier's", fix="give the whole Git URL")
        reachable(self.git_url)
        with tempfile.TemporaryDirectory(prefix="modelyard-") as scratch:
            here = Path(scratch)
            git(here, "init", "--quiet")
            name = self._fetched(here)
            shown = git(here, "show", f"{name}:{QUESTIONS_FILE}", check=False)
            if shown.returncode != 0:
                raise UserError(f"{self.git_url} is not a template: it has no {QUESTIONS_FILE} at {self.ref or 'HEAD'}")
            return shown.stdout.decode("utf-8")

    def _fetched(self, here: Path) -> str:
        """Bring the version into an empty repository, and return a name for it there."""
        name = revision_name(self.ref or "HEAD")
        address = git_address(self.git_url)
        out = reaching_out()
        if git(here, "fetch", "--quiet", "--depth=1", "--", address, name, env=out, check=False).returncode == 0:
            return "FETCH_HEAD"
        if _ABBREVIATED.fullmatch(name):
            # An abbreviated commit, or one that Git describes by a tag before it, cannot be asked for by name.
            branches = "+refs/heads/*:refs/heads/*"
            git(here, "fetch", "--quiet", "--tags", "--", address, branches, env=out, check=False)
            known = git(here, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", check=False)
            if known.returncode == 0:
                return name
        raise UserError(
            f"the template at {self.git_url} has no tag, branch or commit {self.ref}",
            fix="name one that is there with --ref",
        )

    def __str__(self) -> str:
        return f"{self.git_url} at {self.ref or 'its newest tag'}"


def newest_version(git_url: str) -> str | None:
    """Return the newest tag of a template's releases, or the commit at its head where it has no tags.

    None where it has tags that are not all of the form v1.2.3, which Copier then puts in order.
    """
    listed = remote(git_address(git_url), "HEAD", "refs/tags/*")
    named = re.findall(r"(?m)^([0-9a-f]+)\t(.+)$", listed.stdout.decode("utf-8", "replace"))
    tags = [name.removeprefix("refs/tags/") for _, name in named if name != "HEAD" and not name.endswith("^{}")]
    if not tags:
        return next((commit for commit, name in named if name == "HEAD"), None)
    releases = {tag: tuple(map(int, found.groups())) for tag in tags if (found := _RELEASE.fullmatch(tag))}
    return max(releases, key=releases.__getitem__) if len(releases) == len(tags) else None


def same_version(recorded: str, ref: str) -> bool:
    """Return whether a version that Copier recorded is a tag or commit; it writes commits abbreviated."""
    return recorded == ref or bool(
        _ABBREVIATED.fullmatch(recorded) and _COMMIT.fullmatch(ref) and ref.startswith(recorded.rpartition("-g")[2])
    )


def template_source(template: str | None = None, ref: str | None = None) -> TemplateSource:
    """Return the template to use.

    Args:
        template: Folder or Git URL, as given by `--template`. When None: the Git URL and commit that this package was
            installed from, else the project's source URL at the tag of this package's version; at the commit of a
            package that was made between releases.
        ref: Tag, branch or commit that overrides the one that follows from `template`.

    Raises:
        UserError: `template` is neither a folder with a template nor a Git URL.
    """
    if template is not None:
        return _given(template, ref)
    installed = _installed()
    return TemplateSource(installed.url, ref or installed.ref)


@contextlib.contextmanager
def offered(source: TemplateSource) -> Iterator[None]:
    """Let Git read the template that this package carries in place of the project's address, for the length of a block.

    What is written names the project's address all the same: updates come from there. Nothing is done for another
    template or version.
    """
    carried = carried_template()
    if carried is None or not carried.is_at(source.ref) or source.git_url != _project_url(_distribution()):
        yield
        return
    with answering(carried, source.git_url):
        yield


def _given(template: str, ref: str | None) -> TemplateSource:
    folder = Path(template).expanduser()
    if folder.exists():
        return _folder(folder.resolve(), ref)
    if template.startswith(("git+", *_SHORTHANDS)) or _SECURE_COPY.fullmatch(template):
        return TemplateSource(template, ref)
    if urlsplit(template).scheme in _SCHEMES:
        return TemplateSource(f"git+{_without_credentials(template)}", ref)
    raise UserError(
        f"the template {template} is neither a folder here nor a Git URL",
        fix="name a clone of the template, or a URL such as https://github.com/modelyard/modelyard",
    )


def _folder(folder: Path, ref: str | None) -> TemplateSource:
    if not (folder / QUESTIONS_FILE).is_file():
        raise UserError(
            f"{folder} is not a template: it has no {QUESTIONS_FILE}", fix="name the top of a clone of Modelyard"
        )
    top = git(folder, "rev-parse", "--show-toplevel", check=False)
    if top.returncode != 0 or Path(top.stdout.decode().rstrip("\n")).resolve() != folder:
        raise UserError(
            f"{folder} is not the top of a Git repository, so what is made from it could not be updated",
            fix="clone the template with Git, and name the clone",
        )
    return TemplateSource(str(folder), ref or "HEAD")


def _installed() -> TemplateSource:
    distribution = _distribution()
    recorded: dict[str, Any] = json.loads(distribution.read_text("direct_url.json") or "{}")
    url = str(recorded.get("url", ""))
    if "vcs_info" in recorded:
        return TemplateSource(f"git+{_without_credentials(url)}", str(recorded["vcs_info"]["commit_id"]))
    if "dir_info" in recorded:
        folder = Path(unquote(urlsplit(url).path))
        if (folder / QUESTIONS_FILE).is_file():
            return _folder(folder.resolve(), None)
    carried = carried_template()
    ref = carried.commit if carried is not None and carried.tag is None else f"v{distribution.version}"
    return TemplateSource(f"git+{_project_url(distribution)}", ref)


def _distribution() -> metadata.Distribution:
    return metadata.distribution("modelyard")


def _project_url(distribution: metadata.Distribution) -> str:
    for entry in distribution.metadata.get_all("Project-URL") or ():
        label, _, url = str(entry).partition(",")
        if label.strip().lower() == "source":
            return url.strip()
    raise UserError(
        "this installation of modelyard does not say where its sources are", fix="name a template with --template"
    )


def _without_credentials(url: str) -> str:
    """Leave out user and password, which would otherwise be written into the repository."""
    parts = urlsplit(url)
    if parts.scheme == "ssh":
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
