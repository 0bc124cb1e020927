"""Figures and facts that features ask for and do not write themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelyard.editing.derived import derived, is_of
from modelyard.findings import UserError
from modelyard.view.networks import MODULE, private_subnets, public_subnets

FACTS = {
    "overlay.memory": "768Gi",
    "overlay.shm": "32Gi",
    "environment.public-subnets": "[{ipBlock: {cidr: 10.0.96.0/24}}]",
}


def test_a_sum_is_of_what_the_overlay_has() -> None:
    pattern = {"memory": "${overlay.memory + 16Gi}", "shm": ["${overlay.shm + 16Gi}"], "plain": 3}
    made = derived(pattern, FACTS, "mine")
    assert made == {"memory": "784Gi", "shm": ["48Gi"], "plain": 3}
    assert is_of(made, pattern) and is_of({**made, "memory": "80Gi"}, pattern)
    assert not is_of({**made, "plain": 4}, pattern)


def test_a_fact_that_is_not_known_is_told() -> None:
    with pytest.raises(UserError, match=r"overlay\.memory is not known") as told:
        derived("${overlay.memory + 16Gi}", {}, "mine")
    assert "in the overlay" in told.value.fix


def test_load_balancers_stand_in_the_public_subnets_that_terraform_makes() -> None:
    assert [str(each) for each in public_subnets("10.0.0.0/16", 2)] == ["10.0.96.0/24", "10.0.97.0/24"]
    assert [str(each) for each in public_subnets("10.32.0.0/20", 2)] == ["10.32.6.0/28", "10.32.6.16/28"]
    assert [str(each) for each in private_subnets("10.0.0.0/16", 2)] == ["10.0.0.0/20", "10.0.16.0/20"]
    assert public_subnets("nonsense", 2) == public_subnets("10.0.0.0/30", 2) == []
    module = (Path(__file__).parents[2] / MODULE).read_text()
    for resource, formula in (("public", "8, 96 + each.value"), ("private", "4, each.value")):
        block = module.partition(f'resource "aws_subnet" "{resource}"')[2].partition("tags")[0]
        assert f"cidrsubnet(var.vpc_cidr, {formula})" in block
