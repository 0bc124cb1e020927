"""Templates and folders that want more than to be rendered: no code runs, nothing is written outside, each is named."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest

from modelyard.findings import UserError
from modelyard.scaffolding import new_environment, new_repository, update
from modelyard.scaffolding.git import author, commit_everything, git, output
from modelyard.scaffolding.trust import tell_template

QUESTIONS = """\
_subdirectory: "template/{{ scope }}"
_answers_file: "{% if scope == 'environment' %}environments/{{ environment_name }}/{% endif %}.copier-answers.yml"
_templates_suffix: .jinja
_preserve_symlinks: true
_exclude: [copier.yml]
scope: {type: str, choices: [repository, environment]}
repository_url: {type: str, default: "https://example.com/a/b", when: "{{ scope == 'repository' }}"}
environment_name: {type: str, default: dev, when: "{{ scope == 'environment' }}"}
"""
ANSWERS = "{{ _copier_answers | to_nice_yaml -}}\n"
HOOKS = ("pre-commit", "post-commit", "post-checkout", "post-index-change", "reference-transaction", "post-merge")


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A small template at its first version."""
    root = tmp_path / "template"
    for scope in ("repository", "environment"):
        (root / "template" / scope).mkdir(parents=True)
        (root / "template" / scope / "{{ _copier_conf.answers_file }}.jinja").write_text(ANSWERS)
    (root / "template/repository/file.txt").write_text("first\n")
    (root / "template/environment/environments/{{ environment_name }}").mkdir(parents=True)
    (root / "template/environment/environments/{{ environment_name }}/file.txt").write_text("first\n")
    (root / "copier.yml").write_text(QUESTIONS)
    git(root, "init", "--quiet", "--initial-branch=main")
    publish(root, "v1.0.0")
    return root


def publish(template: Path, version: str) -> None:
    commit_everything(template, version, author(template))
    git(template, "tag", version)


def made(template: Path, root: Path, **more: str) -> Path:
    new_repository(root, template=str(template), environment="dev", interactive=False, **more)  # type: ignore[arg-type]
    return root


def script(path: Path, mark: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho ran >> {mark}\ncat\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def planted_hooks(template: Path, mark: Path, folder: str = "{{ '.git' }}") -> None:
    for hook in HOOKS:
        script(template / "template/repository" / folder / "hooks" / hook, mark)
    (template / "template/repository/file.txt").write_text("second\n")
    publish(template, "v2.0.0")


@pytest.mark.parametrize("folder", ["{{ '.git' }}", "{{ '.GIT' }}", "deep/{{ '.git' }}"])
def test_a_template_plants_no_hooks(template: Path, tmp_path: Path, folder: str) -> None:
    mark, before = tmp_path / "ran", made(template, tmp_path / "before")
    planted_hooks(template, mark, folder)
    with pytest.raises(UserError, match="Git would take for its own"):
        made(template, tmp_path / "after", ref="v2.0.0")
    assert not (tmp_path / "after").exists()
    update(before, interactive=False)
    git(before, "checkout", "-b", "other")
    assert (before / "file.txt").read_text() == "second\n"
    assert not mark.exists() and not list(before.glob("**/hooks/pre-commit")), "a hook ran, or lies there"


@pytest.mark.parametrize(
    ("link", "target"), [("out", "/etc"), ("passwd", "/etc/passwd"), ("up", "../../x"), ("environments/out", "../..")]
)
def test_a_template_writes_no_link_that_leads_out(template: Path, tmp_path: Path, link: str, target: str) -> None:
    before = made(template, tmp_path / "before")
    path = template / "template/repository" / link
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)
    publish(template, "v2.0.0")
    with pytest.raises(UserError, match=r"leads out"):
        made(template, tmp_path / "after", ref="v2.0.0")
    with pytest.raises(UserError, match=r"leads out"):
        update(before, interactive=False)
    assert not (tmp_path / "after").exists() and not output(before, "status", "--porcelain")


def test_a_template_s_path_that_leads_out_is_told_in_words(template: Path, tmp_path: Path) -> None:
    folder = template / "template/repository" / "{{ '..' }}"
    folder.mkdir()
    (folder / "planted").write_text("x")
    publish(template, "v2.0.0")
    with pytest.raises(UserError, match="leads out of its folder or of the repository"):
        made(template, tmp_path / "after", ref="v2.0.0")
    assert not (tmp_path / "planted").exists() and not (tmp_path / "after").exists()


@pytest.mark.parametrize("conflicting", [False, True])
def test_an_update_runs_nothing_that_the_folder_configures(template: Path, tmp_path: Path, conflicting: bool) -> None:
    root, mark, program = made(template, tmp_path / "r"), tmp_path / "ran", tmp_path / "program"
    script(program, mark)
    (root / ".gitattributes").write_text("* filter=evil diff=evil merge=evil\n")
    if conflicting:
        (root / "file.txt").write_text("by the user\n")
    commit_everything(root, "Attributes", author(root))
    (template / "template/repository/file.txt").write_text("second\n")
    publish(template, "v2.0.0")
    for hook in HOOKS:
        script(root / ".git/hooks" / hook, mark)
    for name, value in {
        "core.fsmonitor": program,
        "core.hooksPath": root / ".git/hooks",
        "core.alternateRefsCommand": program,
        "core.pager": program,
        "core.sshCommand": program,
        "diff.external": program,
        "diff.evil.textconv": program,
        "diff.evil.command": program,
        "filter.evil.clean": program,
        "filter.evil.smudge": program,
        "filter.evil.required": "true",
        "merge.evil.driver": program,
        f"url.ext::{program} .insteadOf": "/",
        "protocol.ext.allow": "always",
        "gpg.program": program,
        "commit.gpgSign": "true",
    }.items():
        git(root, "config", name, str(value))
    (root / "file.txt").touch()
    outcome = update(root, interactive=False)
    assert bool(outcome.conflicts) is conflicting
    text = (root / "file.txt").read_text()
    assert text == "second\n" if not conflicting else "by the user" in text and "second" in text
    assert not mark.exists(), "the folder's configuration started a program"
    if conflicting:
        assert output(root, "diff", "--name-only", "--diff-filter=U") == "file.txt"
        git(root, "checkout", "--theirs", "--", "file.txt")
        git(root, "add", "file.txt")
        git(root, "commit", "--quiet", "--no-verify", "--message=resolved")


def test_a_template_that_only_the_repository_names_is_refused(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, mark = made(template, tmp_path / "r"), tmp_path / "ran"
    other = Path(shutil.copytree(template, tmp_path / "other"))
    planted_hooks(other, mark)
    for file in (root / ".copier-answers.yml", root / "environments/dev/.copier-answers.yml"):
        file.write_text(file.read_text().replace(str(template), str(other)))
    commit_everything(root, "Another template", author(root))
    for call in (lambda: update(root, interactive=False), lambda: new_environment(root, environment="x")):
        with pytest.raises(UserError, match="which you never named") as refused:
            call()
        assert f"--template {other}" in refused.value.fix
    said: list[str] = []
    update(root, interactive=False, template=str(other), tell=said.append)
    commit = output(other, "rev-parse", "v2.0.0")
    assert said == [f"template: {other} at v2.0.0, commit {commit[:12]}"]
    monkeypatch.setenv("MODELYARD_STATE_DIR", str(tmp_path / "somebody else's"))
    with pytest.raises(UserError, match="which you never named"):
        update(root, interactive=False)


@pytest.mark.parametrize("address", ["git+fd::17", "git+ext::sh -c touch% x", "git+--upload-pack=sh", "fd::17"])
def test_an_address_starts_no_program_and_reads_nothing_of_ours(template: Path, tmp_path: Path, address: str) -> None:
    with pytest.raises(UserError):
        new_repository(tmp_path / "r", template=address, environment="dev", interactive=False)
    root = made(template, tmp_path / "s")
    file = root / ".copier-answers.yml"
    file.write_text(file.read_text().replace(str(template), f"'{address}'"))
    commit_everything(root, "Another template", author(root))
    for named in (None, address):
        with pytest.raises(UserError):
            update(root, interactive=False, template=named)


def test_the_commit_that_is_told_is_the_one_that_is_taken(template: Path) -> None:
    first = output(template, "rev-parse", "HEAD")
    (template / "README.md").write_text("own\n")
    own = commit_everything(template, "a commit that is not pushed", author(template))
    # Names that end like the one that is asked for: of a remote, of a branch, and a tag with a message of its own.
    for name in ("refs/remotes/origin/HEAD", "refs/remotes/origin/main", "refs/heads/other/main"):
        git(template, "update-ref", name, first)
    git(template, "tag", "--annotate", "--message", "signed", "v2.0.0", own)

    def told(ref: str) -> str:
        said: list[str] = []
        tell_template(said.append, str(template), ref)
        return said[0].rpartition(" ")[2]

    assert own != first
    assert [told(ref) for ref in ("HEAD", "main", "v2.0.0", "v1.0.0", "other/main")] == [
        commit[:12] for commit in (own, own, own, first, first)
    ]
