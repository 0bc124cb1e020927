"""`modelyard cost`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Outcome

Run = Callable[..., Outcome]


def test_rows_and_totals(modelyard: Run, one_model: Path) -> None:
    outcome = modelyard("cost", str(one_model))
    assert outcome.code == 0, outcome.err
    assert re.search(r"^dev +us-west-2, USD/month +floor +full scale +rolling$", outcome.out, re.M)
    assert re.search(r"^  chat +gpu: 1 x g6\.xlarge +589\.42 +589\.42 +1,178\.85$", outcome.out, re.M)
    assert re.search(r"^  EKS control plane +1 +73\.00 +73\.00 +73\.00$", outcome.out, re.M)
    assert "not counted: application karpenter: chart karpenter is not rendered here" in outcome.out
    assert "paid by use, not counted: " in outcome.out
    told = json.loads(modelyard("cost", str(one_model), "--json").out)
    [dev] = told["environments"]
    shown = re.search(r"^  total +([\d,.]+) ", outcome.out, re.M)
    assert shown is not None
    assert float(shown[1].replace(",", "")) == dev["total"]["floor"]["usd-per-month"][0]
    assert dev["platform"][0]["source"]
    assert "USD/hour" in modelyard("cost", str(one_model), "--hourly").out
    assert "inferred: AWS's published guide" in modelyard("cost", str(one_model), "--sources").out


def test_unknown_prices_are_named_and_not_free(modelyard: Run, one_model: Path) -> None:
    facts = one_model / "environments/dev/environment.yaml"
    facts.write_text(facts.read_text().replace("region: us-west-2", "region: moon-1"))
    outcome = modelyard("cost", str(one_model))
    assert outcome.code == 0
    assert re.search(r"^  EKS control plane +1 +unknown +unknown +unknown$", outcome.out, re.M)
    assert "no known price: EKS control plane" in outcome.out


@pytest.mark.parametrize(
    ("ceilings", "message"),
    [
        ("{dev: {usd-per-month: -1}}", "ceilings.dev.usd-per-month: input should be greater than 0"),
        ("{dev: {usd-per-month: lots}}", "ceilings.dev.usd-per-month: "),
        ("{dev: {usd: 3}}", "ceilings.dev.usd: unknown field"),
        ("{dev: {models: {chat: .inf}}}", "ceilings.dev.models.chat: "),
        ("[dev]", "ceilings: "),
    ],
)
def test_ceilings_that_are_none(modelyard: Run, one_model: Path, ceilings: str, message: str) -> None:
    with (one_model / "modelyard.yaml").open("a") as stream:
        stream.write(f"ceilings: {ceilings}\n")
    outcome = modelyard("cost", str(one_model))
    assert outcome.code == 2
    assert message in outcome.err


def test_what_is_refused(modelyard: Run, one_model: Path) -> None:
    for arguments, message in (
        (["nowhere"], "there is no folder nowhere"),
        ([str(one_model), "--env", "prod"], "there is no environment prod"),
    ):
        outcome = modelyard("cost", *arguments)
        assert (outcome.code, message in outcome.err) == (2, True), outcome.err
