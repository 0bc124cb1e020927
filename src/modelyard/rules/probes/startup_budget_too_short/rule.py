"""Startup budgets that end before a model is loaded."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment
from modelyard.view.times import time_table
from modelyard.view.times.probes import allowed_seconds, whole
from modelyard.view.times.start import weights_gb


@rule("probes/startup-budget-too-short", warning, since="0.1.0")
def startup_budget_too_short(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A startup probe whose budget is shorter than the loading time restarts the engine in a loop."""
    for model in environment.models:
        probe = model.container.value.get("startupProbe")
        if not isinstance(probe, dict):
            continue
        weights, needed = weights_gb(model), time_table(environment, model).needed("start")
        if weights is None or needed is None:
            name = model.settings.model_id or "the unnamed model"
            yield NotChecked(model, f"the weights of {name} are not in the catalogue, so its loading time is unknown")
            continue
        budget, period = allowed_seconds(probe), whole(probe, "periodSeconds", 10)
        if budget < needed:
            yield Finding(
                at=model.container.at("startupProbe", "failureThreshold"),
                message=f"{model.name} is restarted after {budget} s; {weights:.1f} GB of weights and start-up "
                f"may take {needed:.0f} s",
                fix=f"set failureThreshold to {-(-round(needed) // period)}, with periodSeconds {period}",
            )
