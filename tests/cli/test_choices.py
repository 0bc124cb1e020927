"""What options take one of is what the code behind them knows."""

from collections.abc import Callable
from typing import get_args

import pytest

from modelyard.checking import Backend
from modelyard.cli.choices import BackendName, FailOn, GraphFormat, RehearsalLevel
from modelyard.cli.graphs import DRAWN
from modelyard.findings import Severity
from modelyard.rehearsal.rehearse import LEVELS

from .conftest import Outcome

Run = Callable[..., Outcome]


def test_choices_are_those_of_the_layers_below() -> None:
    assert [choice.severity for choice in FailOn] == sorted(Severity, reverse=True)
    assert [choice.value for choice in FailOn] == [severity.label for severity in sorted(Severity, reverse=True)]
    assert {choice.value for choice in BackendName} == set(get_args(Backend))
    assert {choice.value for choice in GraphFormat} == set(DRAWN)
    assert [choice.value for choice in RehearsalLevel] == list(LEVELS)


@pytest.mark.parametrize(
    ("arguments", "known"),
    [
        (["check", "--fail-on", "x"], "'error', 'warning', 'note'"),
        (["check", "--backend", "x"], "'library', 'processes'"),
        (["graph", "--format", "x"], "'text', 'mermaid', 'dot', 'json'"),
        (["rehearse", "--level", "x"], "'schema', 'schedule', 'sync', 'cloud'"),
    ],
)
def test_another_word_is_refused_with_the_choices(modelyard: Run, arguments: list[str], known: str) -> None:
    outcome = modelyard(*arguments)
    assert outcome.code == 2 and known in outcome.err
