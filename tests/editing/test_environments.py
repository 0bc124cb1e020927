"""Environments listed, removed, filled in from Terraform and promoted."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard.editing import (
    Changes,
    environment_rows,
    outputs,
    promote,
    remove_environment,
    rows,
    set_model,
    set_owners,
    switch_feature,
    sync_outputs,
)
from modelyard.findings import UserError
from modelyard.tooling import require, run

from .conftest import Outcome, snapshot

Run = Callable[..., Outcome]

STORAGE = """\
resources:
  - ../../../../bases/platform/storage
configMapGenerator:
  - name: terraform-outputs
    literals:
      - models_bucket_name=two-dev-models-111122223333
      - shared_file_system_id= # EFS
      - lustre_dns_name=
"""


def git(root: Path, *words: str) -> str:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    done = run([require("git").path, *identity, *words], cwd=root, timeout=60, check=True)
    return done.stdout.decode().strip()


def committed(root: Path) -> Path:
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message=Start")
    return root


def printed(**values: Any) -> str:
    return json.dumps({name: {"sensitive": False, "type": "string", "value": value} for name, value in values.items()})


def edited(root: Path, environment: str, model: str, values: Mapping[str, str]) -> None:
    changes = Changes(root)
    set_model(changes, environment, model, values)
    changes.apply()


def flags(root: Path, environment: str, model: str) -> Mapping[str, str]:
    (row,) = (each for each in rows(Changes(root), [environment]) if each.name == model)
    return row.settings


def test_environments_are_listed(two: Path, modelyard: Run) -> None:
    dev, prod = environment_rows(Changes(two))
    assert (dev.name, dev.account, dev.protected, dev.models) == ("dev", "111122223333", False, ("chat",))
    assert (prod.region, prod.kubernetes, prod.protected, prod.models) == (
        "eu-central-1",
        "1.36",
        True,
        ("chat", "long"),
    )
    assert "karpenter" in prod.components
    lines = modelyard(two, "env", "list").out.splitlines()
    assert lines[0].startswith("dev   us-west-2, 111122223333, cluster ") and lines[1].endswith(", protected")
    assert json.loads(modelyard(two, "env", "list", "--json").out)["environments"][1]["models"] == ["chat", "long"]


def test_an_environment_goes_with_its_ceiling_and_says_what_remains(two: Path) -> None:
    settings = two / "modelyard.yaml"
    settings.write_text(settings.read_text() + "ceilings:\n  dev: {usd-per-month: 5}\n  prod: {usd-per-month: 9}\n")
    changes = Changes(two)
    remains = remove_environment(changes, "dev", yes=False)
    changes.apply()
    assert not (two / "environments/dev").exists()
    assert yaml.safe_load(settings.read_text())["ceilings"] == {"prod": {"usd-per-month": 9}}
    assert "cleanup.sh dev" in remains[0] and "-models-111122223333" in remains[1]


def test_a_protected_environment_goes_only_when_that_is_said(two: Path, modelyard: Run) -> None:
    before = snapshot(two)
    refused = modelyard(two, "env", "remove", "prod")
    assert refused.code == 2 and "environment prod is protected" in refused.err and "--yes" in refused.err
    assert snapshot(two) == before
    facts = two / "environments/prod/environment.yaml"
    facts.write_text(facts.read_text() + "protected: false\n")
    assert modelyard(two, "env", "remove", "prod", "--dry-run").code == 0
    facts = two / "environments/dev/environment.yaml"
    facts.write_text(facts.read_text() + "protected: true\n")
    assert modelyard(two, "env", "remove", "dev").code == 2
    told = modelyard(two, "env", "remove", "dev", "--yes")
    assert told.code == 0 and "note: what remains: cluster " in told.out
    assert modelyard(two, "env", "remove", "dev", "--yes").code == 2
    assert "nothing to do" in modelyard(two, "env", "remove", "dev", "--yes", "--ignore-not-found").out


def test_an_environment_is_added_by_the_template(two: Path, modelyard: Run) -> None:
    arguments = ("env", "add", "stage", "--defaults", "--template", str(Path(__file__).parents[2]))
    told = modelyard(
        two, *arguments, "-d", "account_id=777788889999", "-d", "starter_models=", "--owner", "@acme/stage"
    )
    assert told.code == 0, told.err
    assert "environments/stage is written" in told.out
    assert [each.name for each in environment_rows(Changes(two))] == ["dev", "prod", "stage"]
    assert (two / ".github/CODEOWNERS").read_text().splitlines()[-1] == "/environments/stage/ @acme/stage"
    again = modelyard(two, *arguments)
    assert again.code == 2 and "exists already" in again.err


def test_an_environment_can_be_tried_out_before_it_is_added(two: Path, modelyard: Run) -> None:
    before = sorted(path for path in two.rglob("*") if ".git/" not in path.as_posix())
    words = ["env", "add", "stage", "--defaults", "--template", str(Path(__file__).parents[2]), "--dry-run"]
    words += ["-d", "account_id=777788889999", "-d", "starter_models=", "--owner", "@acme/stage"]
    done = modelyard(two, *words)
    assert done.code == 0, done.err
    assert "+++ b/environments/stage/environment.yaml" in done.out and "777788889999" in done.out
    assert "+/environments/stage/ @acme/stage" in done.out
    assert "environment stage is added" in done.err
    assert sorted(path for path in two.rglob("*") if ".git/" not in path.as_posix()) == before


def test_an_environment_has_reviewers_of_its_own_for_as_long_as_it_is_there(two: Path) -> None:
    owners = two / ".github/CODEOWNERS"
    owners.parent.mkdir(exist_ok=True)
    shared = "/bases/ @acme/platform\n/environments/dev/ @acme/old"
    owners.write_text(shared)
    changes = Changes(two)
    set_owners(changes, "dev", ["@acme/dev", "someone@example.com"])
    changes.apply()
    assert owners.read_text() == "/bases/ @acme/platform\n/environments/dev/ @acme/dev someone@example.com\n"
    changes = Changes(two)
    remove_environment(changes, "dev", yes=False)
    changes.apply()
    assert owners.read_text() == "/bases/ @acme/platform\n"
    for hostile in ("acme", "@a b", "@a\n* @b", "# x", ""):
        with pytest.raises(UserError, match="is not an owner"):
            set_owners(Changes(two), "prod", [hostile])


@pytest.fixture
def stored(two: Path) -> Path:
    """A repository whose `dev` has a place for Terraform's outputs."""
    folder = two / "environments/dev/platform/storage"
    folder.mkdir(exist_ok=True)
    (folder / "kustomization.yaml").write_text(STORAGE)
    return two


def test_ids_that_terraform_knows_are_written_where_the_component_says(stored: Path, modelyard: Run) -> None:
    before = snapshot(stored)
    file = stored / "outputs.json"
    told = printed(
        account_id="111122223333",
        shared_file_system_id="fs-0123456789",
        lustre={"file_system_id": "fs-9", "dns_name": "fs-9.fsx.us-west-2.amazonaws.com", "mount_name": "x"},
        models_bucket_name="two-dev-models-111122223333",
    )
    file.write_text(told)
    outcome = modelyard(stored, "env", "sync", "dev", "--outputs", str(file))
    assert outcome.code == 0, outcome.err
    after = snapshot(stored)
    path = "environments/dev/platform/storage/kustomization.yaml"
    assert {name for name in after if after[name] != before.get(name)} == {path, "outputs.json"}
    assert after[path].decode() == STORAGE.replace("system_id= #", "system_id=fs-0123456789 #").replace(
        "dns_name=", "dns_name=fs-9.fsx.us-west-2.amazonaws.com"
    )
    again = modelyard(stored, "env", "sync", "dev", "--outputs", str(file))
    assert "nothing to do" in again.out and snapshot(stored) == after
    # A cluster that is built anew has others.
    file.write_text(told.replace("fs-0123456789", "fs-abcdef").replace("fs-9.fsx", "fs-8.fsx"))
    anew = modelyard(stored, "env", "sync", "dev", "--outputs", str(file))
    assert anew.code == 0, anew.err
    expected = after[path].replace(b"fs-0123456789", b"fs-abcdef").replace(b"fs-9.fsx", b"fs-8.fsx")
    assert snapshot(stored)[path] == expected


def test_what_terraform_does_not_have_is_said(stored: Path) -> None:
    written, missing = sync_outputs(Changes(stored), "dev", outputs(printed(lustre=None, shared_file_system_id=None)))
    assert written == [] and "shared_file_system_id: Terraform has none" in missing
    # The kustomization has no place for the name of a mount, so nobody waits for it.
    assert not [each for each in missing if each.startswith("lustre.mount_name")]


def test_outputs_of_another_environment_are_refused(stored: Path) -> None:
    with pytest.raises(UserError, match="the outputs are of account 444455556666") as caught:
        sync_outputs(Changes(stored), "dev", outputs(printed(account_id="444455556666")))
    assert "environments/dev/backend.hcl" in caught.value.fix


def test_a_secret_output_is_left_out() -> None:
    text = json.dumps({"token": {"sensitive": True, "value": "hunter2"}, "id": {"value": "x"}})
    assert outputs(text) == {"id": "x"}


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1}', "[" * 100_000, '{"a": {"type": "string"}}'])
def test_what_is_no_output_is_refused(text: str) -> None:
    with pytest.raises(UserError):
        outputs(text)


@pytest.mark.parametrize("value", ["a\nb", "\x1b[31m", ["a"], 7, {"a": 1}])
def test_a_value_that_is_no_text_is_refused(stored: Path, value: object) -> None:
    with pytest.raises(UserError, match="no single line of text"):
        sync_outputs(Changes(stored), "dev", outputs(printed(shared_file_system_id=value)))


TFVARS = 'cluster_name = "two-dev"\n'
PINNED = """cluster_name = "two-dev"

# Versions of EKS add-ons that ran when `modelyard env sync` wrote this; an upgrade is a change here.
addon_versions = {
  coredns = "v1.13.1-eksbuild.2"
  vpc-cni = "v1.21.0-eksbuild.1"
}
"""


def test_add_ons_are_pinned_to_the_versions_that_run_once(stored: Path) -> None:
    file = "environments/dev/terraform.tfvars"
    (stored / file).write_text(TFVARS)
    values = {"vpc-cni": "v1.21.0-eksbuild.1", "coredns": "v1.13.1-eksbuild.2"}
    changes = Changes(stored)
    written, _ = sync_outputs(changes, "dev", outputs(printed(addon_versions=values)))
    assert f"addon_versions in {file}" in written
    changes.apply()
    assert (stored / file).read_text() == PINNED
    # People move them from then on: a version that EKS has meanwhile is no reason to go back.
    later = Changes(stored)
    assert (
        sync_outputs(later, "dev", outputs(printed(addon_versions=values | {"coredns": "v1.14.0-eksbuild.1"})))[0] == []
    )
    assert not later.files_changed


@pytest.mark.parametrize("value", [["vpc-cni"], {"vpc-cni": "latest"}, {'a"\n': "v1.0.0-eksbuild.1"}, {"a": None}])
def test_versions_of_add_ons_that_are_none_are_refused(stored: Path, value: object) -> None:
    (stored / "environments/dev/terraform.tfvars").write_text(TFVARS)
    with pytest.raises(UserError, match="addon_versions is no mapping"):
        sync_outputs(Changes(stored), "dev", outputs(printed(addon_versions=value)))


def test_terraform_that_is_not_initialised_is_refused(two: Path, modelyard: Run) -> None:
    outcome = modelyard(two, "env", "sync", "dev")
    assert outcome.code == 2 and "is not initialised" in outcome.err


def test_tags_and_settings_move_and_sizes_stay(two: Path) -> None:
    edited(two, "dev", "chat", {"max-model-len": "8192", "tensor-parallel-size": "1", "replicas": "3"})
    edited(two, "prod", "chat", {"max-num-seqs": "64", "replicas": "2", "max-model-len": "4096"})
    versions = two / "environments/dev/versions/kustomization.yaml"
    versions.write_text(versions.read_text().replace("newTag: v0.33.0", "newTag: v0.33.1"))
    changes = Changes(two)
    made = promote(changes, "dev", "prod")
    changes.apply()
    assert "vllm/vllm-openai v0.33.0 → v0.33.1" in made.moved
    assert "chat: max-model-len 4096 → 8192" in made.moved
    assert any("tensor-parallel-size follows from the devices" in each for each in made.kept)
    assert any("prod sets max-num-seqs, which dev does not" in each for each in made.kept)
    assert flags(two, "prod", "chat") == {"replicas": "2", "max-num-seqs": "64", "max-model-len": "8192"}
    assert "newTag: v0.33.1" in (two / "environments/prod/versions/kustomization.yaml").read_text()
    changes = Changes(two)
    assert promote(changes, "dev", "prod").moved == [] and changes.files_changed == ()


def test_what_the_versions_say_of_a_workload_moves_with_its_image(two: Path) -> None:
    versions = two / "environments/dev/versions/kustomization.yaml"
    versions.write_text(versions.read_text().replace("2.56.0", "2.57.0"))
    moved = edited_versions(two)
    assert "newTag: 2.57.0-py312-cu130" in moved and 'rayVersion, value: "2.57.0"' in moved
    versions.write_text(versions.read_text().replace("rayVersion, value: 2.57.0", "rayVersion, value: 2.58.0"))
    assert edited_versions(two) == moved, "the image stays, and what is said of its workload stays with it"


def edited_versions(root: Path) -> str:
    """Promote `dev` to `prod`, and return the versions of that."""
    changes = Changes(root)
    promote(changes, "dev", "prod")
    changes.apply()
    return (root / "environments/prod/versions/kustomization.yaml").read_text()


def test_one_model_moves_alone(two: Path) -> None:
    edited(two, "dev", "chat", {"max-model-len": "8192"})
    versions = two / "environments/dev/versions/kustomization.yaml"
    versions.write_text(versions.read_text().replace("newTag: v0.33.0", "newTag: v0.33.1").replace("8.21.0", "8.22.0"))
    changes = Changes(two)
    made = promote(changes, "dev", "prod", "chat")
    assert "vllm/vllm-openai v0.33.0 → v0.33.1" in made.moved
    assert not any("curl" in each for each in made.moved), "another engine's image"
    assert any("others of this engine restart too" in each for each in made.kept)
    with pytest.raises(UserError, match="environment dev has no model long") as caught:
        promote(Changes(two), "prod", "dev", "long")
    assert "modelyard model add qwen3-8b-vllm-gpu --env dev --name long" in caught.value.fix


def test_another_overlay_of_the_same_engine_moves(two: Path) -> None:
    changes = Changes(two)
    made = promote(changes, "dev", "prod", "chat")
    assert made.moved == ["chat: overlay llama-3-2-1b-instruct-vllm-gpu → qwen3-1-7b-vllm-gpu"]
    assert "overlays/qwen3-1-7b-vllm-gpu" in changes.text("environments/prod/models/chat/kustomization.yaml")
    assert "/overlays/qwen3-1-7b-vllm-gpu;" in changes.text("environments/prod/applications/chat.yaml")


def test_features_move_but_for_what_follows_the_environment(two: Path) -> None:
    for environment, features in (("dev", ("kv-offload", "image-prefetch")), ("prod", ("spot",))):
        changes = Changes(two)
        for feature in features:
            switch_feature(changes, environment, "chat", feature, on=True)
        changes.apply()
    changes = Changes(two)
    made = promote(changes, "dev", "prod")
    assert "chat: feature kv-offload on" in made.moved
    assert "chat: feature image-prefetch follows the nodes of an environment, and stays off in prod" in made.kept
    assert "chat: prod has hf-token, spread-zones, spot, which dev does not" in made.kept
    changes.apply()
    (row,) = (each for each in rows(Changes(two), ["prod"]) if each.name == "chat")
    assert set(row.features) == {"hf-token", "spread-zones", "spot", "kv-offload"}
    changes = Changes(two)
    assert promote(changes, "dev", "prod").moved == [] and changes.files_changed == ()


def test_a_feature_that_the_target_cannot_have_stays_off_and_the_rest_moves(two: Path) -> None:
    needs = two / "bases/features/kv-offload/feature.yaml"
    changes = Changes(two)
    switch_feature(changes, "dev", "chat", "kv-offload", on=True)
    set_model(changes, "dev", "chat", {"max-model-len": "8192"})
    changes.apply()
    needs.write_text(needs.read_text().replace("needs: []", "needs:\n  - keda"))
    made = promote(Changes(two), "dev", "prod", "chat")
    assert any(each.startswith("chat: max-model-len") for each in made.moved)
    (stays,) = [each for each in made.kept if "kv-offload stays off in prod" in each]
    assert "needs keda in the environment" in stays and "modelyard update --env prod" in stays


def test_a_model_that_the_target_lacks_comes_with_the_command_that_brings_it(two: Path) -> None:
    made = promote(Changes(two), "prod", "dev")
    assert made.left == ["long"]
    assert any("modelyard model add qwen3-8b-vllm-gpu --env dev --name long adds it" in each for each in made.kept)
    assert any("modelyard promote prod dev --model long its settings" in each for each in made.kept)


def pinned(root: Path, revision: str) -> None:
    for name in ("environment.yaml", "kustomization.yaml", ".copier-answers.yml"):
        file = root / "environments/prod" / name
        file.write_text(
            file.read_text().replace('"main"', f'"{revision}"').replace("revision: main", f"revision: {revision}")
        )


def test_a_pinned_environment_gets_the_revision_and_nothing_else(two: Path, modelyard: Run) -> None:
    committed(two)
    git(two, "tag", "v1")
    pinned(two, "v1")
    git(two, "commit", "--all", "--quiet", "--message=Pin prod")
    head = git(two, "rev-parse", "HEAD")
    edited(two, "dev", "chat", {"max-model-len": "8192"})
    changes = Changes(two)
    made = promote(changes, "dev", "prod")
    changes.apply()
    assert made.moved == [f"revision v1 → {head}"]
    assert any(each.startswith("1 commits arrive; modelyard diff v1..") for each in made.kept)
    changed = [line[3:] for line in git(two, "status", "--porcelain").splitlines() if "/prod/" in line]
    assert sorted(each.rpartition("/")[2] for each in changed) == [
        ".copier-answers.yml",
        "environment.yaml",
        "kustomization.yaml",
    ]
    listed = (two / "environments/prod/kustomization.yaml").read_text()
    assert listed.count(f'value: "{head}"') == 2 and '"v1"' not in listed
    back = modelyard(two, "promote", "dev", "prod", "--revision", "v1", "--dry-run")
    assert back.code == 0 and "this goes back" in back.err
    gone = modelyard(two, "promote", "dev", "prod", "--revision", "v9")
    assert gone.code == 2 and "this clone has no revision v9" in gone.err


def test_a_hostile_revision_is_refused(two: Path) -> None:
    committed(two)
    for revision in ("--upload-pack=x", "a b", "v1;rm", "../x", "a\nb"):
        with pytest.raises(UserError):
            promote(Changes(two), "dev", "prod", revision=revision)


def test_promote_says_first_what_it_leaves(two: Path, modelyard: Run) -> None:
    first = modelyard(two, "promote", "prod", "dev", "--dry-run", "--no-check").err.splitlines()[0]
    assert "not promoted: 1 model that prod alone has (long)" in first


def test_the_only_environment_need_not_be_named(two: Path, one_model: Path, modelyard: Run) -> None:
    told = modelyard(one_model, "model", "set", "chat", "max-num-seqs=32", "--dry-run", "--no-check")
    assert told.code == 0 and told.err.startswith("chat in dev: max-num-seqs 32")
    refused = modelyard(two, "model", "set", "chat", "max-num-seqs=32", "--no-check")
    assert refused.code == 2 and "the repository has 2 environments: dev and prod" in refused.err
    assert "name one with --env" in refused.err


def test_spot_names_the_answer_that_allows_it(one_model: Path, modelyard: Run) -> None:
    refused = modelyard(one_model, "feature", "on", "chat", "spot")
    assert refused.code == 1 and "modelyard update --env dev --set spot_capacity=true" in " ".join(refused.err.split())


def test_usage_of_promote(two: Path, modelyard: Run) -> None:
    assert "to itself" in modelyard(two, "promote", "dev", "dev").err
    assert "there is no environment stage" in modelyard(two, "promote", "dev", "stage").err
    assert (
        "leave out --model or --revision" in modelyard(two, "promote", "dev", "prod", "-m", "x", "--revision", "y").err
    )
