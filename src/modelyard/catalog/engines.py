"""Serving engines by version: flags, environment variables, parsers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from modelyard.catalog.loading import DATA, read_json, read_yaml
from modelyard.wording import nearest


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag of an engine.

    Attributes:
        name: Long name without dashes in front, in kebab case.
        type: `boolean` (which also has a `no-` form), `int`, `human-int` (also `8k`, `1M`), `float`, `string`, `list`,
            `json`, or `boolean-or-string`.
        choices: The only values that are accepted; empty when there are others.
        known: Values of a list that plugins may extend.
        default: The default, where the source states it as a literal.
        aliases: Other spellings, with their dashes.
    """

    name: str
    type: str
    choices: tuple[Any, ...] = ()
    known: tuple[Any, ...] = ()
    default: Any = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Engine:
    """One version of a serving engine.

    Attributes:
        name: Such as `vllm`.
        version: Such as `0.33.0`.
        source: Where the record was read.
        flags: By long name.
        environment: Environment variables that it reads.
        tool_call_parsers: Names that `--tool-call-parser` accepts.
        reasoning_parsers: Names that `--reasoning-parser` accepts.
    """

    name: str
    version: str
    source: str
    flags: Mapping[str, Flag]
    environment: frozenset[str]
    tool_call_parsers: tuple[str, ...]
    reasoning_parsers: tuple[str, ...]

    def flag(self, spelling: str) -> Flag | None:
        """Return a flag by any spelling that the engine takes, or None for one that it does not know.

        Dashes in front, underscores, short names, the `no-` form of a switch and a key of a JSON flag
        (`--compilation-config.mode`) are all understood.
        """
        plain = spelling.lstrip("-").replace("_", "-")
        if spelling.startswith("-") and not spelling.startswith("--"):
            return self._by_alias().get(spelling)
        found = self.flags.get(plain) or self._by_alias().get(f"--{plain}")
        if found is None and plain.startswith("no-"):
            switch = self.flags.get(plain.removeprefix("no-"))
            found = switch if switch is not None and switch.type == "boolean" else None
        if found is None and "." in plain:
            owner = self.flags.get(plain.partition(".")[0])
            found = owner if owner is not None and owner.type in ("json", "boolean-or-string") else None
        return found

    def nearest_flag(self, spelling: str) -> str:
        """Return the flag that is spelt most alike, or nothing when none is."""
        plain = spelling.lstrip("-").replace("_", "-")
        return nearest(plain, self.flags)

    def _by_alias(self) -> Mapping[str, Flag]:
        return _aliases(self.name, self.version)


def engine_versions(name: str) -> tuple[str, ...]:
    """Return the versions of an engine in the data, oldest first."""
    found = [path.stem for path in (DATA / "engines" / name).glob("*.json")]
    return tuple(sorted(found, key=version_order))


def version_order(version: str) -> tuple[int, ...]:
    """Return what versions of an engine are sorted by; a post-release comes after its release."""
    return tuple(int(part) for part in re.findall(r"\d+", version))


@cache
def engine(name: str, version: str) -> Engine | None:
    """Return one version of an engine, or None when the data do not have it."""
    if version not in engine_versions(name):
        return None
    raw = read_json("engines", name, f"{version}.json")
    flags = {flag: _flag(flag, entry) for flag, entry in raw["flags"].items()}
    return Engine(
        name,
        version,
        raw["source"],
        MappingProxyType(flags),
        frozenset(raw["environment"]),
        tuple(raw["tool-call-parsers"]),
        tuple(raw["reasoning-parsers"]),
    )


@cache
def plugin_environment() -> frozenset[str]:
    """Return the environment variables that plugins of vLLM read beside vLLM's own."""
    plugins = read_yaml(DATA / "engines" / "plugins.yaml").values()
    return frozenset(name for plugin in plugins for name in plugin["environment"])


def _flag(name: str, entry: Mapping[str, Any]) -> Flag:
    lists = {key: tuple(entry.get(key, ())) for key in ("choices", "known", "aliases")}
    return Flag(name, entry["type"], default=entry.get("default"), **lists)


@cache
def _aliases(name: str, version: str) -> Mapping[str, Flag]:
    found = engine(name, version)
    flags = found.flags.values() if found is not None else ()
    return MappingProxyType({alias: flag for flag in flags for alias in flag.aliases})


@cache
def short_flags() -> Mapping[str, str]:
    """Return the long names of vLLM's flags by their short ones, such as `-tp`, of every version in the data."""
    found: dict[str, str] = {}
    for version in engine_versions("vllm"):
        for alias, flag in _aliases("vllm", version).items():
            if not alias.startswith("--"):
                found[alias] = flag.name
    return MappingProxyType(found)


@cache
def setting_meanings(name: str) -> Mapping[str, str]:
    """Return what the settings of an engine mean that people change, in a sentence or two each, by flag.

    Engines that are made of another take its meanings: `vllm-omni` those of `vllm`.
    """
    return MappingProxyType(dict(read_yaml(DATA / "settings.yaml").get(name.partition("-")[0], {})))
