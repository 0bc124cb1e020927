"""Plans of Terraform: which facts they bring, and what is said of files that are none."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from modelyard.checking import CheckOptions, check
from modelyard.findings import UserError
from modelyard.repository import Files
from modelyard.view.terraform.plans import read_plan
from modelyard.view.terraform.reading import read

Tree = Callable[[dict[str, str]], Path]

ROOT = """\
variable "cluster_name" {}
data "aws_availability_zones" "all" {}
resource "aws_sqs_queue" "this" {
  for_each = toset(data.aws_availability_zones.all.names)
  name     = format("%s-%s", var.cluster_name, each.key)
}
resource "aws_iam_role" "model" { name = replace("${var.cluster_name}:model", ":", "-") }
resource "aws_iam_role_policy" "model" {
  role   = aws_iam_role.model.name
  policy = data.aws_iam_policy_document.read.json
}
data "aws_iam_policy_document" "read" {
  statement {
    actions   = ["s3:GetObject"]
    resources = [format("arn:aws:s3:::%s/*", "weights")]
  }
}
resource "aws_secretsmanager_secret_version" "token" { secret_string = var.password }
resource "aws_subnet" "gone" { tags = { x = "y" } }
"""


def change(address: str, after: Mapping[str, Any], *actions: str, sensitive: Any = None) -> dict[str, Any]:
    mode = "data" if address.startswith("data.") else "managed"
    told = {"actions": list(actions or ("create",)), "after": after, "after_sensitive": sensitive or {}}
    return {"address": address, "mode": mode, "change": told}


PLAN: dict[str, Any] = {
    "format_version": "1.2",
    "variables": {"cluster_name": {"value": "my-dev"}, "password": {"value": "hunter2"}},
    "configuration": {"root_module": {"variables": {"password": {"sensitive": True}, "cluster_name": {}}}},
    "resource_changes": [
        change('aws_sqs_queue.this["a"]', {"name": "my-dev-a"}),
        change('aws_sqs_queue.this["b"]', {"name": "my-dev-b"}),
        change("aws_iam_role.model", {"name": "my-dev-model", "arn": "arn:aws:iam::1:role/my-dev-model"}, "no-op"),
        change("aws_iam_role_policy.model", {"role": "my-dev-model"}),
        change(
            "data.aws_iam_policy_document.read",
            {"statement": [{"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::weights/*"]}]},
            "read",
        ),
        change(
            "aws_secretsmanager_secret_version.token",
            {"secret_string": "hunter2", "version_stages": ["hunter2"]},
            sensitive={"secret_string": True, "version_stages": [True]},
        ),
        change("aws_subnet.gone", {"tags": {"x": "y"}}, "delete"),
    ],
}


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))


def repository(tree: Tree, plan: object = PLAN) -> Path:
    return tree(
        {
            "terraform/main.tf": ROOT,
            "environments/dev/terraform.tfvars": 'cluster_name = "my-dev"\n',
            "environments/dev/kustomization.yaml": "resources: []\n",
            "environments/dev/environment.yaml": "name: dev\ncluster: my-dev\n",
            "plan.json": plan if isinstance(plan, str) else json.dumps(plan),
        }
    )


def test_a_plan_knows_what_the_files_leave_open(tree: Tree) -> None:
    root = repository(tree)
    without = read(Files(root), "environments/dev").terraform
    found = read(Files(root), "environments/dev", read_plan(root / "plan.json")).terraform
    assert without is not None and found is not None
    assert not [each for each in without.resources("aws_sqs_queue") if each.text("name")]
    assert {each.key: each.text("name") for each in found.resources("aws_sqs_queue")} == {
        "a": "my-dev-a",
        "b": "my-dev-b",
    }
    assert {each.at().place().line for each in found.resources("aws_sqs_queue")} == {3}
    (role,) = found.resources("aws_iam_role")
    assert (role.text("name"), found.named("arn:aws:iam::1:role/my-dev-model")) == ("my-dev-model", role)
    (policy,) = found.resources("aws_iam_role_policy")
    document = found.named(policy.values["policy"])
    assert document is not None
    assert document.nested("statement")[0]["resources"] == ["arn:aws:s3:::weights/*"]
    assert found.resources("aws_subnet") == [], "what the plan deletes is not there"


def test_sensitive_values_are_not_even_kept(tree: Tree) -> None:
    root = repository(tree)
    plan = read_plan(root / "plan.json")
    terraform = read(Files(root), "environments/dev", plan).terraform
    assert terraform is not None
    assert "hunter2" not in repr(plan)
    assert "hunter2" not in repr([block.values for block in terraform.blocks])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("PK\x03\x04", "in Terraform's own format"),
        ("resources:\n", "not JSON"),
        ("[]", "no plan of Terraform"),
        ({"version": 4, "resources": []}, "no plan of Terraform"),
        ({"format_version": "1.0", "values": {}}, "a state of Terraform"),
        ({**PLAN, "format_version": "2.0"}, "of format 2.0; plans of format 1.x are read"),
        ({**PLAN, "errored": True}, "ended with errors"),
        ({**PLAN, "resource_changes": [{"address": "a"}]}, "another shape"),
        ({**PLAN, "variables": {"cluster_name": {"value": "my-prod"}}}, "a plan for the cluster my-prod; the clusters"),
        ({**PLAN, "variables": {}}, "a plan for the cluster of no name"),
    ],
)
def test_what_is_no_plan_of_an_environment_is_refused(tree: Tree, content: object, said: str) -> None:
    root = repository(tree, content)
    with pytest.raises(UserError, match=said) as refused:
        check(root, CheckOptions(policies=False, plans=(root / "plan.json",)))
    assert refused.value.fix
    assert "hunter2" not in f"{refused.value} {refused.value.fix}"


def test_a_plan_of_other_variables_is_refused(tree: Tree) -> None:
    root = repository(tree)
    (root / "environments/dev/terraform.tfvars").write_text('cluster_name = "my-dev"\nregion = "us-east-1"\n')
    (root / "plan.json").write_text(
        json.dumps({**PLAN, "variables": {"cluster_name": {"value": "my-dev"}, "region": {"value": "us-west-2"}}})
    )
    with pytest.raises(UserError, match=r"other values of region than environments/dev/terraform\.tfvars"):
        check(root, CheckOptions(policies=False, plans=(root / "plan.json",)))


def test_two_plans_of_one_environment_are_refused(tree: Tree) -> None:
    root = repository(tree)
    with pytest.raises(UserError, match="plans of the same environment"):
        check(root, CheckOptions(policies=False, plans=(root / "plan.json", root / "plan.json")))
    with pytest.raises(UserError, match="cannot be read"):
        read_plan(root / "nowhere.json")
