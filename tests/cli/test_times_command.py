"""`modelyard times`: the table of a model, in words and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.cli.conftest import Outcome

Run = Callable[..., Outcome]


def test_the_table_of_a_group_names_each_limit_with_its_place(bases: Mapping[str, Path], modelyard: Run) -> None:
    told = modelyard("times", str(bases["multi-node"]), "--model", "scout", "--json")
    assert told.code == 0
    (table,) = json.loads(told.out)["models"]
    assert table["needed-seconds"]["start"] == 300 + 300 + 217.2 / 0.25
    rows = {row["name"]: row for row in table["times"]}
    ranks = rows["ranks on each other (distributed-timeout-seconds)"]
    assert ranks["seconds"] == 1500 and ranks["kind"] == "limit" and ranks["source"] == "set"
    assert ranks["at"] == "overlays/llama-4-scout-17b-16e-instruct-lws-vllm-gpu/vllm.yaml:7"
    limits = [row["seconds"] for row in table["times"] if row["phase"] == "start" and row["kind"] == "limit"]
    assert limits == sorted(limits) and min(limits) >= table["needed-seconds"]["start"]


def test_an_unknown_model_is_told_with_those_that_there_are(bases: Mapping[str, Path], modelyard: Run) -> None:
    told = modelyard("times", str(bases["multi-node"]), "--model", "scuot")
    assert told.code == 2
    assert "there is no model scuot here" in told.err and "models are mistral, scout" in told.err
