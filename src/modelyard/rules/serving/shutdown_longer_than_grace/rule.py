"""Engines that are killed before they have finished."""

from collections.abc import Iterator
from typing import Any

from modelyard.findings import Finding, NotChecked, to_set, warning
from modelyard.rules import rule
from modelyard.view import Environment, ServedModel

DEFAULT_GRACE_SECONDS = 30
"""Kubernetes' own `terminationGracePeriodSeconds`."""


@rule("serving/shutdown-longer-than-grace", warning, since="0.1.0")
def shutdown_longer_than_grace(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A grace period shorter than preStop plus the engine's shutdown cuts off requests in flight."""
    for model in environment.models:
        grace = model.template.spec.get("terminationGracePeriodSeconds", DEFAULT_GRACE_SECONDS)
        before, after = _pre_stop(model.container.value), model.settings.get("shutdown-timeout", 0)
        if not all(isinstance(each, int) and not isinstance(each, bool) for each in (grace, before, after)):
            continue
        if before + after > grace or (before + after == 0 and grace < DEFAULT_GRACE_SECONDS):
            enough = max(before + after + 15, DEFAULT_GRACE_SECONDS)
            at = model.template.at("terminationGracePeriodSeconds")
            yield Finding(
                at=at,
                message=_message(model, before, after, grace),
                fix=f"terminationGracePeriodSeconds {enough}",
                edits=(to_set(at, enough),),
            )


def _message(model: ServedModel, before: int, after: int, grace: int) -> str:
    if before + after == 0:
        return f"{model.name} has {grace} s to finish its requests, below the default of {DEFAULT_GRACE_SECONDS} s"
    return (
        f"{model.name} is killed after {grace} s, but preStop ({before} s) and shutdown-timeout ({after} s) "
        f"take {before + after} s"
    )


def _pre_stop(container: dict[str, Any]) -> int:
    """Return the seconds of a sleep before the engine is told to end; another hook's length is not known, so 0."""
    hook: Any = container
    for step in ("lifecycle", "preStop", "sleep", "seconds"):
        hook = hook.get(step) if isinstance(hook, dict) else None
    return hook if isinstance(hook, int) else 0
