"""`modelyard update`: three-way merges, conflicts told, nothing left half-way."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from modelyard.editing import Changes, Migration, migrate, rename_model
from modelyard.editing.environment_folder import EnvironmentFiles
from modelyard.findings import ExitCode
from modelyard.scaffolding import new_repository, update
from modelyard.scaffolding.git import author, commit_everything, git, output
from modelyard.scaffolding.trust import trust
from tests.template.conftest import REPOSITORY_URL, copied_template, publish, refusal, with_two_environments
from tests.template.kustomize import builds, targets

TEMPLATE_LINE = "# from the newer template"
USER_LINE = "# kept for the user"
VERSIONS = "environments/dev/versions/kustomization.yaml"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template with fewer modules and overlays, but files of every kind: updates take time for each file."""
    folder = copied_template(tmp_path_factory.mktemp("template") / "modelyard")
    menu = yaml.safe_load(yaml.safe_load((folder / "copier.yml").read_text())["starter_menu"]["default"])
    needed = {
        "bases/features/hf-token",
        "terraform/modules/network",
        *(f"overlays/{m['overlay']}" for m in menu.values()),
    }
    for parent in ("bases/features", "terraform/modules", "overlays"):
        for each in (folder / parent).iterdir():
            if each.is_dir() and f"{parent}/{each.name}" not in needed:
                shutil.rmtree(each)
    publish(folder, "v0.1.0")
    return folder


@pytest.fixture(scope="module")
def two_environments(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the environments dev and prod from that template."""
    return with_two_environments(template, tmp_path_factory.mktemp("repository") / "my-platform")


def commit(root: Path, message: str) -> str:
    return commit_everything(root, message, author(root))


def files_of(root: Path) -> list[Path]:
    """Every file under version control except answers, which belong to Copier."""
    names = output(root, "ls-files").splitlines()
    return [root / name for name in names if not name.endswith(".copier-answers.yml")]


def with_first_line(text: str, line: str) -> str:
    """Put a comment where the file's language allows one first."""
    if text.startswith("#!"):
        shebang, _, rest = text.partition("\n")
        return f"{shebang}\n{line}\n{rest}"
    return f"{line}\n{text}"


@pytest.fixture
def newer(template: Path, repository: Path, tmp_path: Path) -> Callable[..., Path]:
    """Return a function that makes a template with further releases, and lets the repository follow it."""

    def make(**releases: Callable[[Path], None]) -> Path:
        copy = tmp_path / "newer-template"
        shutil.copytree(template, copy, symlinks=True)
        for tag, change in releases.items():
            change(copy)
            publish(copy, "v" + tag.strip("v").replace("_", "."))
        for file in repository.rglob(".copier-answers.yml"):
            file.write_text(file.read_text().replace(str(template), str(copy)))
        commit(repository, "Follow another clone of the template")
        trust(str(copy))
        return copy

    return make


def edit(path: str, old: str, new: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        (file,) = [each for each in root.glob(path) if each.is_file()]
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    return change


def comment_everywhere(template: Path) -> None:
    for file in files_of(template):
        if not file.is_symlink() and file.name != "copier.yml" and not file.name.startswith("{{ _copier"):
            file.write_text(with_first_line(file.read_text(), TEMPLATE_LINE))


@pytest.mark.slow
def test_edits_in_every_file_survive_a_newer_template(repository: Path, newer: Callable[..., Path]) -> None:
    newer(v0_2_0=comment_everywhere)
    edited = files_of(repository)
    assert {file.suffix for file in edited} >= {
        ".yaml",
        ".yml",
        ".tf",
        ".hcl",
        ".tfvars",
        ".md",
        ".sh",
        ".py",
        ".toml",
        ".ini",
        ".txt",
    }
    for file in edited:
        file.write_text(f"{file.read_text()}{USER_LINE}\n")
    commit(repository, "Edit every file")

    done = update(repository, interactive=False)

    assert done.exit_code is ExitCode.CLEAN
    assert done.conflicts == () and done.hint == ""
    assert [step.subject for step in done.steps] == ["repository", "environment dev", "environment prod"]
    assert all((step.before, step.after) == ("v0.1.0", "v0.2.0") and step.commit for step in done.steps)
    for file in edited:
        text = file.read_text()
        assert TEMPLATE_LINE in text and text.endswith(f"{USER_LINE}\n"), file
    assert output(repository, "status", "--porcelain") == ""
    assert output(repository, "rev-parse", "--abbrev-ref", "HEAD") == "main"
    assert not list(builds(repository, targets(repository)))


def test_an_update_without_news_changes_nothing(repository: Path, template: Path) -> None:
    before = output(repository, "rev-parse", "HEAD")
    done = update(repository, interactive=False)
    assert done.exit_code is ExitCode.CLEAN
    assert [step.commit for step in done.steps] == [None, None, None]
    assert output(repository, "rev-parse", "HEAD") == before


def test_a_conflict_is_told_left_to_be_resolved_and_resumed(repository: Path, newer: Callable[..., Path]) -> None:
    versions = "template/environment/environments/*/versions/kustomization.yaml"
    newer(v0_2_0=edit(versions, "newTag: v0.33.0", "newTag: v0.40.0"))
    edit(VERSIONS, "newTag: v0.33.0", "newTag: v0.33.1")(repository)
    commit(repository, "Run another engine version in dev")

    done = update(repository, interactive=False)

    assert done.exit_code is ExitCode.FINDINGS
    assert done.conflicts == (VERSIONS,)
    assert done.remaining == ("environment prod",)
    assert "resolve" in done.hint and "environment prod" in done.hint
    assert [bool(step.commit) for step in done.steps] == [True, False]
    text = (repository / VERSIONS).read_text()
    assert "newTag: v0.33.1" in text and "newTag: v0.40.0" in text and "<<<<<<< before updating" in text
    assert VERSIONS in output(repository, "ls-files", "--unmerged")
    (told,) = done.details
    assert told.file == VERSIONS and text.splitlines()[told.line - 1] == "<<<<<<< before updating"
    assert [line.strip() for line in told.here] == ["newTag: v0.33.1"]
    assert [line.strip() for line in told.template] == ["newTag: v0.40.0"]

    again = refusal(update, repository, interactive=False)
    assert again.exit_code is ExitCode.FINDINGS
    assert VERSIONS in again.message

    git(repository, "checkout", "--ours", "--", VERSIONS)
    commit(repository, "Keep the engine version of dev")
    resumed = update(repository, interactive=False)
    assert resumed.exit_code is ExitCode.CLEAN
    assert [bool(step.commit) for step in resumed.steps] == [False, False, True]
    assert "newTag: v0.33.1" in (repository / VERSIONS).read_text()
    assert "newTag: v0.40.0" in (repository / "environments/prod/versions/kustomization.yaml").read_text()


def test_one_environment_can_be_updated_alone(repository: Path, newer: Callable[..., Path]) -> None:
    newer(v0_2_0=comment_everywhere)
    done = update(repository, environment="prod", interactive=False)
    assert [step.subject for step in done.steps] == ["environment prod"]
    changed = output(repository, "diff", "--name-only", "HEAD~1").splitlines()
    assert changed and all(path.startswith("environments/prod/") for path in changed)


@pytest.mark.slow
def test_a_release_can_be_named(repository: Path, newer: Callable[..., Path]) -> None:
    newer(
        v0_2_0=comment_everywhere,
        v0_3_0=edit("overlays/qwen3-1-7b-vllm-gpu/vllm.yaml", "max-model-len", "max-num-seqs"),
    )
    done = update(repository, environment="dev", ref="v0.2.0", interactive=False)
    assert {step.after for step in done.steps} == {"v0.2.0"}
    newest = update(repository, environment="dev", interactive=False)
    assert {step.after for step in newest.steps} == {"v0.3.0"}


@pytest.mark.slow
def test_what_the_user_deleted_stays_deleted_and_what_is_new_arrives(
    repository: Path, newer: Callable[..., Path]
) -> None:
    def add_an_overlay(template: Path) -> None:
        comment_everywhere(template)
        shutil.copytree(template / "overlays/qwen3-1-7b-vllm-gpu", template / "overlays/another")

    newer(v0_2_0=add_an_overlay)
    model = repository / "environments/dev/models/llama-3-2-1b-instruct"
    shutil.rmtree(model)
    (repository / "environments/dev/applications/llama-3-2-1b-instruct.yaml").unlink()
    edit("environments/dev/kustomization.yaml", "  - applications/llama-3-2-1b-instruct.yaml\n", "")(repository)
    (repository / "environments/dev/models/mine").mkdir()
    (repository / "environments/dev/models/mine/kustomization.yaml").write_text("# added by the user\n")
    commit(repository, "Run other models in dev")

    assert update(repository, interactive=False).exit_code is ExitCode.CLEAN
    assert not model.exists()
    assert (repository / "environments/prod/models/llama-3-2-1b-instruct/kustomization.yaml").is_file()
    assert (repository / "environments/dev/models/mine/kustomization.yaml").read_text() == "# added by the user\n"
    assert (repository / "overlays/another/kustomization.yaml").is_file()
    assert "llama-3-2" not in (repository / "environments/dev/kustomization.yaml").read_text()


@pytest.mark.slow
def test_lists_that_both_sides_changed_keep_their_places(repository: Path, newer: Callable[..., Path]) -> None:
    """With one line of context, Git puts such hunks into the wrong list."""
    newer(
        v0_2_0=edit(
            "template/environment/environments/*/projects/platform.yaml.jinja",
            "      namespace: {{ namespace }}\n",
            "      namespace: {{ namespace }}\n{% if namespace == 'models' %}\n"
            "    - server: https://kubernetes.default.svc\n      namespace: gateway\n{% endif %}\n",
        )
    )
    project = "environments/dev/projects/platform.yaml"
    mine = "  destinations:\n    - server: https://kubernetes.default.svc\n      namespace: mine\n"
    edit(project, "  destinations:\n", mine)(repository)
    commit(repository, "Give the platform a namespace of our own")
    assert update(repository, environment="dev", interactive=False).exit_code is ExitCode.CLEAN
    spec = yaml.safe_load((repository / project).read_text())["spec"]
    spaces = [each["namespace"] for each in spec["destinations"]]
    assert spaces[0] == "mine"
    assert spaces.index("gateway") == spaces.index("models") + 1


def test_an_answer_that_the_newer_template_refuses_is_told(repository: Path, newer: Callable[..., Path]) -> None:
    """Copier replaces it by the default and says nothing."""
    newer(
        v0_2_0=edit(
            "copier.yml", 'choices: ["1.35", "1.36"]\n  default: "1.35"', 'choices: ["1.36"]\n  default: "1.36"'
        )
    )
    done = update(repository, environment="dev", interactive=False)
    assert done.exit_code is ExitCode.FINDINGS
    assert done.replaced_answers == ("kubernetes_version: 1.35 → 1.36",)
    assert "answers" in done.hint


def test_a_work_tree_with_changes_is_refused(repository: Path) -> None:
    (repository / "README.md").write_text("mine\n")
    refused = refusal(update, repository, interactive=False)
    assert "README.md" in refused.message and "not committed" in refused.message
    assert (repository / "README.md").read_text() == "mine\n"


def test_a_template_that_is_gone_is_refused(repository: Path, template: Path) -> None:
    for file in repository.rglob(".copier-answers.yml"):
        file.write_text(file.read_text().replace(str(template), "/nowhere/modelyard"))
    commit(repository, "Follow a template that is gone")
    trust("/nowhere/modelyard")
    refused = refusal(update, repository, interactive=False)
    assert "/nowhere/modelyard cannot be read" in refused.message


def test_a_relative_template_is_refused_with_the_remedy(repository: Path, template: Path) -> None:
    for file in repository.rglob(".copier-answers.yml"):
        file.write_text(file.read_text().replace(str(template), "../modelyard"))
    commit(repository, "Write a relative path as Copier does")
    refused = refusal(update, repository, interactive=False)
    assert "relative path ../modelyard" in refused.message and "_src_path" in refused.fix


def test_what_is_no_repository_of_ours_is_refused(tmp_path: Path, repository: Path) -> None:
    assert "it has no .copier-answers.yml" in refusal(update, tmp_path, interactive=False).message
    unknown = refusal(update, repository, environment="staging", interactive=False)
    assert "there is no environment staging here" in unknown.message and "dev, prod" in unknown.fix
    shutil.rmtree(repository / ".git")
    assert "is not in a Git repository" in refusal(update, repository, interactive=False).message


def test_a_repository_of_an_uncommitted_template_says_so_and_cannot_be_updated(template: Path, tmp_path: Path) -> None:
    copy = tmp_path / "template"
    shutil.copytree(template, copy, symlinks=True)
    edit("overlays/qwen3-1-7b-vllm-gpu/vllm.yaml", "max-model-len", "max-num-seqs")(copy)
    data = {"repository_url": REPOSITORY_URL, "account_id": "111122223333"}
    made = new_repository(tmp_path / "my-platform", template=str(copy), data=data, interactive=False)
    assert "uncommitted changes" in made.template
    assert "max-num-seqs" in (made.repository / "overlays/qwen3-1-7b-vllm-gpu/vllm.yaml").read_text()
    publish(copy, "v0.2.0")
    before = output(made.repository, "rev-parse", "HEAD")
    refused = refusal(update, made.repository, interactive=False)
    assert "_commit" in refused.fix
    assert output(made.repository, "rev-parse", "HEAD") == before
    assert output(made.repository, "status", "--porcelain") == ""


@pytest.mark.slow
def test_a_trial_shows_what_an_update_would_change_and_changes_nothing(
    repository: Path, newer: Callable[..., Path]
) -> None:
    newer(v0_2_0=comment_everywhere)
    before = output(repository, "rev-parse", "HEAD")
    done = update(repository, interactive=False, dry_run=True)
    assert done.exit_code is ExitCode.CLEAN
    assert f"+{TEMPLATE_LINE}" in done.diff and f"b/{VERSIONS}" in done.diff
    assert output(repository, "rev-parse", "HEAD") == before
    assert output(repository, "status", "--porcelain") == ""


@pytest.mark.slow
def test_a_trial_leaves_conflicts_to_the_update_itself(repository: Path, newer: Callable[..., Path]) -> None:
    versions = "template/environment/environments/*/versions/kustomization.yaml"
    newer(v0_2_0=edit(versions, "newTag: v0.33.0", "newTag: v0.40.0"))
    edit(VERSIONS, "newTag: v0.33.0", "newTag: v0.33.1")(repository)
    commit(repository, "Run another engine version in dev")
    done = update(repository, interactive=False, dry_run=True)
    assert done.exit_code is ExitCode.FINDINGS and done.conflicts == (VERSIONS,) and done.details
    assert output(repository, "status", "--porcelain") == ""


def test_an_answer_can_be_changed_and_the_version_stays(repository: Path, newer: Callable[..., Path]) -> None:
    newer(v0_2_0=comment_everywhere)
    facts = repository / "environments/dev/environment.yaml"
    facts.write_text(f"{facts.read_text()}{USER_LINE}\n")
    commit(repository, "Edit the facts")
    done = update(repository, environment="dev", interactive=False, answers={"kubernetes_version": "1.36"})
    assert done.exit_code is ExitCode.CLEAN
    assert [(step.before, step.after, bool(step.commit)) for step in done.steps] == [("v0.1.0", "v0.1.0", True)]
    assert "1.36" in facts.read_text() and facts.read_text().endswith(f"{USER_LINE}\n")
    recorded = yaml.safe_load((repository / "environments/dev/.copier-answers.yml").read_text())
    assert recorded["kubernetes_version"] == "1.36" and recorded["_commit"] == "v0.1.0"
    assert output(repository, "log", "-1", "--format=%s") == (
        "Change answers of the environment dev: kubernetes_version"
    )
    again = update(repository, environment="dev", interactive=False, answers={"kubernetes_version": "1.36"})
    assert [step.commit for step in again.steps] == [None]


@pytest.mark.parametrize(
    ("environment", "answers", "message", "fix"),
    [
        (None, {"kubernetes_version": "1.36"}, "asked of each environment", "environment dev, environment prod"),
        ("dev", {"code_owners": "@a/b"}, "asked of the repository", "leave out --env"),
        ("dev", {"kubernetes_versoin": "1.36"}, "no question kubernetes_versoin", "kubernetes_version?"),
        ("dev", {"environment_name": "test"}, "name of a folder", "modelyard env add"),
        ("dev", {"kubernetes_version": "1.2"}, "kubernetes_version", "answer kubernetes_version otherwise"),
    ],
)
def test_an_answer_that_nobody_takes_is_refused(
    repository: Path, environment: str | None, answers: dict[str, str], message: str, fix: str
) -> None:
    refused = refusal(update, repository, environment=environment, interactive=False, answers=answers)
    assert message in refused.message and fix in refused.fix
    assert output(repository, "status", "--porcelain") == ""


def test_asking_needs_a_terminal(repository: Path) -> None:
    assert "terminal" in refusal(update, repository, ask=True).message
    assert output(repository, "status", "--porcelain") == ""


@pytest.mark.slow
def test_models_of_the_user_follow_a_base_that_reads_another_folder(
    repository: Path, newer: Callable[..., Path]
) -> None:
    """Stubs of the template come with it; those that people added are migrated, once."""

    def read_another_folder(template: Path) -> None:
        shutil.copytree(template / "bases/features/hf-token", template / "bases/features/another")
        (template / "bases/features/another/kustomization.yaml").write_text(
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
        )
        base = template / "overlays/qwen3-1-7b-vllm-gpu/kustomization.yaml"
        base.write_text(f"{base.read_text()}components:\n  - ../../bases/features/another\n")

    newer(v0_2_0=read_another_folder)
    changes = Changes(repository)
    rename_model(changes, "dev", "qwen3-1-7b", "mine")
    changes.apply()
    commit(repository, "Serve it under a name of our own")
    stub = repository / "environments/dev/applications/mine.yaml"
    assert "features/another" not in stub.read_text()
    done = update(repository, interactive=False, migrate=migrate)
    assert done.exit_code is ExitCode.CLEAN, done
    assert "/bases/features/another" in stub.read_text()
    assert any("manifest-generate-paths" in each for step in done.steps for each in step.migrations)
    assert output(repository, "status", "--porcelain") == ""
    again = update(repository, interactive=False, migrate=migrate)
    assert [(step.commit, step.migrations) for step in again.steps] == [(None, ())] * 3


def test_migrations_are_due_by_version_and_run_oldest_first(repository: Path) -> None:
    ran: list[str] = []

    def mark(name: str) -> Callable[[EnvironmentFiles], None]:
        def apply(environment: EnvironmentFiles) -> None:
            ran.append(f"{name} {environment.name}")
            environment.changes.write(f"{environment.folder}/{name}", "done\n")

        return apply

    known = [
        Migration("third", None, "third", mark("third")),
        Migration("second", (0, 3, 0), "second", mark("second")),
        Migration("first", (0, 2, 0), "first", mark("first")),
    ]
    assert migrate(repository, ["dev"], "v0.1.9", known) == ("third",)
    ran.clear()
    assert migrate(repository, ["dev", "prod"], "v0.2.0", known) == ("first", "third")
    assert ran == ["first dev", "first prod", "third dev", "third prod"]
    # A commit is as new as can be; what is done already changes nothing and is not told.
    assert migrate(repository, ["dev", "prod"], "8b05d58", known) == ("second",)
