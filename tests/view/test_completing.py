"""What the reader of Terraform leaves open is worked out, and what only AWS knows is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelyard.repository import Files
from modelyard.view import Terraform
from modelyard.view.terraform.operators import UNKNOWN
from modelyard.view.terraform.reading import read
from modelyard.view.terraform.syntax import parsed, walked
from modelyard.view.terraform.tokens import Unknown, attributes

Tree = Callable[[dict[str, str]], Path]

ROOT = """\
provider "aws" { region = var.region }
variable "region" {}
data "aws_partition" "current" {}
data "aws_caller_identity" "me" {}
locals {
  partition = data.aws_partition.current.partition
  bucket    = "my-${var.region}"
  accounts = {
    model  = { names = ["model"], document = data.aws_iam_policy_document.read.json, managed = null }
    driver = { names = ["csi", "node"], document = null, managed = "AmazonDriver" }
    me     = { names = [data.aws_caller_identity.me.account_id], document = null, managed = "Mine" }
  }
  pairs = merge({ for key, account in local.accounts : key => account.names[0] }, {})
}
resource "aws_s3_bucket" "own" { bucket = local.bucket }
data "aws_iam_policy_document" "read" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["arn:${local.partition}:s3:::${local.bucket}/*", "${aws_s3_bucket.own.arn}/*"]
  }
}
resource "aws_iam_role" "this" {
  for_each = local.accounts
  name     = "role-${local.partition}-${each.key}"
  path     = "/${data.aws_caller_identity.me.account_id}/"
}
resource "aws_iam_role_policy" "this" {
  for_each = { for key, account in local.accounts : key => account.document if account.managed == null }
  role     = aws_iam_role.this[each.key].name
  policy   = each.value
}
resource "aws_iam_role_policy_attachment" "this" {
  for_each   = { for key, account in local.accounts : key => account.managed if account.managed != null }
  role       = aws_iam_role.this[each.key].name
  policy_arn = "arn:${local.partition}:iam::aws:policy/${each.value}"
}
"""


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))


def terraform(tree: Tree, region: str = "us-west-2") -> Terraform:
    files = {"terraform/main.tf": ROOT, "environments/dev/terraform.tfvars": f'region = "{region}"\n'}
    reading = read(Files(tree(files)), "environments/dev")
    assert reading.terraform is not None, reading.reason
    return reading.terraform


@pytest.mark.parametrize(
    ("region", "partition"), [("us-west-2", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_open_blocks_are_there_for_each_key(tree: Tree, region: str, partition: str) -> None:
    roles = terraform(tree, region).resources("aws_iam_role")
    assert {each.key: each.text("name") for each in roles} == {
        key: f"role-{partition}-{key}" for key in ("model", "driver", "me")
    }


def test_conditions_of_for_each_are_followed(tree: Tree) -> None:
    found = terraform(tree)
    (inline,) = found.resources("aws_iam_role_policy")
    document = found.named(inline.values["policy"])
    assert (inline.text("role"), document.address if document else "") == (
        "role-aws-model",
        "data.aws_iam_policy_document.read",
    )
    attached = {
        each.text("role"): each.text("policy_arn") for each in found.resources("aws_iam_role_policy_attachment")
    }
    assert attached == {
        "role-aws-driver": "arn:aws:iam::aws:policy/AmazonDriver",
        "role-aws-me": "arn:aws:iam::aws:policy/Mine",
    }


def test_texts_are_whole_or_not_known(tree: Tree) -> None:
    found = terraform(tree)
    (document,) = found.data("aws_iam_policy_document")
    (statement,) = document.nested("statement")
    (bucket,) = found.resources("aws_s3_bucket")
    assert statement["resources"] == ["arn:aws:s3:::my-us-west-2/*", f"{bucket.id}/*"]
    assert {each.text("path") for each in found.resources("aws_iam_role")} == {""}


class _Names:
    def lookup(self, root: str, steps: tuple[Any, ...], bound: Any) -> Any:
        if root not in bound:
            raise Unknown
        return walked(bound[root], steps)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ('"a-${x.y}-${z[0]}"', "a-b-1"),
        ('x.y == "b" ? [x.y, nowhere.at] : []', ["b", UNKNOWN]),
        ('{ for k, v in { a = 1, "b" : 2 } : "${k}!" => v if v != 1 }', {"b!": 2}),
        ("[for v in toset(concat(z, z)) : v]", [1, 2]),
        ('join(",", sort(["b", "a"]))', "a,b"),
        ('"${nowhere.at}"', Unknown),
        ("nowhere.at ? 1 : 2", Unknown),
        ("flatten(z)", Unknown),
        ("merge(z...)", Unknown),
        ("z[7]", Unknown),
        ("1 +", Unknown),
        ('"open', Unknown),
    ],
)
def test_expressions_are_worked_out_or_not_known(source: str, value: Any) -> None:
    bound = {"x": {"y": "b"}, "z": [1, 2]}
    if value is Unknown:
        with pytest.raises(Unknown):
            parsed(source)(_Names(), bound)
    else:
        assert parsed(source)(_Names(), bound) == value


def test_attributes_of_nested_blocks_are_not_those_of_the_block() -> None:
    nested = "  nested {\n    two = 2\n  }\n"
    block = f'resource "a" "b" {{\n  one = {{ x = "}}" }} # = no\n{nested}  three = [\n    "# no",\n  ]\n}}\n'
    assert [name for name, _ in attributes(block)] == ["one", "three"]
