"""The evaluator of Terraform's expressions, held against `terraform console` on expressions made from seeds."""

import json
from pathlib import Path

import pytest

from modelyard.view.terraform.operators import kind
from modelyard.view.terraform.syntax import parsed
from modelyard.view.terraform.tokens import Unknown
from tests.view.terraform_expressions import ERROR, by_console, expressions
from tests.view.test_expressions import RECORDED, Nothing

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", range(4))
def test_generated_expressions_have_terraforms_values(terraform: str, tmp_path: Path, seed: int) -> None:
    sources = list(expressions(seed, 2500))
    wrong, known = {}, 0
    for source, expected in zip(sources, by_console(terraform, tmp_path, sources), strict=True):
        try:
            value = parsed(source)(Nothing(), {})
        except Unknown:
            continue
        # Terraform refuses what is wrong behind `false &&` too; what it would have been does not matter then.
        if expected != ERROR:
            known += 1
            if kind(value) is not kind(expected) or value != expected:
                wrong[source] = (value, expected)
    assert wrong == {}
    assert known > 400


def test_the_record_is_what_terraform_says(terraform: str, tmp_path: Path) -> None:
    said = by_console(terraform, tmp_path, [row["expression"] for row in RECORDED])
    assert json.dumps(said) == json.dumps([row["value"] for row in RECORDED])
