"""Gateways, routes and load balancers that cut answers."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment
from modelyard.view.times import time_table


@rule("network/answer-timeout-too-short", warning, since="0.1.0")
def answer_timeout_too_short(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Every hop to a model has a timeout; the shortest one cuts off a long generation."""
    said: set[str] = set()
    for model in environment.models:
        if model.settings.problem:
            continue  # how long an answer may be is in settings that cannot be read
        table = time_table(environment, model)
        needed = table.needed("answer")
        for row in table.limits("answer"):
            if row.at is None or row.seconds is None or not needed or row.seconds >= needed:
                continue
            if row.source == "AWS":  # no file can change it, and a streamed answer outlives it
                continue
            # One route may serve many models, and is one cause.
            place = f"{row.name} {row.at.place()}"
            if place in said:
                continue
            said.add(place)
            cut = "a response that is not streamed" if row.silence else "a response, streamed or not,"
            yield Finding(
                at=row.at,
                message=f"{row.name} ends {cut} after {row.told} ({row.source}); a response of {model.name} may take "
                f"{needed:.0f} s",
                fix=f"allow {needed:.0f} s or more; `modelyard times` shows every timeout on the path",
            )
