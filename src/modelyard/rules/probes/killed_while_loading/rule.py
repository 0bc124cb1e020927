"""Startup budgets that end before a model is loaded."""

from collections.abc import Iterator
from typing import Any

from modelyard.catalog import Model as CatalogModel
from modelyard.catalog import model as catalog_model
from modelyard.cluster import Environment, overlay_facts
from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.rules.start_up import allowed_seconds, whole

READ_GB_PER_SECOND = 0.1
"""Weights over the network from a hub, on a bad day; a local disk or S3 streaming is several times as fast."""

FIXED_SECONDS = 300
"""Imports, compilation and CUDA graphs, which hardly depend on the weights."""


@rule("probes/killed-while-loading", warning, since="0.1.0")
def killed_while_loading(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A startup probe that gives up before the weights are loaded restarts the engine, which begins again."""
    for model in environment.models:
        probe = model.container.value.get("startupProbe")
        if not isinstance(probe, dict):
            continue
        known = catalog_model(model.settings.model_id)
        told = overlay_facts(model.application)
        weights = _weights_gb(known) if known else None
        if weights is None and told.get("model") == model.settings.model_id:
            weights = _positive(told.get("weights-gb"))
        if weights is None:
            name = model.settings.model_id or "the model, which is not named,"
            yield NotChecked(model, f"the weights of {name} are not in the catalogue, so its loading time is unknown")
            continue
        budget, period = allowed_seconds(probe), whole(probe, "periodSeconds", 10)
        speed = _positive(told.get("gb-per-second")) or READ_GB_PER_SECOND
        needed = FIXED_SECONDS + round(weights / speed)
        if budget < needed:
            yield Finding(
                at=model.container.at("startupProbe", "failureThreshold"),
                message=f"{model.name} is restarted after {budget} s; {weights:.1f} GB of weights and start-up "
                f"may take {needed} s",
                fix=f"failureThreshold {-(-needed // period)} with periodSeconds {period}",
            )


def _positive(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None


def _weights_gb(known: CatalogModel) -> float | None:
    """Return the weights in GB (10^9 bytes) as they are stored."""
    if known.weights_gib is not None:
        return known.weights_gib * 1.073741824
    if known.parameters_billion is None:
        return None
    quantised = known.shape.quantization if known.shape else None
    return known.parameters_billion * (quantised.bits / 8 if quantised else 2)
