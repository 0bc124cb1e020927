"""Every command of the workflows of a generated repository, run in a clone as GitHub would run it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard.editing import Changes, set_model
from modelyard.scaffolding import new_environment, new_repository
from modelyard.scaffolding.git import author, commit_everything, git, output
from modelyard.scaffolding.trust import trust
from modelyard.tooling import find
from modelyard.tooling.git import reaching_out
from tests.inventory_charts import keep
from tests.template.conftest import REPOSITORY_URL, publish
from tests.template.workflow_stubs import Runner

needs_helm = pytest.mark.skipif(find("helm") is None, reason="helm is not installed: modelyard tools install helm")
BOT = "github-actions[bot]"
CONTEXTS = {
    "github.server_url": "https://github.com",
    "github.repository": "acme/my-platform",
    "github.run_id": "77",
    "github.token": "token-of-the-job",
}
LOCK = 'provider "registry.terraform.io/hashicorp/aws" {}'
REPOSITORY = {"full_name": "acme/my-platform", "default_branch": "main"}
FORK = {"full_name": "somebody/my-platform", "owner": {"login": "somebody"}}


def pull_request(base: str, head: str = "") -> dict[str, Any]:
    """What GitHub says of a pull request from a fork."""
    sides = {"base": {"sha": base, "ref": "main"}, "head": {"sha": head, "ref": "longer-requests", "repo": FORK}}
    return {"action": "synchronize", "number": 5, "repository": REPOSITORY, "pull_request": {"number": 5, **sides}}


def pushed(before: str) -> dict[str, Any]:
    """What GitHub says of a push to main."""
    return {"ref": "refs/heads/main", "before": before, "repository": REPOSITORY}


def completed(head: str) -> dict[str, Any]:
    """What GitHub says of a workflow that ended, which a fork's pull request had started."""
    run = {"id": 76, "event": "pull_request", "conclusion": "success", "head_sha": head}
    return {
        "action": "completed",
        "repository": REPOSITORY,
        "workflow_run": {**run, "head_branch": "longer-requests", "head_repository": FORK},
    }


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep charts and renderings for these tests alone."""
    patch = pytest.MonkeyPatch()
    patch.setenv("MODELYARD_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    yield
    patch.undo()


@pytest.fixture(scope="module")
def platform(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with dev and prod, both on main, as a bare origin beside it."""
    folder = tmp_path_factory.mktemp("workflows")
    root = folder / "my-platform"
    data = {"repository_url": REPOSITORY_URL, "account_id": "111122223333", "code_owners": "@acme/platform"}
    data |= {"rehearse_in_ci": "true", "build_images": "true"}
    new_repository(root, template=str(template), ref="v0.1.0", data=data, interactive=False)
    new_environment(root, environment="prod", data={"account_id": "444455556666"}, interactive=False)
    keep(root)
    # What terraform init writes, and people commit.
    (root / "terraform/.terraform.lock.hcl").write_text(f"{LOCK}\n")
    commit_everything(root, "Add prod", author(root))
    git(folder, "clone", "--quiet", "--bare", str(root), str(folder / "origin.git"), env=reaching_out())
    return root


@pytest.fixture
def clone(platform: Path, tmp_path: Path) -> Path:
    """What actions/checkout leaves: a clone with its history."""
    git(
        tmp_path,
        "clone",
        "--quiet",
        str(platform.parent / "origin.git"),
        str(tmp_path / "my-platform"),
        env=reaching_out(),
    )
    return tmp_path / "my-platform"


def changed(clone: Path, environment: str = "dev", **values: str) -> tuple[str, str]:
    """Commit a change of a model on a branch, and return base and head."""
    base = output(clone, "rev-parse", "HEAD")
    git(clone, "switch", "--quiet", "--create", "longer-requests")
    changes = Changes(clone)
    set_model(changes, environment, "qwen3-1-7b", values or {"max-model-len": "8192"})
    changes.apply()
    return base, commit_everything(clone, "Serve longer requests", author(clone))


def passed(done: list[tuple[str, int, str]]) -> dict[str, str]:
    """Return the output of each step; all of them passed."""
    for name, code, said in done:
        assert code == 0, f"{name} ended with {code}:\n{said}"
    return {name: said for name, _, said in done}


def previewed(clone: Path, tmp_path: Path, **values: str) -> Runner:
    base, head = changed(clone, **values)
    # One runner for both workflows, as if each had its own event.
    runner = Runner(clone, tmp_path / "runner", CONTEXTS, pull_request(base, head) | completed(head))
    runner.know(
        {
            "pulls": [{"number": 5, "head": {"label": "somebody:longer-requests", "ref": "x", "sha": head}}],
            "comments": [{"id": 1, "user": {"login": "somebody"}, "body": "<!-- modelyard:dev --> not the bot's"}],
            "opened": [],
        }
    )
    return runner


def bodies(runner: Runner) -> list[str]:
    return [each["body"] for each in runner.known["comments"] if each["user"]["login"] == BOT]


@pytest.mark.slow
def test_parts_are_merged_into_what_one_check_tells(clone: Path, tmp_path: Path) -> None:
    (clone / "parts").mkdir()
    for index in (0, 1):
        part = Runner(clone, tmp_path / f"part-{index}", {**CONTEXTS, "matrix.shard": f"{index + 1}/2"})
        passed(part.run("check.yml", "check", only="Check"))
        shutil.move(clone / "reports", clone / f"parts/check-{index}")
    runner = Runner(clone, tmp_path / "runner", CONTEXTS)
    said = passed(runner.run("check.yml", "report"))["Merge the parts"]
    assert "2 environments" in said.splitlines()[-1]
    assert (runner.folder / "summary.md").read_text()
    shutil.rmtree(clone / "parts/check-1")
    ((_, _, _), (_, code, refused)) = runner.run("check.yml", "report")
    assert code == 2 and "2/2" in refused, refused


@pytest.mark.slow
def test_check_splits_its_work_and_reports(clone: Path, tmp_path: Path) -> None:
    base = {"github.event.pull_request.base.sha": output(clone, "rev-parse", "HEAD")}
    runner = Runner(clone, tmp_path / "runner", {**CONTEXTS, **base, "matrix.shard": "1/1"})
    passed(runner.run("check.yml", "size"))
    assert json.loads(runner.outputs["steps.size.outputs.shards"]) == ["1/1"]
    done = runner.run("check.yml", "check")
    ended = {name: code for name, code, _ in done}
    said = {name: text for name, _, text in done}
    assert ended["Check"] == 0, done
    assert "warning" not in said["Check"].splitlines()[-1] and "in the cache" not in said["Check"]
    assert said["Build what is missing and fetch the charts that are not cached"].count("present ") >= 5
    assert json.loads((clone / "reports/check.sarif").read_text())["version"] == "2.1.0"
    assert "<testsuites" in (clone / "reports/check.xml").read_text()
    assert (runner.folder / "summary.md").read_text() == (clone / "reports/check.md").read_text() != ""
    assert ended["Compare with the base"] == 0, said["Compare with the base"]
    assert ended["Run the team's own rules and one test item per application"] == 0, done[-1][2]
    assert runner.calls == [
        "pip install -r requirements.txt",
        "modelyard tools install",
        "modelyard fetch",
    ]


def rehearsals(runner: Runner) -> list[str]:
    return [each for each in runner.calls if each.startswith("modelyard rehearse")]


def test_what_a_change_reaches_is_rehearsed(clone: Path, tmp_path: Path) -> None:
    base, _ = changed(clone)
    contexts = {**CONTEXTS, "github.event.pull_request.base.sha": base}
    runner = Runner(clone, tmp_path / "runner", contexts)
    passed(runner.run("rehearse.yml", "rehearse"))
    assert rehearsals(runner) == ["modelyard rehearse --env dev --level sync --quiet"]
    assert any(each.startswith("modelyard tools install etcd kube-apiserver ") for each in runner.calls)
    with (clone / "bases/serving/vllm/service.yaml").open("a") as file:
        file.write("# seen by every environment\n")
    commit_everything(clone, "Change a base", author(clone))
    runner = Runner(clone, tmp_path / "other-runner", contexts)
    passed(runner.run("rehearse.yml", "rehearse"))
    assert [each.split()[3] for each in rehearsals(runner)] == ["dev", "prod"]


def test_nobody_rehearses_who_did_not_ask_for_it(two_environments: Path) -> None:
    workflows = two_environments / ".github/workflows"
    assert (workflows / "check.yml").is_file() and not (workflows / "rehearse.yml").exists()


def test_a_large_repository_is_checked_in_eight_parts_at_most(clone: Path, tmp_path: Path) -> None:
    runner = Runner(clone, tmp_path / "runner", CONTEXTS)
    folder = clone / "environments/dev/applications"
    for count, parts in ((700, 3), (5000, 8)):
        for number in range(count):
            (folder / f"copy-{number}.yaml").touch()
        passed(runner.run("check.yml", "size"))
        told = json.loads(runner.outputs["steps.size.outputs.shards"])
        assert told == [f"{number}/{parts}" for number in range(1, parts + 1)]


def test_a_preview_is_commented_once_and_renewed(clone: Path, tmp_path: Path) -> None:
    runner = previewed(clone, tmp_path)
    passed(runner.run("preview.yml", "preview"))
    assert sorted(path.name for path in (clone / "preview").iterdir()) == ["dev.md", "environments.txt", "preview.json"]
    passed(runner.run("preview-comment.yml", "comment"))
    (body,) = bodies(runner)
    assert body.startswith("<!-- modelyard:dev -->\n") and "max-model-len" in body
    assert body.splitlines()[1:3] == [
        "> [!CAUTION]",
        "> Computed by the code of a fork (somebody), which can write anything below.",
    ]
    passed(runner.run("preview-comment.yml", "comment"))
    assert bodies(runner) == [body], "a second run writes another comment"
    # The next push takes the change back.
    (clone / "preview/dev.md").unlink()
    passed(runner.run("preview-comment.yml", "comment"))
    assert bodies(runner) == ["<!-- modelyard:dev -->\n### dev: nothing changes"]
    assert len(runner.known["comments"]) == 2, "somebody else's comment is left alone"


@needs_helm
def test_other_values_of_a_chart_are_previewed_as_what_it_renders_to(clone: Path, tmp_path: Path) -> None:
    base = output(clone, "rev-parse", "HEAD")
    values = clone / "environments/dev/platform/karpenter/values.yaml"
    values.write_text(values.read_text() + "replicas: 3\n")
    head = commit_everything(clone, "Run three", author(clone))
    runner = Runner(clone, tmp_path / "runner", CONTEXTS, pull_request(base, head))
    passed(runner.run("preview.yml", "preview"))
    comment = (clone / "preview/dev.md").read_text()
    assert "**karpenter** Deployment changed" in comment and "+ spec.replicas: 3" in comment
    assert "Not compared" not in comment


@needs_helm
def test_a_chart_that_the_api_server_would_refuse_fails_the_check(clone: Path, tmp_path: Path) -> None:
    values = clone / "environments/dev/platform/karpenter/values.yaml"
    values.write_text(values.read_text() + "replicas: three\n")
    runner = Runner(clone, tmp_path / "runner", {**CONTEXTS, "matrix.shard": "1/1"})
    ((_, code, said),) = runner.run("check.yml", "check", only="Check")
    assert code == 1 and "schema/invalid-resource" in said and "karpenter" in said
    assert "::error file=environments/dev/platform/karpenter/values.yaml" in said


def test_a_change_that_does_not_fit_is_still_commented(clone: Path, tmp_path: Path) -> None:
    runner = previewed(clone, tmp_path, **{"max-model-len": "9999999"})
    said = passed(runner.run("preview.yml", "preview"))
    assert "9999999" in said["Compare with the base"]
    passed(runner.run("preview-comment.yml", "comment"))
    assert "9999999" in bodies(runner)[0]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dev", "### a comment without the mark\n"),
        ("dev", "<!-- modelyard:prod -->\nthe mark of another\n"),
        ("$(touch pwned)", "<!-- modelyard:$(touch pwned) -->\n"),
        ("Dev", "<!-- modelyard:Dev -->\n"),
        ("a;b", "<!-- modelyard:a;b -->\n"),
        ("-n", "<!-- modelyard:-n -->\n"),
    ],
)
def test_an_artifact_of_anybody_s_making_is_left_out(clone: Path, tmp_path: Path, name: str, text: str) -> None:
    runner = previewed(clone, tmp_path)
    (clone / "preview").mkdir()
    (clone / "preview" / f"{name}.md").write_text(text)
    said = passed(runner.run("preview-comment.yml", "comment"))
    assert bodies(runner) == []
    assert "left out" in said["Write one comment for each environment"]
    assert not (clone / "pwned").exists()


def test_a_hostile_text_mentions_nobody_and_is_cut(clone: Path, tmp_path: Path) -> None:
    runner = previewed(clone, tmp_path)
    (clone / "preview").mkdir()
    (clone / "preview/dev.md").write_text(
        "<!-- modelyard:dev -->\n<!-- @acme/platform look $(touch pwned) `id`\n" + "é" * 70000
    )
    passed(runner.run("preview-comment.yml", "comment"))
    (body,) = bodies(runner)
    assert body.index("[!CAUTION]") < body.index("<!-- @"), "a comment of HTML hides what comes after it"
    assert "@acme" not in body and "$(touch pwned)" in body and len(body) <= 65536
    assert not (clone / "pwned").exists()


def test_a_preview_that_failed_is_told_where_an_older_one_stands(clone: Path, tmp_path: Path) -> None:
    runner = previewed(clone, tmp_path)
    (clone / "preview").mkdir()
    (clone / "preview/dev.md").write_text("<!-- modelyard:dev -->\nfits\n")
    passed(runner.run("preview-comment.yml", "comment"))
    passed(runner.run("preview-comment.yml", "outdated"))
    (body,) = bodies(runner)
    assert body.startswith("<!-- modelyard:dev -->\n### Nothing is known of the newest push") and "fits" not in body
    assert len(runner.known["comments"]) == 2, "somebody else's comment is left alone"


def test_a_newer_push_comments_for_itself(clone: Path, tmp_path: Path) -> None:
    runner = previewed(clone, tmp_path)
    (clone / "preview").mkdir()
    (clone / "preview/dev.md").write_text("<!-- modelyard:dev -->\n")
    known = runner.known
    known["pulls"][0]["head"]["sha"] = "0" * 40
    runner.know(known)
    said = passed(runner.run("preview-comment.yml", "comment"))
    assert "a newer run comments" in said["Find the pull request"]
    assert bodies(runner) == []


def test_the_privileged_workflow_runs_nothing_of_the_fork(platform: Path) -> None:
    text = (platform / ".github/workflows/preview-comment.yml").read_text()
    jobs = yaml.safe_load(text)["jobs"]
    used = [step.get("uses", "") for job in jobs.values() for step in job["steps"]]
    assert not [each for each in used if "checkout" in each or "mise" in each]
    assert "modelyard diff" not in text and "pip install" not in text
    assert set(jobs["comment"]["permissions"]) == {"actions", "pull-requests"}
    assert set(jobs["outdated"]["permissions"]) == {"pull-requests"}
    unprivileged = yaml.safe_load((platform / ".github/workflows/preview.yml").read_text())
    assert unprivileged["jobs"]["preview"]["permissions"] == {"contents": "read"}


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("environments/prod/terraform.tfvars", ["prod"]),
        ("terraform/main.tf", ["dev", "prod"]),
        ("README.md", []),
        ("environments/gone/terraform.tfvars", None),
    ],
)
def test_terraform_looks_at_the_environments_that_a_change_reaches(
    clone: Path, tmp_path: Path, path: str, names: list[str] | None
) -> None:
    base = output(clone, "rev-parse", "HEAD")
    (clone / path).parent.mkdir(exist_ok=True)
    (clone / path).open("a").write("\n")
    commit_everything(clone, "Change", author(clone))
    if names is None:  # a folder that goes again is nobody's environment
        base = output(clone, "rev-parse", "HEAD")
        shutil.rmtree((clone / path).parent)
        commit_everything(clone, "Remove", author(clone))
    runner = Runner(clone, tmp_path / "runner", CONTEXTS, pull_request(base))
    passed(runner.run("terraform.yml", "environments"))
    assert json.loads(runner.outputs["steps.changed.outputs.names"]) == (names or [])


def test_the_first_push_reaches_every_environment(clone: Path, tmp_path: Path) -> None:
    runner = Runner(clone, tmp_path / "runner", CONTEXTS, pushed("0" * 40))
    passed(runner.run("terraform.yml", "environments"))
    assert json.loads(runner.outputs["steps.changed.outputs.names"]) == ["dev", "prod"]


@pytest.mark.parametrize(
    ("code", "plan", "says"),
    [
        (0, "No changes.", "nothing changes"),
        (2, "+ x\n````\n@team\nPlan: 1 to add, 0 to change, 0 to destroy.", "Plan: 1 to add"),
        (1, "half a plan", "the plan failed"),
    ],
)
def test_a_plan_is_commented_whatever_it_says(clone: Path, tmp_path: Path, code: int, plan: str, says: str) -> None:
    event = pull_request(output(clone, "rev-parse", "HEAD"))
    runner = Runner(clone, tmp_path / "runner", {**CONTEXTS, "matrix.environment": "dev"}, event)
    (runner.folder / "plan").write_text(plan + "\n")
    (runner.folder / "plan-code").write_text(str(code))
    (runner.folder / "show").write_text("{}")
    for _ in range(2):
        done = runner.run("terraform.yml", "plan")
        assert [each[1] for each in done] == [0, int(code == 1), 0], done
    assert runner.outputs["steps.facts.outputs.region"] == "us-west-2"
    (body,) = bodies(runner)
    assert body.startswith("<!-- modelyard-terraform:dev -->\n### Terraform for dev: ") and says in body.splitlines()[1]
    assert "````\n@team" not in body.replace("`````", "")
    assert any("-backend-config=../environments/dev/backend.hcl" in call for call in runner.calls)


def showing(runner: Runner, code: int, name: str = "x") -> None:
    """Let Terraform plan a change of one resource."""
    (runner.folder / "plan").write_text("Plan: 1 to add\n")
    (runner.folder / "plan-code").write_text(str(code))
    still = {"address": "aws_vpc.y", "change": {"actions": ["no-op"], "after": {"read": str(runner.folder)}}}
    change = {"address": f"aws_vpc.{name}", "change": {"actions": ["create"], "after": {"cidr_block": "10.0.0.0/16"}}}
    (runner.folder / "show").write_text(
        json.dumps({"resource_changes": [still, change], "timestamp": str(runner.folder)})
    )


def planned_then_applied(
    clone: Path, tmp_path: Path, then: str, code: int = 2
) -> tuple[Runner, list[tuple[str, int, str]]]:
    """Run the job that plans, then the one that applies, for which Terraform plans a change of another name."""
    planning = Runner(clone, tmp_path / "planning", {**CONTEXTS, "matrix.environment": "prod"}, pushed("0" * 40))
    showing(planning, 2)
    done = planning.run("terraform.yml", "plan")
    assert [each[1] for each in done[:2]] == [0, 0], done
    runner = Runner(clone, tmp_path / "applying", {**CONTEXTS, "matrix.environment": "prod"})
    showing(runner, code, then)
    return runner, runner.run("terraform.yml", "apply")


def test_an_apply_applies_what_was_shown(clone: Path, tmp_path: Path) -> None:
    runner, done = planned_then_applied(clone, tmp_path, "x")
    passed(done)
    assert [call.split()[1] for call in runner.calls] == ["init", "plan", "show", "apply"]
    assert "-lockfile=readonly" in runner.calls[0] and "-lock=false" not in runner.calls[1]
    assert runner.calls[3].endswith("../terraform.tfplan") and "-auto-approve" not in runner.calls[3]
    workflow = yaml.safe_load((clone / ".github/workflows/terraform.yml").read_text())["jobs"]
    assert workflow["apply"]["environment"] == "${{ matrix.environment }}", "its reviewers approve"
    assert workflow["plan"]["environment"] == "${{ matrix.environment }}-plan"


@pytest.mark.parametrize(("then", "code", "says"), [("z", 2, "plans something else now"), ("x", 0, "nothing changes")])
def test_an_apply_stops_when_something_else_is_planned(
    clone: Path, tmp_path: Path, then: str, code: int, says: str
) -> None:
    runner, done = planned_then_applied(clone, tmp_path, then, code)
    _, ended, said = done[-1]
    assert ended == (1 if code else 0) and says in said
    assert "apply" not in [call.split()[1] for call in runner.calls]


def test_a_provider_without_a_lock_is_not_planned_with(clone: Path, tmp_path: Path) -> None:
    (clone / "terraform/.terraform.lock.hcl").unlink()
    runner = Runner(clone, tmp_path / "runner", {**CONTEXTS, "matrix.environment": "prod"}, pushed("0" * 40))
    done = runner.run("terraform.yml", "plan")
    assert [each[1] for each in done[:2]] == [0, 1] and "commit it" in done[1][2]
    assert runner.calls == []


@pytest.mark.parametrize(("chosen", "names", "code"), [("", ["prod"], 0), ("dev", ["dev", "prod"], 0), ("", [], 1)])
def test_an_environment_without_reviewers_is_not_applied(
    clone: Path, tmp_path: Path, chosen: str, names: list[str], code: int
) -> None:
    asked = ["dev", "prod"] if names else ["dev"]
    contexts = {"needs.environments.outputs.names": json.dumps(asked), "vars.APPLY_WITHOUT_REVIEW": chosen}
    runner = Runner(clone, tmp_path / "runner", {**CONTEXTS, **contexts})
    rules = [{"type": "required_reviewers", "reviewers": [{"type": "Team"}]}]
    runner.know({**runner.known, "environments": {"prod": {"protection_rules": rules}}})
    ((_, ended, said),) = runner.run("terraform.yml", "reviewed")
    assert ended == code
    assert json.loads(runner.outputs["steps.protected.outputs.names"]) == names
    assert ("::error title=dev is not applied" in said) is (not chosen)


def test_two_merges_while_one_waits_lose_nothing(clone: Path, tmp_path: Path) -> None:
    """GitHub cancels what waits in a group when another comes; what that would have done must be in a later one."""
    workflow = yaml.safe_load((clone / ".github/workflows/terraform.yml").read_text())
    waiting: dict[str, list[str]] = {}
    applied: list[str] = []
    for number, path in enumerate(("prod/terraform.tfvars", "dev/terraform.tfvars", "prod/backend.hcl")):
        before = output(clone, "rev-parse", "HEAD")
        with (clone / "environments" / path).open("a") as file:
            file.write("\n")
        commit_everything(clone, path, author(clone))
        runner = Runner(clone, tmp_path / str(number), CONTEXTS, pushed(before))
        passed(runner.run("terraform.yml", "environments"))
        group = workflow["concurrency"]["group"]
        assert "github.event_name == 'pull_request' && github.ref || github.run_id" in group
        names = json.loads(runner.outputs["steps.changed.outputs.names"])
        waiting[group.replace("github.run_id", str(number))] = names
        for name in names:
            # A group for each environment: the newer run takes the place of the one that waits.
            applied = [each for each in applied if each != name] + [name]
    assert list(waiting.values()) == [["prod"], ["dev"], ["prod"]], "a run took the place of another"
    assert sorted(applied) == ["dev", "prod"]
    assert workflow["jobs"]["apply"]["concurrency"]["group"] == "terraform-apply-${{ matrix.environment }}"


def updating(clone: Path, tmp_path: Path) -> Runner:
    contexts = {**CONTEXTS, "secrets.TEMPLATE_UPDATE_TOKEN": "token-of-an-app"}
    return Runner(clone, tmp_path / "runner", contexts, {"schedule": "17 5 * * 1", "repository": REPOSITORY})


def update(runner: Runner) -> dict[str, str]:
    """Run both jobs of the update, the second as GitHub starts it: in a clone of its own."""
    passed(runner.run("template-update.yml", "update"))
    git(runner.clone, "switch", "--quiet", "--force", "main")
    git(runner.clone, "branch", "-D", "modelyard/template-update")
    git(runner.clone, "fetch", "--quiet", "origin", "+refs/heads/*:refs/remotes/origin/*", env=reaching_out())
    return passed(runner.run("template-update.yml", "open"))


def test_who_renders_the_template_holds_nothing_that_writes(platform: Path) -> None:
    jobs = yaml.safe_load((platform / ".github/workflows/template-update.yml").read_text())["jobs"]
    assert jobs["update"]["permissions"] == {"contents": "read"} and "environment" not in jobs["update"]
    assert "secrets." not in json.dumps(jobs["update"])
    ran = " ".join(step.get("run", "") for step in jobs["open"]["steps"])
    assert not any(
        word in ran for word in ("modelyard update", "mise", "pip", "git switch", "git checkout", "git merge ")
    )


def test_a_template_that_is_current_opens_nothing(clone: Path, tmp_path: Path) -> None:
    runner = updating(clone, tmp_path)
    said = update(runner)
    assert "the template is current" in said["Open or renew the pull request"]
    assert runner.known["opened"] == []


@pytest.mark.slow
@pytest.mark.parametrize("conflict", [False, True])
def test_a_newer_template_is_a_pull_request_that_explains_conflicts(
    template: Path, tmp_path: Path, platform: Path, conflict: bool
) -> None:
    newer = tmp_path / "modelyard"
    shutil.copytree(template, newer, symlinks=True)
    clone = tmp_path / "my-platform"
    shutil.copytree(platform.parent / "origin.git", tmp_path / "origin.git")
    git(tmp_path, "clone", "--quiet", str(tmp_path / "origin.git"), str(clone), env=reaching_out())
    for answers in (clone / ".copier-answers.yml", *clone.glob("environments/*/.copier-answers.yml")):
        answers.write_text(answers.read_text().replace(str(template), str(newer)))
    settings = clone / "mise.toml"
    if conflict:
        settings.write_text(settings.read_text().replace('python = "3.12"', 'python = "3.13"'))
    commit_everything(clone, "Ours", author(clone))
    trust(str(newer))
    git(clone, "push", "--quiet", "origin", "main", env=reaching_out())
    theirs = newer / "template/repository/mise.toml"
    theirs.write_text(theirs.read_text().replace('python = "3.12"', 'python = "3.14"'))
    publish(newer, "v0.2.0")
    runner = updating(clone, tmp_path)
    update(runner)
    (opened,) = runner.known["opened"]
    assert opened["words"][:2] == ["pr", "create"]
    assert ("--draft" in opened["words"]) is conflict
    assert ("- `mise.toml`" in opened["body"]) is conflict
    assert "- **repository** v0.1.0 → v0.2.0" in opened["body"]
    pushed = output(tmp_path / "origin.git", "show", "modelyard/template-update:mise.toml")
    assert ("<<<<<<< before updating" in pushed) is conflict and '"3.14"' in pushed
    if not conflict:
        return
    # Somebody resolves the conflict on the branch; the next weekly update leaves that alone, and says so.
    resolving = tmp_path / "resolving"
    git(
        tmp_path,
        "clone",
        "--quiet",
        "--branch",
        "modelyard/template-update",
        str(tmp_path / "origin.git"),
        str(resolving),
        env=reaching_out(),
    )
    (resolving / "mise.toml").write_text(theirs.read_text())
    git(resolving, "config", "user.email", "ada@example.com")
    git(resolving, "config", "user.name", "Ada")
    git(resolving, "add", "--all")
    git(resolving, "commit", "--quiet", "--message", "Choose `theirs`")
    git(resolving, "push", "--quiet", "origin", "HEAD", env=reaching_out())
    resolved = output(resolving, "rev-parse", "HEAD")
    runner.know({**runner.known, "opened": [], "pulls": [{"number": 7, "head": {"ref": "modelyard/template-update"}}]})
    update(runner)
    assert output(tmp_path / "origin.git", "rev-parse", "modelyard/template-update") == resolved
    (said,) = runner.known["opened"]
    assert said["words"][:3] == ["pr", "comment", "7"] and "Ada: Choose 'theirs'" in said["body"].replace(
        "theirs", "'theirs'", 1
    )


def test_images_are_those_that_environments_tag(clone: Path, tmp_path: Path) -> None:
    runner = Runner(clone, tmp_path / "runner", {**CONTEXTS, "matrix.image": "vllm/vllm-openai:v0.33.0"})
    passed(runner.run("images.yml", "list"))
    listed = json.loads(runner.outputs["steps.list.outputs.images"])
    tagged = set()
    for file in clone.glob("environments/*/versions/kustomization.yaml"):
        for each in yaml.safe_load(file.read_text())["images"]:
            tagged.add(f"{each.get('newName', each['name'])}:{each['newTag']}")
    assert listed == sorted(tagged)
    inspect = "docker buildx imagetools inspect"
    for size, scanned in ((1 << 20, "true"), (1 << 50, None)):
        (runner.folder / "manifest").write_text(json.dumps({"layers": [{"size": size}, {"size": size}]}))
        runner.outputs.pop("steps.room.outputs.scan", None)
        said = passed(runner.run("images.yml", "image"))
        assert runner.outputs.get("steps.room.outputs.scan") == scanned
        assert ("is not scanned" in said["See that there is room to unpack it"]) is (scanned is None)
    assert runner.calls[:2] == [f"{inspect} vllm/vllm-openai:v0.33.0", f"{inspect} --raw vllm/vllm-openai:v0.33.0"]


KEPT = 'github = { repository = "acme/my-platform" }\nimage_repositories = [\n  "other",\n  "mlserver",\n]\n'


def test_images_are_built_for_who_keeps_them_and_their_tags_proposed(clone: Path, tmp_path: Path) -> None:
    variables = clone / "environments/prod/terraform.tfvars"
    variables.write_text(variables.read_text() + KEPT)
    runner = Runner(clone, tmp_path / "runner", CONTEXTS, {"repository": REPOSITORY})
    passed(runner.run("build-images.yml", "list"))
    assert json.loads(runner.outputs["steps.list.outputs.folders"]) == ["mlserver"]
    tag = f"1.7.1-{output(clone, 'rev-parse', 'HEAD:images/mlserver')[:8]}"
    (image,) = json.loads(runner.outputs["steps.list.outputs.images"])
    assert image == {
        "name": "mlserver",
        "tag": tag,
        "environment": "prod",
        "account": "444455556666",
        "region": "us-west-2",
        "cluster": "my-platform-prod",
    }
    git(clone, "checkout", "--quiet", "--", ".")
    told = {"needs.list.outputs.images": json.dumps([image]), "needs.publish.result": "success"}
    proposing = Runner(clone, tmp_path / "runner", {**CONTEXTS, **told}, {"repository": REPOSITORY})
    passed(proposing.run("build-images.yml", "propose"))
    for environment, name in (
        ("dev", "seldonio/mlserver"),
        ("prod", "444455556666.dkr.ecr.us-west-2.amazonaws.com/my-platform-prod/mlserver"),
    ):
        file = f"environments/{environment}/versions/kustomization.yaml"
        entries = {each["name"]: each for each in yaml.safe_load(output(clone, "show", f"HEAD:{file}"))["images"]}
        assert entries["mlserver"]["newName"] == name and len(entries["mlserver"]) == 3
        assert entries["vllm/vllm-openai"]["newTag"].startswith("v0.")
    assert entries["mlserver"]["newTag"] == tag
    assert output(clone, "log", "-1", "--format=%s").startswith("Move images")
    assert proposing.known["opened"][0]["words"][:2] == ["pr", "create"]


def test_an_image_that_was_not_published_is_not_proposed(clone: Path, tmp_path: Path) -> None:
    told = {"needs.list.outputs.images": "[]", "needs.publish.result": "failure"}
    runner = Runner(clone, tmp_path / "runner", {**CONTEXTS, **told}, {"repository": REPOSITORY})
    (moved, *_) = runner.run("build-images.yml", "propose")
    assert moved[1] == 1 and "an image is missing" in moved[2]


@pytest.mark.parametrize(
    ("workflow", "job", "results", "passes"),
    [
        ("check.yml", "checked", ("success", "success"), True),
        ("check.yml", "checked", ("success", "failure"), False),
        ("check.yml", "checked", ("failure", "skipped"), False),
        ("terraform.yml", "planned", ("success", "skipped"), True),
        ("terraform.yml", "planned", ("skipped", "skipped"), True),
        ("terraform.yml", "planned", ("success", "cancelled"), False),
    ],
)
def test_a_job_that_can_be_required_has_a_name_that_stays(
    platform: Path, tmp_path: Path, workflow: str, job: str, results: tuple[str, str], passes: bool
) -> None:
    content = yaml.safe_load((platform / ".github/workflows" / workflow).read_text())
    assert content["jobs"][job]["name"] == job and content["jobs"][job]["if"] == "always()"
    # `on` is a boolean of YAML 1.1; a filter by paths would leave a required job waiting.
    assert content[True]["pull_request"] == {}
    names = [f"needs.{name}.result" for name in content["jobs"][job]["needs"]]
    runner = Runner(platform, tmp_path / "runner", dict(zip(names, results, strict=True)))
    ran = {
        "checked": lambda: runner.run("check.yml", "checked"),
        "planned": lambda: runner.run("terraform.yml", "planned"),
    }
    ((_, code, _),) = ran[job]()
    assert (code == 0) is passes


def test_what_grants_rights_or_runs_has_owners(platform: Path) -> None:
    owned = [line.split()[0] for line in (platform / ".github/CODEOWNERS").read_text().splitlines() if line[:1] == "/"]

    def is_owned(path: str) -> bool:
        patterns = [re.escape(each).replace(r"\*", "[^/]*") + (".*" if each.endswith("/") else "") for each in owned]
        return any(re.fullmatch(pattern, f"/{path}") for pattern in patterns)

    for path in (
        *("environments/dev/models/chat/identity.yaml", "environments/dev/.copier-answers.yml", ".copier-answers.yml"),
        *("tests/conftest.py", "pytest.ini", "policies/x.py", "scripts/install.sh", "requirements.txt", "charts.lock"),
        *(".github/workflows/check.yml", ".github/CODEOWNERS", "environments/dev/versions/kustomization.yaml"),
    ):
        assert is_owned(path), f"{path} has no owner"
    assert not is_owned("environments/dev/models/chat/kustomization.yaml"), "models are anybody's to propose"


# Jobs that build, scan, sign and push by Docker, which is not here; what they are given and what follows them is run.
NOT_RUN = {("build-images.yml", job) for job in ("scan", "push", "publish")}


def test_every_workflow_is_run_here(platform: Path) -> None:
    text = Path(__file__).read_text()
    for workflow in (platform / ".github/workflows").glob("*.yml"):
        for job in yaml.safe_load(workflow.read_text())["jobs"]:
            tried = f'run("{workflow.name}", "{job}")' in text or (workflow.name, job) in NOT_RUN
            assert tried, f"job {job} of {workflow.name} is not tried"


def test_renovate_finds_what_environments_pin(platform: Path) -> None:
    settings = json.loads((platform / ".github/renovate.json").read_text())
    files = [path.relative_to(platform).as_posix() for path in platform.rglob("*.yaml")]
    for manager, least in (("kustomize", 2), ("argocd", 10)):
        (pattern,) = settings[manager]["managerFilePatterns"]
        found = [path for path in files if re.search(pattern.strip("/"), path)]
        assert len(found) >= least, f"{manager} would look at {found}"
    assert set(settings["enabledManagers"]) >= {"terraform", "github-actions", "mise", "pre-commit", "custom.regex"}
    hooks = (platform / ".pre-commit-config.yaml").read_text()
    assert not re.findall(r"^ +rev: (?![0-9a-f]{40} # frozen: v[\d.]+$).*", hooks, re.MULTILINE)
    versions = (platform / "environments/dev/versions/kustomization.yaml").read_text()
    (manager,) = settings["customManagers"]
    for pattern in manager["matchStrings"]:
        assert len(re.findall(pattern.replace("(?<", "(?P<"), versions)) == 1


def versioning_of(settings: dict[str, Any], image: str, tag: str) -> str | None:
    """Return the versioning that Renovate takes for a tag: that of the last rule that matches; None where it is off."""
    chosen = "docker"
    for rule in settings["packageRules"]:
        value = rule.get("matchCurrentValue", "//").strip("/")
        if image in rule.get("matchPackageNames", ()) and re.search(value, tag):
            if rule.get("enabled") is False:
                return None
            chosen = rule.get("versioning", chosen)
    return chosen


@pytest.mark.parametrize(
    ("image", "tag", "newer", "other"),
    [
        (
            "public.ecr.aws/neuron/pytorch-inference-vllm-neuronx",
            "0.24.0.1.1.0-neuronx-py313-sdk2.32.0-ubuntu24.04",
            "0.25.0.1.0.0-neuronx-py313-sdk2.33.0-ubuntu24.04",
            "0.25.0.1.0.0-neuronx-py313-sdk2.33.0-ubuntu26.04",
        ),
        (
            "public.ecr.aws/deep-learning-containers/vllm",
            "0.27.1-gpu-py312-cu130-ubuntu22.04-ec2",
            "0.28.0-gpu-py313-cu131-ubuntu22.04-ec2",
            "0.28.0-gpu-py313-cu131-ubuntu22.04-sagemaker",
        ),
        ("public.ecr.aws/deep-learning-containers/vllm", "omni-cuda-v1.5", "omni-cuda-v1.6", "omni-sagemaker-v1.6"),
    ],
)
def test_renovate_orders_the_tags_that_are_there(platform: Path, image: str, tag: str, newer: str, other: str) -> None:
    settings = json.loads((platform / ".github/renovate.json").read_text())
    versioning = versioning_of(settings, image, tag)
    assert versioning is not None and versioning.startswith("regex:")
    pattern = re.compile(versioning.removeprefix("regex:").replace("(?<", "(?P<"))
    here, there, elsewhere = (pattern.match(each) for each in (tag, newer, other))
    assert here and there

    def order(found: re.Match[str]) -> list[int]:
        return [int(found.groupdict().get(part) or 0) for part in ("major", "minor", "patch", "build", "revision")]

    assert order(there) > order(here) and there["compatibility"] == here["compatibility"]
    assert elsewhere is None or elsewhere["compatibility"] != here["compatibility"]
    assert versioning_of(settings, image, "0.16.0-neuronx-py312-sdk2.31.1-ubuntu24.04") is None or "neuron" not in image
