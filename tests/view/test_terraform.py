"""Terraform as part of the view: values, lines, and what cannot be read."""

from __future__ import annotations

import ctypes
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from modelyard.checking import CheckOptions, check
from modelyard.findings import Place
from modelyard.repository import Files
from modelyard.view import Terraform, association
from modelyard.view.terraform.reading import read

ROOT = 'module "queue" {\n  source = "./modules/queue"\n  cluster = var.cluster_name\n}\nvariable "cluster_name" {}\n'
MODULE = """\
variable "cluster" {}
locals {
  zones = { a = 1, b = 2 }
}
resource "aws_sqs_queue" "this" {
  for_each = local.zones
  # the name = comes below
  name = "${var.cluster}-${each.key}"
  tags = {
    "example.com/zone" = each.key
  }
}
data "aws_caller_identity" "me" {}
resource "aws_iam_role" "node" {
  name = "role-${data.aws_caller_identity.me.account_id}"
}
"""
Tree = Callable[[dict[str, str]], Path]


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))


def repository(tree: Tree, **others: str) -> Files:
    files = {
        "terraform/main.tf": ROOT,
        "terraform/modules/queue/main.tf": MODULE,
        "environments/dev/terraform.tfvars": 'cluster_name = "my-dev"\n',
    }
    return Files(tree({**files, **others}))


def terraform(tree: Tree) -> Terraform:
    reading = read(repository(tree), "environments/dev")
    assert reading.terraform is not None, reading.reason
    return reading.terraform


def test_modules_variables_and_for_each_are_evaluated(tree: Tree) -> None:
    queues = terraform(tree).resources("aws_sqs_queue")
    assert {(each.key, each.text("name")) for each in queues} == {("a", "my-dev-a"), ("b", "my-dev-b")}
    assert {each.module for each in queues} == {"module.queue"}
    assert queues[0].resource == "module.queue.aws_sqs_queue.this"


def test_every_value_has_its_line(tree: Tree) -> None:
    found = terraform(tree)
    queue = found.resources("aws_sqs_queue")[0]
    place: Place = queue.at(("name",)).place()
    assert (place.file, place.line, place.column) == ("terraform/modules/queue/main.tf", 8, 3)
    assert queue.at(("tags", "example.com/zone")).place().line == 10
    assert queue.at(("absent",)).place().line == 5
    given = found.variable_at("cluster_name", "my-dev").place()
    assert (given.file, given.line, given.column) == ("environments/dev/terraform.tfvars", 1, 17)


def test_what_only_a_run_knows_stays_unknown(tree: Tree) -> None:
    (role,) = terraform(tree).resources("aws_iam_role")
    assert role.text("name") == ""


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("terraform/broken.tf", 'resource "aws_sqs_queue" "x" {\n', "broken.tf"),
        ("terraform/outside.tf", 'locals {\n  text = file("../../secret.txt")\n}\n', "outside the repository"),
        ("environments/dev/terraform.tfvars", "cluster_name = = 1\n", "terraform.tfvars"),
    ],
)
def test_what_cannot_be_read_is_told(tree: Tree, file: str, content: str, reason: str) -> None:
    reading = read(repository(tree, **{file: content}), "environments/dev")
    assert reading.terraform is None
    assert reason in reading.reason


def landlock() -> bool:
    """Return whether the kernel lets a process confine itself (landlock_create_ruleset, asked for its version)."""
    return sys.platform.startswith("linux") and bool(ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1) > 0)


@pytest.mark.skipif(not landlock(), reason="the kernel has no Landlock, so nothing confines the reader of Terraform")
@pytest.mark.parametrize(("folder", "names"), [("{outside}", ""), ("${{path.module}}", "main.tf")])
def test_functions_of_terraform_see_the_repository_only(
    tree: Tree, tmp_path_factory: pytest.TempPathFactory, folder: str, names: str
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "main.tf").touch()
    listing = f'output "names" {{\n  value = join(" ", fileset("{folder.format(outside=outside)}", "m*"))\n}}\n'
    reading = read(repository(tree, **{"terraform/main.tf": ROOT + listing}), "environments/dev")
    assert reading.terraform is not None, reading.reason
    assert [each.values["value"] for each in reading.terraform.blocks if each.address == "output.names"] == [names]


def test_no_terraform_is_no_gap(tree: Tree) -> None:
    files = Files(tree({"environments/dev/kustomization.yaml": "resources: []\n"}))
    reading = read(files, "environments/dev")
    assert (reading.terraform, reading.reason) == (None, "")


def test_a_reading_is_kept_until_a_file_changes(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    first = read(repository(tree), "environments/dev")
    monkeypatch.setattr("modelyard.view.terraform.reading.run", _no_process)
    again = read(repository(tree), "environments/dev")
    assert first.terraform is not None and again.terraform is not None
    assert [each.values for each in again.terraform.blocks] == [each.values for each in first.terraform.blocks]
    with pytest.raises(AssertionError, match="started"):
        read(repository(tree, **{"terraform/more.tf": "locals {}\n"}), "environments/dev")


@pytest.mark.parametrize(
    "written", ['"models/*/identity.yaml"', '"${var.cluster_name}/${local.name}.yaml"', '"a/identity.yml", "b/i*.yaml"']
)
def test_of_yaml_only_what_terraform_names_is_read_again(
    written: str, tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = {"terraform/more.tf": f"locals {{ files = [{written}] }}\n"}
    read(repository(tree, **named, **{"environments/dev/models/chat/identity.yaml": "a: 1\n"}), "environments/dev")
    monkeypatch.setattr("modelyard.view.terraform.reading.run", _no_process)
    if "local.name" not in written:
        others = {"environments/dev/models/chat/kustomization.yaml": "b: 1\n"}
        assert read(repository(tree, **named, **others), "environments/dev").terraform is not None
    with pytest.raises(AssertionError, match="started"):
        read(repository(tree, **named, **{"environments/dev/models/chat/identity.yaml": "a: 2\n"}), "environments/dev")


def _no_process(*_: object, **__: object) -> None:
    raise AssertionError("a process was started")


def test_check_says_that_terraform_was_not_read(bases: Mapping[str, Path], tmp_path: Path) -> None:
    root = tmp_path / "repository"
    shutil.copytree(bases["one-model"], root, symlinks=True)
    (root / "environments/dev/terraform.tfvars").unlink()
    report = check(root, CheckOptions(policies=False))
    (gap,) = [each for each in report.not_checked if str(each.subject) == "terraform"]
    assert "terraform.tfvars is not there" in gap.reason
    assert not [each for each in report.findings if each.rule.startswith("terraform/")]


def test_associations_of_the_template_are_known(bases: Mapping[str, Path]) -> None:
    reading = read(Files(bases["one-model"]), "environments/dev")
    assert reading.terraform is not None, reading.reason
    pairs = {association(each) for each in reading.terraform.resources("aws_eks_pod_identity_association")}
    assert {("models", "model"), ("kube-system", "karpenter")} <= pairs
    assert all(namespace and account for namespace, account in pairs)


def test_what_stands_inside_an_object_is_no_variable(tree: Tree) -> None:
    variables = """\
device_node_groups = {
  block = {
    zones              = ["us-west-2a"]
    kubernetes_version = "1.30"
  }
}
cluster_name = "my-dev"
zones        = ["us-west-2a", "us-west-2b"] # both
auto_mode    = false
"""
    reading = read(repository(tree, **{"environments/dev/terraform.tfvars": variables}), "environments/dev")
    assert reading.terraform is not None, reading.reason
    given = reading.terraform.given
    assert given["zones"] == ["us-west-2a", "us-west-2b"]
    assert given["auto_mode"] is False
    assert "kubernetes_version" not in given
    place = reading.terraform.variable_at("zones").place()
    assert (place.line, place.column) == (8, 1)
