"""Liveness probes that do not see whether the engine lives."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment, text, title_of


@rule("probes/liveness-without-engine", warning, since="0.1.0")
def liveness_without_engine(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Triton stays live and ready when its vLLM engine has died, so a probe of Triton's health never restarts it."""
    for model in environment.models:
        path = text(model.container.value, "livenessProbe", "httpGet", "path")
        if model.engine.outlives_core and path:
            server, core = model.engine.title, title_of(model.engine.core)
            yield Finding(
                at=model.container.at("livenessProbe", "httpGet", "path"),
                message=f"the liveness probe of {model.name} calls {path}, which reports the health of "
                f"{server}, not of its {core}",
                fix="use an exec probe that requests one token and fails on an error, but not on a timeout"
                + (", as bases/serving/triton-vllm does" if environment.is_generated else ""),
            )
