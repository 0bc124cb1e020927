"""Values of variables that the engine cannot read."""

from collections.abc import Iterator

from modelyard.catalog import engine_variables
from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.settings.invalid_variable.libraries import fault
from modelyard.rules.wording import either, nearest
from modelyard.view import Environment, numbered, text

_LEVEL = "VLLM_LOGGING_LEVEL"
# Names that Python's logging knows; vLLM makes capitals of what is written (vllm/envs.py, vllm/logger.py).
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_OTHER_LEVELS = frozenset({"FATAL", "NOTSET", "WARN"})
# vllm/envs.py: the address that other ranks are told; the field is that of the downward API.
_HOST, _OF_NODE = "VLLM_HOST_IP", "status.hostIP"
_NUMBERS = {"int": ("a whole number", int), "float": ("a number", float)}


@rule("settings/invalid-variable", error, since="0.3.0")
def invalid_variable(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The engine exits at start-up on a variable that is no number, or none of the choices that it has."""
    for model in environment.models:
        known = engine_variables(model.engine.core, model.engine_version) if model.engine_version else {}
        for index, each in numbered(model.container.value, "env"):
            name, written = text(each, "name"), each.get("value")
            field = text(each, "valueFrom", "fieldRef", "fieldPath")
            if name == _HOST and field == _OF_NODE and not model.template.spec.get("hostNetwork"):
                yield Finding(
                    at=model.container.at("env", index, "valueFrom", "fieldRef", "fieldPath"),
                    message=f"{model.container} takes {name} from {field}, the address of the node, on which a pod "
                    "without hostNetwork does not listen",
                    fix="write status.podIP",
                )
            if not isinstance(written, str) or "$(" in written:
                continue
            wrong = fault(model, name, written)
            if wrong is not None:
                yield Finding(
                    at=model.container.at("env", index, "value"),
                    message=f"{model.container} sets {name} to {written or 'nothing'}: {wrong[0]}",
                    fix=wrong[1],
                )
            expected, fix = _refused(known.get(name), name, written)
            if expected:
                yield Finding(
                    at=model.container.at("env", index, "value"),
                    message=f"{model.container} sets {name} to {written or 'nothing'}, where {model.engine.core} "
                    f"{model.engine_version} expects {expected}",
                    fix=fix or f"write {expected}",
                )


def _refused(taken: str | tuple[str, ...] | None, name: str, written: str) -> tuple[str, str]:
    """Return what a variable expects and what to write; nothing of a value that it takes."""
    if name == _LEVEL and written and written.upper() not in {*_LEVELS, *_OTHER_LEVELS}:
        near = nearest(written.upper(), _LEVELS)
        return f"one of {either(_LEVELS)}", f"write {near}" if near else ""
    if isinstance(taken, tuple) and written not in taken:
        near = nearest(written, taken)
        return f"one of {either(taken)}", f"write {near}" if near else ""
    if isinstance(taken, str):
        expected, reads = _NUMBERS[taken]
        try:
            reads(written)
        except ValueError:
            return expected, ""
    return "", ""
