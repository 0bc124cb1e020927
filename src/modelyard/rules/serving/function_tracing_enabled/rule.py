"""Engines that write down every call."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error, to_remove
from modelyard.rules import rule
from modelyard.view import Environment

VARIABLE = "VLLM_TRACE_FUNCTION"


@rule("serving/function-tracing-enabled", error, since="0.1.0")
def function_tracing_enabled(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Tracing every function call makes the engine load so slowly that its startup probe fails."""
    for model in environment.models:
        variables = model.container.value.get("env")
        for index, each in enumerate(variables if isinstance(variables, list) else ()):
            named = isinstance(each, dict) and each.get("name") == VARIABLE
            if named and str(each.get("value") or "0") not in ("0", "false", "False"):
                yield Finding(
                    at=model.container.at("env", index, "value"),
                    message=f"{model.container} has {VARIABLE}={each.get('value')}, which traces every function call",
                    fix="remove it; it is only for debugging",
                    edits=(to_remove(model.container.at("env", index)),),
                )
