"""Blocks of Terraform as they are written, and which versions of the provider a constraint takes."""

from __future__ import annotations

import pytest

from modelyard.catalog import terraform_arguments
from modelyard.view.terraform.arguments import read_attributes, walked_arguments, written_blocks
from modelyard.view.terraform.conditions import written_conditions
from modelyard.view.terraform.provider import _allows

TEXT = """
# resource "aws_eip" "commented" { domain = "vpc" }
resource "aws_eks_cluster" "this" {
  name = "a # b"
  vpc_config { subnet_ids = [for s in var.subnets : s.id] }
  dynamic "compute_config" {
    for_each = var.auto_mode ? [1] : []
    content {
      enabled = true
    }
  }
  tags = {
    "a" = aws_vpc.this[0].ipv6_addresses["x"].id
  }
}
locals {
  policy = jsonencode({ Statement = [{ Condition = { StringEquals = { "aws:SourceVpc" = ["vpc-1"] } } }] })
}
"""


def test_blocks_hold_what_they_set_at_any_depth() -> None:
    (block,) = written_blocks(TEXT)
    set_ = {".".join(path): (each.line, each.expression) for path, each in walked_arguments(block.inner)}
    assert set_ == {
        "name": (4, '"a # b"'),
        "vpc_config": (5, ""),
        "vpc_config.subnet_ids": (5, "[for s in var.subnets : s.id]"),
        "compute_config": (6, ""),
        "compute_config.enabled": (9, "true"),
        "tags": (12, '{\n    "a" = aws_vpc.this[0].ipv6_addresses["x"].id\n  }'),
    }
    assert [(each.type, each.path, each.line) for each in read_attributes(TEXT)] == [
        ("aws_vpc", ("ipv6_addresses", "id"), 13)
    ]
    assert [(each.operator, each.key, each.values) for each in written_conditions(TEXT)] == [
        ("StringEquals", "aws:SourceVpc", ("vpc-1",))
    ]


@pytest.mark.parametrize(
    ("constraint", "taken"),
    [
        (">= 5.100.0, < 7.0.0", True),
        ("~> 6.0", True),
        ("6.40.1", True),
        ("~> 5.95", False),
        (">= 5.0, < 6.0.0", False),
        (">= 7.0", False),
    ],
)
def test_constraints(constraint: str, *, taken: bool) -> None:
    assert _allows(constraint, 6) == taken


def test_arguments_of_a_type() -> None:
    known = terraform_arguments("resource", "aws_eks_node_group")
    assert known is not None
    assert known["capacity_type"].values == ("CAPACITY_BLOCK", "ON_DEMAND", "SPOT")
    assert known["scaling_config"].required
    assert known["scaling_config"].block is not None
    assert known["arn"].read_only
    assert terraform_arguments("resource", "aws_no_such_type") is None
