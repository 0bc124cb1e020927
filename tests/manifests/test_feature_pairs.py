"""Overlays with features: what may be together builds, differs and is legal; the rest is refused with its reason."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from modelyard import repository
from modelyard.catalog import feature_problems
from modelyard.rendering import LibraryRenderer
from modelyard.schemas import kubernetes_versions, validate
from modelyard.tooling import ToolMissing, find
from tests.manifests.composition import OVERLAYS, Repository, Resource, engine_of, names
from tests.manifests.features import (
    ENGINES,
    FEATURES,
    KNOWN,
    PAIRS,
    PLATFORM,
    an_overlay_of,
    is_legal,
    needed_by,
)

every_engine = pytest.mark.parametrize("engine", ENGINES)


def together(engine: str, first: str) -> list[str]:
    """Features of an engine that do not exclude each other, as many as there can be, beginning with one of them."""
    chosen = [*needed_by(first), first]
    for feature in FEATURES:
        if feature not in chosen and not feature_problems([*chosen, feature], KNOWN, engine, PLATFORM):
            chosen.append(feature)
    return chosen


def fullest_sets(engine: str) -> list[list[str]]:
    """Sets of features, each as large as can be, that hold every feature of an engine once at least."""
    sets: list[list[str]] = []
    missing = [name for name in FEATURES if is_legal(engine, name)]
    while missing:
        sets.append(together(engine, missing[0]))
        missing = [name for name in missing if name not in sets[-1]]
    return sets


def renderings(root: Path, sets: Sequence[tuple[str, Sequence[str]]]) -> Iterator[list[Resource]]:
    """Build each overlay with its features as a model of one name; yield the resources, in the order of the sets."""
    if find("modelyard-render") is None:
        pytest.skip("modelyard-render is not installed (modelyard tools install)")
    composed, targets = Repository(root), []
    for number, (overlay, features) in enumerate(sets):
        folder = composed.model("chat", overlay, features, place=f"environments/e{number}/models/chat")
        targets.append(folder.relative_to(root).as_posix())
    found = {each.target: each for each in LibraryRenderer(None).render(repository.Repository(root), targets)}
    for target, (overlay, features) in zip(targets, sets, strict=True):
        assert not found[target].errors, f"{overlay} with {features}: {found[target].errors[0].message}"
        resources = [resource.value for resource in found[target].resources]
        for items in lists_with_names(resources):
            assert len(items) == len(set(items)), f"{overlay} with {features}: {items} holds a name twice"
        identities = [(resource["kind"], resource["metadata"]["name"]) for resource in resources]
        assert len(identities) == len(set(identities)), f"{overlay} with {features}"
        yield resources


def lists_with_names(value: Any) -> list[list[str]]:
    """Names in every list of named things below a value: containers, variables, volumes, ports."""
    if isinstance(value, dict):
        return [found for item in value.values() for found in lists_with_names(item)]
    if isinstance(value, list):
        own = (
            [[item["name"] for item in value]]
            if value and all(isinstance(item, dict) and "name" in item for item in value)
            else []
        )
        return own + [found for item in value for found in lists_with_names(item)]
    return []


@every_engine
def test_a_pair_is_legal_or_refused_with_its_reason(engine: str) -> None:
    for first, second in PAIRS:
        needed = set(needed_by(first, second))
        problems = feature_problems([*needed_by(first, second), first, second], KNOWN, engine, PLATFORM)
        strangers = [feature for feature in (first, second) if engine not in KNOWN[feature].engines]
        for feature in strangers:
            assert any(problem.startswith(f"{feature} is not for {engine}, it is for ") for problem in problems)
        apart = second in KNOWN[first].excludes
        if apart and not strangers:
            assert f"{second} and {first} exclude each other" in problems
        at_odds = needed & {*KNOWN[first].excludes, *KNOWN[second].excludes}
        homeless = {need for need in needed if engine not in KNOWN[need].engines}
        assert bool(problems) == bool(strangers or apart or at_odds or homeless), f"{first}, {second}: {problems}"


Matrix = dict[str, dict[str, list[Resource]]]


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    """Resources of every overlay by feature: without one (an empty name), and with each that is for its engine."""
    sets = [
        (overlay, feature)
        for overlay in names(OVERLAYS)
        for feature in ("", *(name for name in FEATURES if is_legal(engine_of(overlay), name)))
    ]
    chosen = [(overlay, [*needed_by(feature), feature] if feature else []) for overlay, feature in sets]
    found: Matrix = {}
    for (overlay, feature), resources in zip(sets, renderings(tmp_path_factory.mktemp("matrix"), chosen), strict=True):
        found.setdefault(overlay, {})[feature] = resources
    return found


@pytest.mark.slow
@pytest.mark.parametrize("overlay", names(OVERLAYS))
def test_a_feature_changes_every_overlay_that_it_serves(matrix: Matrix, overlay: str) -> None:
    plain = matrix[overlay][""]
    assert len(matrix[overlay]) > 1
    for feature, resources in matrix[overlay].items():
        assert not feature or resources != plain, feature


@pytest.mark.slow
@pytest.mark.parametrize("version", kubernetes_versions())
def test_every_overlay_with_every_feature_is_legal(matrix: Matrix, version: str) -> None:
    unlike = {
        json.dumps(resource, sort_keys=True): resource
        for built in matrix.values()
        for resources in built.values()
        for resource in resources
    }
    try:
        verdicts = validate(list(unlike.values()), version)
    except ToolMissing as missing:
        pytest.skip(str(missing))
    assert not [
        (resource["kind"], verdict.status, verdict.problems)
        for resource, verdict in zip(unlike.values(), verdicts, strict=True)
        if verdict.status != "valid"
    ]


@pytest.mark.slow
def test_every_feature_builds_in_the_fullest_company_that_it_may_have(tmp_path: Path) -> None:
    sets = [(an_overlay_of(engine), chosen) for engine in ENGINES for chosen in fullest_sets(engine)]
    assert len(list(renderings(tmp_path, sets))) == len(sets)


@pytest.mark.slow
@every_engine
def test_every_legal_pair_builds_in_either_order(tmp_path: Path, engine: str) -> None:
    legal = [pair for pair in PAIRS if is_legal(engine, *pair)]
    assert legal
    sets = [
        (an_overlay_of(engine), [*needed_by(*pair), *order])
        for pair in legal
        for order in (pair, tuple(reversed(pair)))
    ]
    counts: dict[frozenset[str], int] = {}
    for (_, features), resources in zip(sets, renderings(tmp_path, sets), strict=True):
        assert counts.setdefault(frozenset(features), len(resources)) == len(resources), features
