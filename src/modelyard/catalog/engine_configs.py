"""What the JSON flags of an engine hold: the keys of their dataclasses, with types, choices and limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from modelyard.catalog.loading import DATA, read_json


@dataclass(frozen=True, slots=True)
class ConfigField:
    """One key of a configuration.

    Attributes:
        type: `boolean`, `int`, `float`, `string`, `list`, `json`, `boolean-or-string`, `any`, or `name` of an
            enumeration's member, in any case of letters or as its number.
        choices: The only values of a string or name; empty when there are others.
        known: The values that the engine lists itself, where plugins may bring others.
        config: The configuration that a `json` key holds; empty for any mapping.
        limits: Bounds of a number by `gt`, `ge`, `lt` and `le`.
    """

    type: str
    choices: tuple[str, ...]
    known: tuple[str, ...]
    config: str
    limits: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class EngineConfigs:
    """The configurations of one version of an engine.

    Attributes:
        source: Where they were read.
        flags: The configuration of each JSON flag.
        fields: The keys of each configuration.
    """

    source: str
    flags: Mapping[str, str]
    fields: Mapping[str, Mapping[str, ConfigField]]


@cache
def engine_configs(name: str, version: str) -> EngineConfigs | None:
    """Return the configurations of a version; None when the data do not have it."""
    if not (DATA / "engines" / f"{name}-configs" / f"{version}.json").is_file():
        return None
    raw = read_json("engines", f"{name}-configs", f"{version}.json")
    fields = {
        config: {
            key: ConfigField(
                entry["type"],
                tuple(str(each) for each in entry.get("choices", ())),
                tuple(str(each) for each in entry.get("known", ())),
                entry.get("class", ""),
                {bound: entry[bound] for bound in ("gt", "ge", "lt", "le") if bound in entry},
            )
            for key, entry in keys.items()
        }
        for config, keys in raw["classes"].items()
    }
    return EngineConfigs(raw["source"], raw["flags"], fields)
