"""The published schema of a comparison holds what comparisons write, and notices what they never write."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable
from typing import Any

import jsonschema

from modelyard.diffing import json_v1
from modelyard.diffing.schema_v1 import schema

from .conftest import Changed

MODEL = "environments/dev/models/chat/kustomization.yaml"


def written(changed: Changed) -> dict[str, Any]:
    stream = io.StringIO()
    json_v1.write(changed.compare(), stream)
    return dict(json.loads(stream.getvalue()))


def problems(content: Any) -> list[str]:
    return [
        f"{each.json_path}: {each.message}" for each in jsonschema.Draft202012Validator(schema()).iter_errors(content)
    ]


def test_it_is_a_schema_that_describes_every_field() -> None:
    made = schema()
    jsonschema.Draft202012Validator.check_schema(made)
    undescribed = [
        f"{name}.{field}"
        for name, each in made["$defs"].items()
        for field, shape in each["properties"].items()
        if "description" not in shape and name not in ("Finding", "NotCompared", "SettingChange")
    ]
    assert undescribed == []


def test_comparisons_are_as_it_says(changed: Changed) -> None:
    assert problems(written(changed)) == [], "nothing changed"
    changed.replace(MODEL, "components:\n", "components:\n  - ../../../../bases/features/spread-zones\n")
    changed.commit("feature")
    told = written(changed)
    assert told["environments"] and problems(told) == []
    (changed.root / "environments/dev/applications/chat.yaml").unlink()
    changed.commit("broken")
    told = written(changed)
    assert problems(told) == []


def test_what_is_never_written_is_noticed(changed: Changed) -> None:
    changed.replace(MODEL, "components:\n", "components:\n  - ../../../../bases/features/spread-zones\n")
    changed.commit("feature")
    told = written(changed)
    spoilers: tuple[Callable[[Any], object], ...] = (
        lambda each: each.pop("version"),
        lambda each: each.update(version=2),
        lambda each: each["environments"][0].update(kind="vanished"),
        lambda each: each["environments"][0]["applications"][0].pop("resources"),
        lambda each: each["environments"][0].update(hazards="none"),
    )
    for spoil in spoilers:
        spoilt = copy.deepcopy(told)
        spoil(spoilt)
        assert problems(spoilt), "a mistake goes unnoticed"
