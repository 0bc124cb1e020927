"""One cause, one finding: what a base does to several models is said once, with the models that it reaches."""

from __future__ import annotations

from dataclasses import replace

import pytest

from modelyard.findings import At, Finding, Place, Severity
from modelyard.reporting.causes import cause_id, causes

HERE = Finding(
    At(Place("bases/serving/vllm/deployment.yaml", 95, 21, 27)),
    "startupProbe of chat asks /helth",
    fix="ask /health",
    rule="probes/unknown-path",
    severity=Severity.ERROR,
    environment="dev",
    application="chat",
)
BATCH = replace(HERE, message="startupProbe of batch asks /helth", application="batch")


def test_models_that_one_place_reaches_are_one_cause() -> None:
    (found,) = causes([HERE, BATCH, replace(HERE, environment="prod"), replace(BATCH, environment="prod")])
    assert found.message == "startupProbe of chat asks /helth (also for batch; in dev and prod)"
    assert cause_id(HERE) == cause_id(BATCH)


@pytest.mark.parametrize(
    "other",
    [
        replace(BATCH, message="startupProbe of batch asks /live"),
        replace(BATCH, rule="probes/scheme-mismatch"),
        replace(BATCH, severity=Severity.WARNING),
        replace(BATCH, fix="ask /v1/models"),
        replace(BATCH, at=At(Place("bases/serving/vllm/deployment.yaml", 96, 21, 27))),
        # A part of another word is no name.
        replace(BATCH, message="startupProbe of batch-chat asks /helth", application="x"),
    ],
)
def test_what_differs_is_another_cause(other: Finding) -> None:
    assert len(causes([HERE, other])) == 2
    assert cause_id(HERE) != cause_id(other)


def test_names_that_are_each_others_part_are_told_apart() -> None:
    longer = replace(HERE, message="startupProbe of chat-batch asks /helth", application="chat-batch")
    (found,) = causes([HERE, longer])
    assert found.message == "startupProbe of chat asks /helth (also for chat-batch)"
