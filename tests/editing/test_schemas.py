"""JSON Schemas of the files that people edit, and the lines by which editors find them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from modelyard.catalog import engine, engine_versions, setting_meanings
from modelyard.editing.file_formats import FILES, schema_of, settings_schema

PROJECT = Path(__file__).parents[2]
MARK = re.compile(r"^# yaml-language-server: \$schema=(\S+)$", re.MULTILINE)


def problems(schema: Mapping[str, Any], content: Any) -> list[str]:
    # Editors see YAML's dates as texts.
    plain = json.loads(json.dumps(content, default=str))
    return [f"{each.json_path}: {each.message}" for each in jsonschema.Draft202012Validator(schema).iter_errors(plain)]


def test_schemas_and_the_lines_that_name_them_are_current() -> None:
    script = PROJECT / "scripts" / "generate_file_schemas.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", FILES)
def test_a_schema_is_one_and_describes_every_field(name: str) -> None:
    schema = schema_of(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    undescribed = [field for field, each in schema["properties"].items() if "description" not in each]
    assert undescribed == []


def test_every_file_of_a_new_repository_is_as_its_schema_says(bases: Mapping[str, Path]) -> None:
    root = bases["starter-models"]
    checked = set()
    for pattern in ("*.yaml", "environments/*/*.yaml", "overlays/*/*.yaml", "bases/*/*/*.yaml"):
        for path in root.glob(pattern):
            text = path.read_text()
            for named in MARK.findall(text):
                schema = json.loads((path.parent / named).read_text())
                assert problems(schema, yaml.safe_load(text)) == [], path.relative_to(root)
                checked.add(Path(named).name.partition(".")[0])
    assert checked >= {*FILES, "settings-vllm", "settings-vllm-neuron"}


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("environment", {"name": "dev", "account": 111122223333}, "is not of type 'string'"),
        ("environment", {"name": "dev"}, "'region' is a required property"),
        ("feature", {"description": "x", "engine": ["vllm"]}, "'engine' was unexpected"),
        ("component", {"description": "x", "namespace": "y", "install": "allways"}, "is not one of"),
        ("overlay", {"devices": "4"}, "is not of type 'integer'"),
        ("modelyard", {"version": 1, "waiver": []}, "'waiver' was unexpected"),
    ],
)
def test_a_schema_finds_a_mistake(name: str, content: object, problem: str) -> None:
    assert any(problem in each for each in problems(schema_of(name), content))


def test_the_schema_of_a_component_has_the_keys_that_are_read() -> None:
    from modelyard.catalog import components

    schema = schema_of("component")
    assert set(schema["properties"]) == components._KEYS, "add the field to ComponentFile"
    chart = schema["$defs"]["ChartOfComponent"]["properties"]
    assert set(chart) >= components._CHART_KEYS, "add the field to ChartOfComponent"


def test_facts_of_a_team_s_own_are_allowed() -> None:
    facts = yaml.safe_load(
        "{name: dev, account: '111122223333', region: us-west-2, zones: [us-west-2a, us-west-2b], cluster: c,"
        " kubernetes: '1.35', repository: 'https://x/y.git', revision: main, cost-centre: 42}"
    )
    assert problems(schema_of("environment"), facts) == []


@pytest.mark.parametrize(
    ("settings", "right"),
    [
        ("{model: a/b, max-model-len: 8192, no-enable-prefix-caching: true}", True),
        ("{max-model-len: 8k}", True),
        ("{max-modl-len: 8192}", False),
        ("{enforce-eager: 'yes'}", False),
        ("{dtype: float7}", False),
        ("{tool-call-parser: of-a-plugin}", True),
    ],
)
def test_flags_of_the_engine_are_known(settings: str, right: bool) -> None:
    assert (problems(settings_schema("0.33.0"), yaml.safe_load(settings)) == []) is right


@pytest.mark.parametrize("name", ["vllm", "vllm-omni"])
def test_an_editor_says_what_each_setting_is(name: str) -> None:
    version = engine_versions(name)[-1]
    shown = settings_schema(version, name)["properties"]
    assert all(each["description"] for each in shown.values())
    assert shown["max-model-len"]["description"].startswith("Longest request in tokens")
    assert shown["no-enforce-eager"]["description"] == "Switches enforce-eager off."
    flags = {flag for known in engine_versions("vllm") for flag in engine("vllm", known).flags}  # type: ignore[union-attr]
    assert set(setting_meanings(name)) <= flags, "a meaning of a flag that no version has"
