"""What a component says about itself is read strictly, and what an environment may have follows from it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from modelyard.catalog import Component, component_depths, component_from_mapping, component_problems

SCALER: dict[str, Any] = {
    "description": "Scales models",
    "namespace": "scaler",
    "install": "default",
    "needs": ["metrics"],
    "excludes": ["other-scaler"],
    "answers": {"gpu_pool": True},
    "pools": {"cpu": {}, "gpu": {"gpu_pool": True}},
    "secrets": {"scaler-key": "Key of the scaler"},
    "chart": {
        "name": "scaler-chart",
        "repository": "https://charts.example.com",
        "version": "1.2.3",
        "app-version": "v1.2.3",
        "source": "tag v1.2.3",
    },
}


def component(name: str, *needs: str, excludes: tuple[str, ...] = ()) -> Component:
    return Component(name, "Does something", name, needs=needs, excludes=excludes)


def test_everything_is_read() -> None:
    read = component_from_mapping("scaler", SCALER)
    assert (read.install, read.needs, read.excludes, read.answers) == (
        "default",
        ("metrics",),
        ("other-scaler",),
        {"gpu_pool": True},
    )
    assert read.pools == {"cpu": {}, "gpu": {"gpu_pool": True}}
    assert read.secrets == {"scaler-key": "Key of the scaler"}
    assert read.chart is not None
    assert (read.chart.name, read.chart.release, read.chart.skip_crds) == ("scaler-chart", "scaler", False)


def test_a_component_that_does_not_say_otherwise_is_a_choice() -> None:
    assert component_from_mapping("x", {"description": "X", "namespace": "x"}).install == "choice"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"description": None}, "description of scaler is None, expected text"),
        ({"namespace": 7}, "namespace of scaler is 7, expected text"),
        ({"install": "sometimes"}, "expected always, default, choice"),
        ({"needs": "metrics"}, "needs of component scaler is 'metrics', expected a list of names"),
        ({"neds": ["metrics"]}, "scaler says neds, which nothing reads"),
        ({"answers": ["gpu_pool"]}, "answers of component scaler should map questions"),
        ({"pools": ["gpu"]}, "pools of component scaler should map node pools to answers"),
        ({"pools": {"gpu": {"gpu_limit": 4}}}, "answers of node pool gpu of component scaler should map questions"),
        ({"secrets": ["scaler-key"]}, "secrets of component scaler should map names to what they hold"),
        ({"chart": {"name": "scaler-chart"}}, "repository of the chart of scaler is None, expected text"),
        ({"chart": {**SCALER["chart"], "skip-crds": "yes"}}, "skip-crds of the chart of scaler is 'yes'"),
        ({"chart": {**SCALER["chart"], "verison": "1"}}, "the chart of scaler says verison"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        component_from_mapping("scaler", {**SCALER, **change})


def test_depths_count_the_longest_way() -> None:
    made = {each.name: each for each in (component("a"), component("b", "a"), component("c", "a", "b"))}
    assert component_depths(made) == {"a": 0, "b": 1, "c": 2}


def test_what_comes_after_another_waits_only_for_what_is_there() -> None:
    late = Component("late", "What comes late", "late", after=("a", "not-there"))
    assert component_depths({"a": component("a"), "late": late}) == {"a": 0, "late": 1}


def test_needs_that_nothing_meets_and_circles_are_told() -> None:
    with pytest.raises(ValueError, match="a needs nothing-of-that-name"):
        component_depths({"a": component("a", "nothing-of-that-name")})
    with pytest.raises(ValueError, match="a, b wait for each other"):
        component_depths({"a": component("a", "b"), "b": component("b", "a")})


def test_problems_of_a_choice() -> None:
    made = {each.name: each for each in (component("a"), component("b", "a"), component("c", excludes=("a",)))}
    assert component_problems(["a", "b"], made) == []
    assert component_problems(["b"], made) == ["b needs a"]
    assert component_problems(["a", "c"], made) == ["a and c exclude each other"]
    assert component_problems(["d"], made) == ["there is no component d; there are a, b, c"]
