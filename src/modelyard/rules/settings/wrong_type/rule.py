"""Values that are no value of a flag's type."""

import json
import re
from collections.abc import Iterator
from typing import Any

from modelyard.catalog import Flag, engine
from modelyard.findings import Finding, NotChecked, error
from modelyard.repository.json import MalformedJSON, parsed
from modelyard.rules import rule
from modelyard.view import Environment, ServedModel, Setting

_INTEGER = re.compile(r"[+-]?\d+")
_READABLE = re.compile(r"\d+(\.\d+)?[kKmMgGtT]|auto")
_EXPECTED = {
    "boolean": "true or false",
    "int": "a whole number",
    "human-int": "a whole number, such as 8192 or 8k",
    "float": "a number",
    "json": "a mapping",
    "boolean-or-string": "true, false or a string",
}


@rule("settings/wrong-type", error, since="0.1.0")
def wrong_type(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The engine exits at start-up on a value that does not have its flag's type."""
    for model in environment.models:
        known = engine(model.engine.core, model.engine_version) if model.engine_version else None
        for setting in model.settings.all if known else ():
            flag = known.flag(f"--{setting.name}") if known else None
            if flag is None or flag.type not in _EXPECTED or setting.value is None or _fits(model, setting, flag):
                continue
            expected = _EXPECTED["int" if flag.type == "human-int" and model.engine.typed_settings else flag.type]
            if flag.type == "boolean" and setting.source == "args":
                expected = "no value"
            yield Finding(
                at=setting.at,
                message=f"{model.name} sets {setting.name} to {_shown(setting)}, where vllm expects {expected}",
                fix=_fix(setting, expected),
                application=model.application.name,
            )


def _fits(model: ServedModel, setting: Setting, flag: Flag) -> bool:
    value = setting.value
    if "." in setting.name or "$(" in str(value):
        return True  # a key of a JSON flag, whose type is not known, or a value that the kubelet puts in
    if flag.type == "boolean":
        # The switches of the command line take no value.
        return isinstance(value, bool) and "=" not in setting.word
    if flag.type == "json":
        return isinstance(value, dict) or (isinstance(value, str) and _is_mapping(value))
    if flag.type == "boolean-or-string":
        return isinstance(value, bool | str)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return False
    if model.engine.typed_settings and isinstance(value, str):
        return False
    if flag.type == "float":
        return _is_number(value)
    return bool(_INTEGER.fullmatch(str(value))) or (flag.type == "human-int" and bool(_READABLE.fullmatch(str(value))))


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _is_mapping(text: str) -> bool:
    try:
        return isinstance(parsed(text), dict)
    except MalformedJSON:
        return False


def _shown(setting: Setting) -> str:
    if isinstance(setting.value, bool):
        return setting.word.partition("=")[2] or ("true" if setting.value else "false")
    return repr(setting.value) if isinstance(setting.value, str) else json.dumps(setting.value)


def _fix(setting: Setting, expected: str) -> str:
    if expected == "no value":
        return f"write --{setting.name} or --no-{setting.name}, without a value"
    return f"write {expected}, without quotes" if isinstance(setting.value, str) else f"write {expected}"
