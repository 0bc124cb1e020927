"""What plans of the real Terraform say agrees with what is read from the files, and is more."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from modelyard.repository import Files
from modelyard.view import Terraform, association
from modelyard.view.terraform.plans import read_plan
from modelyard.view.terraform.reading import read
from tests.terraform.configuration import HERE, ROOT, Configuration

SMALL = """\
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
provider "aws" {
  region                      = var.region
  access_key                  = "none"
  secret_key                  = "none"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true
}
variable "region" {}
variable "cluster_name" {}
variable "password" {
  default   = "hunter2"
  sensitive = true
}
data "aws_partition" "current" {}
resource "aws_sqs_queue" "this" {
  for_each = { for zone in ["a", "b"] : zone => upper(substr("${var.cluster_name}-${zone}", 0, 40)) }
  name     = each.value
}
data "aws_iam_policy_document" "read" {
  statement {
    actions   = ["s3:GetObject"]
    resources = [format("arn:%s:s3:::%s-weights/*", data.aws_partition.current.partition, var.cluster_name)]
  }
}
resource "aws_iam_role" "model" {
  name               = replace("${var.cluster_name}:model", ":", "-")
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [] })
}
resource "aws_iam_role_policy" "model" {
  role   = aws_iam_role.model.name
  policy = data.aws_iam_policy_document.read.json
}
resource "aws_secretsmanager_secret" "token" { name = join("/", [var.cluster_name, "token"]) }
resource "aws_secretsmanager_secret_version" "token" {
  secret_id     = aws_secretsmanager_secret.token.id
  secret_string = var.password
}
"""
NAMED = {
    "aws_eks_cluster": "name",
    "aws_iam_role": "name",
    "aws_s3_bucket": "bucket",
    "aws_secretsmanager_secret": "name",
    "aws_sqs_queue": "name",
}


def _names(terraform: Terraform) -> dict[str, str]:
    return {
        block.address: block.text(field)
        for type_, field in NAMED.items()
        for block in terraform.resources(type_)
        if block.text(field)
    }


@pytest.mark.slow
def test_a_plan_of_the_real_terraform_is_read(root: Configuration, tmp_path: Path) -> None:
    folder = tmp_path / "terraform"
    folder.mkdir()
    (folder / "main.tf").write_text(SMALL)
    variables = tmp_path / "environments/dev/terraform.tfvars"
    variables.parent.mkdir(parents=True)
    variables.write_text('cluster_name = "my-dev"\nregion = "us-west-2"\n')
    small = Configuration(folder)
    assert small.initialise().returncode == 0
    made = small.run("plan", "-input=false", "-out=plan.tfplan", f"-var-file={variables}")
    assert made.returncode == 0, made.stderr
    file = tmp_path / "plan.json"
    file.write_text(small.run("show", "-json", "plan.tfplan").stdout)
    assert "hunter2" in file.read_text(), "Terraform shows what is sensitive"
    with_plan = read(Files(tmp_path), "environments/dev", read_plan(file)).terraform
    assert with_plan is not None
    assert _names(with_plan) == {
        'aws_sqs_queue.this["a"]': "MY-DEV-A",
        'aws_sqs_queue.this["b"]': "MY-DEV-B",
        "aws_iam_role.model": "my-dev-model",
        "aws_secretsmanager_secret.token": "my-dev/token",
    }
    (document,) = with_plan.data("aws_iam_policy_document")
    assert document.nested("statement")[0]["resources"] == ["arn:aws:s3:::my-dev-weights/*"]
    assert "hunter2" not in repr([block.values for block in with_plan.blocks if block.mode != "variable"])


@pytest.mark.slow
def test_the_plan_of_the_root_agrees_with_its_files(root: Configuration, tmp_path: Path) -> None:
    shutil.copytree(ROOT, tmp_path / "terraform", ignore=shutil.ignore_patterns(".terraform*"))
    variables = tmp_path / "environments/dev/terraform.tfvars"
    variables.parent.mkdir(parents=True)
    variables.write_text((HERE / "configurations/default.tfvars").read_text())
    arguments = ("-test-directory=runs", "-filter=runs/plan.tftest.hcl", "-var-file=configurations/default.tfvars")
    completed = root.run("test", "-json", "-verbose", *arguments)
    messages = [json.loads(line) for line in completed.stdout.splitlines() if line.startswith("{")]
    (shown,) = [each["test_plan"] for each in messages if each["type"] == "test_plan"]
    file = tmp_path / "plan.json"
    given = {"cluster_name": {"value": "my-platform-dev"}, "region": {"value": "us-west-2"}}
    file.write_text(json.dumps({**shown, "format_version": shown["plan_format_version"], "variables": given}))
    files = Files(tmp_path)
    of_files = read(files, "environments/dev").terraform
    of_plan = read(files, "environments/dev", read_plan(file)).terraform
    assert of_files is not None and of_plan is not None
    told, planned = _names(of_files), _names(of_plan)
    assert len(told) > 10
    assert {address: told[address] for address in told if address in planned} == {
        address: name for address, name in planned.items() if address in told
    }
    assert set(told) <= set(planned)
    pairs = {association(each) for each in of_files.resources("aws_eks_pod_identity_association")}
    assert pairs == {association(each) for each in of_plan.resources("aws_eks_pod_identity_association")}
    assert all(of_plan.named(each.values["role_arn"]) for each in of_plan.resources("aws_eks_pod_identity_association"))
    tags = {each.address: each.mapping("tags") for each in of_files.resources("aws_subnet")}
    for block in of_plan.resources("aws_subnet"):
        assert tags[block.address].items() <= block.mapping("tags").items()
