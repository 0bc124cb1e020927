"""What engines do not have any more, held against the registries of the versions."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest

from modelyard.catalog import Engine, Removal, engine, engine_versions, plugin_environment, removal, removals
from modelyard.catalog.loading import DATA, read_yaml

PATH = DATA / "engines" / "vllm-removals.yaml"
ALL = sorted(removals("vllm").values(), key=lambda each: each.name)
NAMED = [each for each in ALL if each.instead]
ENGINES = [(name, version) for name in ("vllm", "vllm-omni") for version in engine_versions(name)]


def registered(name: str, version: str) -> Engine:
    found = engine(name, version)
    assert found is not None
    return found


def has(known: Engine, name: str) -> bool:
    return name in known.environment if name.isupper() else known.flag(f"--{name}") is not None


def of(name: str) -> Removal:
    return removals("vllm")[name]


@pytest.mark.parametrize(("name", "version"), ENGINES)
def test_what_went_is_not_in_the_registry_and_what_is_written_instead_is(name: str, version: str) -> None:
    known = registered(name, version)
    gone = [found for each in ALL if (found := removal(name, version, each.name))]
    assert len(gone) > 50
    assert not [each.name for each in gone if has(known, each.name)]
    assert not [each.instead for each in gone if each.instead and not has(known, each.instead)]


def test_every_successor_is_in_the_newest_version_and_everything_else_is_gone_from_it() -> None:
    newest = registered("vllm", engine_versions("vllm")[-1])
    assert not [each.name for each in ALL if has(newest, each.name) != bool(each.until)]
    assert not [each.instead for each in NAMED if not has(newest, each.instead)]


def test_values_that_are_written_are_legal() -> None:
    newest = registered("vllm", engine_versions("vllm")[-1])
    seen = 0
    for each in NAMED:
        flag = newest.flag(f"--{each.instead}") if not each.variable and "." not in each.instead else None
        if flag is None or each.value is None:
            continue
        seen += 1
        values = each.value if isinstance(each.value, tuple) else (each.value,)
        allowed: set[Any] = {*flag.choices, *flag.known}
        assert not allowed or allowed.issuperset(values), f"{each.name}: {flag.name} takes {sorted(allowed)}"
        if flag.type in ("boolean", "int", "float"):
            types = {"boolean": (bool,), "int": (int,), "float": (int, float)}
            assert type(each.value) in types[flag.type], each.name
    assert seen >= 5


def test_no_version_that_has_a_name_is_told_that_it_is_gone() -> None:
    told = [
        (each.name, version)
        for version in engine_versions("vllm")
        for each in ALL
        if has(registered("vllm", version), each.name) and removal("vllm", version, each.name)
    ]
    assert not told


def test_all_that_went_between_the_registered_versions_is_listed() -> None:
    versions = engine_versions("vllm")
    missing = set()
    for older, newer in pairwise(versions):
        before, after = registered("vllm", older), registered("vllm", newer)
        names = set(before.flags) | {name for name in before.environment if name.startswith("VLLM_")}
        missing |= {
            (name, newer)
            for name in names
            if not has(after, name) and name not in plugin_environment() and not removal("vllm", newer, name)
        }
    assert not missing


def test_what_is_said_has_a_source() -> None:
    for each in ALL:
        assert re.fullmatch(r"\d+\.\d+\.\d+(\.post\d+)?", each.since), each.name
        assert not (each.instead and each.why), each.name
        assert bool(each.instead or each.why) == bool(each.source), each.name
        assert each.instead or not (each.value is not None or each.note or each.inferred), each.name


def test_the_file_holds_no_other_keys() -> None:
    raw = read_yaml(PATH)
    assert set(raw) == {"engines", "read", "flags", "environment"}
    keys = {"since", "until", "instead", "value", "note", "why", "source", "sure"}
    for name, entry in (raw["flags"] | raw["environment"]).items():
        assert set(entry) <= keys, name
        assert entry.get("sure", "inferred") == "inferred", name
    assert not [name for name in raw["flags"] if name.isupper()]
    assert not [name for name in raw["environment"] if not name.startswith("VLLM_")]


def test_a_flag_is_gone_from_the_first_version_without_it_until_it_is_back() -> None:
    name = "disable-log-requests"
    assert (of(name).since, of(name).until) == ("0.17.0", "0.33.0")
    assert removal("vllm", "0.16.0", name) is None, "still there"
    assert removal("vllm", "0.32.1", name) == of(name)
    assert removal("vllm", "0.33.0", name) is None, "the parser takes it for the opposite of enable-log-requests"
    assert removal("vllm", "0.20.0", "enable-bf16x3-router-gemm") is None, "not there yet"
    assert removal("vllm", "0.33.0", "no-enable-reasoning") == of("enable-reasoning")
    assert removal("vllm", "0.33.0", "max-model-length") is None
    assert removal("triton", "0.33.0", "swap-space") is None
