"""The registry of an engine's flags against the parser of its own wheel, which is run for the purpose."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from modelyard.catalog import Engine, engine, engine_versions
from modelyard.tooling import run
from tests.repositories import PROJECT

# By the function that argparse reads a value with, where its name tells the type.
TYPES = {
    "int": {"int"},
    "float": {"float"},
    "human_readable_int": {"human-int"},
    "human_readable_int_or_auto": {"human-int"},
    "loads": {"json", "list"},
    "parse_dataclass": {"json"},
    "union_dict_and_str": {"json"},
}
# What the sources do not state as a type that can be read from them; the registry calls them texts, which allows more.
READ_AS_TEXT = {("0.16.0", "block-size"), ("0.33.0", "logging-config")}


def parsed(version: str) -> dict[str, dict[str, Any]]:
    completed = run([sys.executable, "scripts/vllm_parser.py", version], cwd=PROJECT, timeout=120)
    if completed.returncode != 0 and "Connection" in completed.stderr:
        pytest.skip(f"the package index cannot be reached: the parser of vLLM {version} is not run")
    assert completed.returncode == 0, completed.stderr
    return dict(json.loads(completed.stdout))


@pytest.mark.slow
@pytest.mark.parametrize("version", engine_versions("vllm"))
def test_the_registry_is_what_the_wheel_s_own_parser_takes(version: str) -> None:
    known, own = engine("vllm", version), parsed(version)
    assert known is not None
    assert sorted(known.flags) == sorted(own)
    assert not [text for name, option in own.items() for text in differences(known, version, name, option)]


def differences(known: Engine, version: str, name: str, option: dict[str, Any]) -> list[str]:
    flag = known.flags[name]
    found = [f"{name}: {text} is unknown" for text in option["spellings"] if known.flag(text) is not flag]
    if option["switch"] != (flag.type == "boolean"):
        found.append(f"{name} is a {flag.type}, and the parser says switch: {option['switch']}")
    expected = TYPES.get(option["reads"] or "", set())
    if not option["many"] and expected and flag.type not in expected and (version, name) not in READ_AS_TEXT:
        found.append(f"{name} is a {flag.type}, read by {option['reads']}")
    if option["many"] and flag.type != "list":
        found.append(f"{name} is a {flag.type}, and takes many values")
    if flag.choices and {str(choice) for choice in flag.choices} != set(option["choices"]):
        found.append(f"{name} takes {option['choices']}, not {flag.choices}")
    return found
