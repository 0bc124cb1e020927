"""What overlays, bases and features tell vLLM is known to the version that they run with."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from modelyard.catalog import Engine, engine
from tests.manifests.composition import (
    BASES,
    OVERLAYS,
    engine_bases,
    engine_facts,
    engine_of,
    engine_version,
    engines_for,
    has_known_flags,
    names,
    pod_templates,
    settings,
    shipped,
)

every_overlay = pytest.mark.parametrize("overlay", [n for n in names(OVERLAYS) if has_known_flags(engine_of(n))])
TYPES: dict[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "int": (int,),
    "human-int": (int, str),
    "float": (int, float),
    "string": (str,),
    "list": (list,),
    "json": (dict,),
    "boolean-or-string": (bool, str),
}
# Read by others than vLLM: Hugging Face, Ray, Neuron and its plugin, NCCL, libfabric, the C library.
OTHERS = {
    "DO_NOT_TRACK",
    "FI_EFA_USE_HUGE_PAGE",
    "FI_PROVIDER",
    "HF_HOME",
    "HF_HUB_CACHE",
    "HF_TOKEN",
    "HOME",
    "MODEL_ID",
    "MODEL_REVISION",
    "MODEL_NAME",
    "NCCL_SOCKET_IFNAME",
    "NEURON_COMPILED_ARTIFACTS",
    "NEURON_COMPILE_CACHE_URL",
    "NEURON_LIBTORCH_COMPILATION_TIMEOUT",
    "RAY_USAGE_STATS_ENABLED",
    "USER",
    "VLLM_NEURON_COMPILATION_TIMEOUT",
}


def registry(overlay: str) -> Engine:
    name = engine_facts(engine_of(overlay))["engine"]
    found = engine(name, engine_version(overlay))
    assert found is not None, f"the catalogue has no {name} {engine_version(overlay)}"
    return found


def problems(known: Engine, told: dict[str, Any]) -> list[str]:
    """What an engine would refuse of a settings file."""
    found = []
    for name, value in told.items():
        flag = known.flag(f"--{name}")
        if flag is None:
            found.append(f"{name} is unknown; {known.nearest_flag(name)}?")
        elif name.startswith("no-") and value is not True:
            found.append(f"{name} takes no value")
        elif not isinstance(value, TYPES[flag.type]) or (isinstance(value, bool) and flag.type in ("int", "float")):
            found.append(f"{name} is {value!r}, no {flag.type}")
        elif flag.choices and value not in flag.choices:
            found.append(f"{name} is {value!r}, none of {flag.choices}")
    return found


@every_overlay
def test_the_engine_knows_every_setting(overlay: str) -> None:
    told, known = settings(shipped(OVERLAYS / overlay)), registry(overlay)
    assert not problems(known, told)
    if "tool-call-parser" in told:
        assert told["tool-call-parser"] in known.tool_call_parsers
        assert told["enable-auto-tool-choice"] is True
    if "reasoning-parser" in told:
        assert told["reasoning-parser"] in known.reasoning_parsers


@every_overlay
def test_the_engine_knows_every_argument_and_variable(overlay: str) -> None:
    known = registry(overlay)
    for template in pod_templates(shipped(OVERLAYS / overlay)).values():
        main = template["spec"]["containers"][0]
        for word in main.get("args", ()) if engine_bases()[engine_of(overlay)].takes_arguments else ():
            assert not word.startswith("--") or word == "--config" or known.flag(word.partition("=")[0]), word
        for name in {item["name"] for item in main["env"]} - OTHERS:
            assert name in known.environment, name


@pytest.mark.parametrize("feature", names(BASES / "features"))
def test_the_engines_of_a_feature_know_what_it_appends(feature: str) -> None:
    text = (BASES / "features" / feature / "kustomization.yaml").read_text()
    used = set(re.findall(r"\$\((\w+)\)", text))
    for patch in yaml.safe_load(text).get("patches", ()):
        operations = yaml.safe_load(patch["patch"])
        for operation in operations if isinstance(operations, list) else ():
            for engine_name in engines_for(feature):
                if engine_bases()[engine_name].workload != patch["target"]["kind"] or not has_known_flags(engine_name):
                    continue
                known = registry(next(name for name in names(OVERLAYS) if engine_of(name) == engine_name))
                if operation["path"].endswith("/args/-"):
                    assert known.flag(operation["value"].partition("=")[0]), operation["value"]
                if operation["path"].endswith("/env/-"):
                    name = operation["value"]["name"]
                    assert name in known.environment | OTHERS | used, name


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("max-modell-len", 8192, "unknown; max-model-len"),
        ("tensor-parallel-size", "two", "no int"),
        ("swap-space", 4, "unknown"),  # gone from this version
        ("enable-auto-tool-choice", "yes please", "no boolean"),
    ],
)
def test_a_wrong_setting_would_be_found(setting: str, value: Any, message: str) -> None:
    (found,) = problems(registry("qwen3-1-7b-vllm-gpu"), {setting: value})
    assert message in found


def test_a_flag_of_a_later_version_is_unknown_to_an_earlier_one() -> None:
    assert registry("qwen3-1-7b-vllm-gpu").flag("--shutdown-timeout")
    assert problems(registry("llama-3-1-8b-instruct-vllm-neuron"), {"shutdown-timeout": 60})
