"""Engines that are judged alive or dead while they load."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, ServedModel, entries, text


@rule("probes/missing-startup-probe", error, since="0.1.0")
def missing_startup_probe(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Without a startup probe, the liveness probe restarts the engine while it still loads weights, in a loop."""
    for model in environment.models:
        container = model.container
        if _starts_empty(model):
            continue
        if container.value.get("livenessProbe") and not container.value.get("startupProbe"):
            yield Finding(
                at=container.at("startupProbe"),
                message=f"{container} has a livenessProbe but no startupProbe, so it is restarted while it loads",
                fix="add a startupProbe with the same request and a failureThreshold that covers the loading time",
            )


def _starts_empty(model: ServedModel) -> bool:
    """Return whether a server answers before it has a model: something else tells it later which to load."""
    words = model.container.args
    if model.engine.name == "triton":
        return "--model-control-mode=explicit" in words and not any(each.startswith("--load-model") for each in words)
    given = {text(each, "name"): text(each, "value") for each in entries(model.container.value, "env")}
    return given.get("MLSERVER_LOAD_MODELS_AT_STARTUP", "").lower() in ("false", "0")
