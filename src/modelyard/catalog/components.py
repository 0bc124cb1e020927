"""Components of a platform: what each needs, what it excludes, and where its objects go."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Install = Literal["always", "default", "choice"]
Answers = Mapping[str, str | bool]
"""Answers to the template's questions, by question."""

_KEYS = {
    "description",
    "namespace",
    "namespaces",
    "install",
    "chart",
    "version",
    "source",
    "needs",
    "after",
    "excludes",
    "stands-for",
    "answers",
    "pools",
    "secrets",
    "terraform-outputs",  # read by `modelyard env sync`
}
_CHART_KEYS = {
    "name",
    "repository",
    "version",
    "app-version",
    "source",
    "values-read-at",
    "release",
    "skip-crds",
    "path",
}


@dataclass(frozen=True, slots=True)
class ComponentChart:
    """The chart of a component.

    Attributes:
        name: Its name in the repository.
        repository: Address of the chart repository; without a scheme where it is an OCI registry.
        version: The chart's version.
        app_version: Version of what it installs.
        source: Where the version was read.
        release: Name of the Helm release.
        skip_crds: Whether another component brings the definitions of this chart's folder `crds`.
        path: Folder of the chart where `repository` is a Git repository and `version` a tag of it; else empty.
    """

    name: str
    repository: str
    version: str
    app_version: str
    source: str
    release: str
    skip_crds: bool = False
    path: str = ""


@dataclass(frozen=True, slots=True)
class Component:
    """One folder of `bases/platform`, as its `component.yaml` describes it.

    Attributes:
        name: The folder's name, and the name of its Application.
        description: What it does, one sentence without a final stop.
        namespace: Where its Application delivers what names no namespace.
        install: `always` is part of every environment, `default` of those that do not say otherwise, `choice` of those
            that name it.
        namespaces: Further namespaces that its objects go to.
        chart: Its chart; None where it is this repository's manifests alone.
        version: Version of what these manifests run; empty where they run nothing of somebody else's.
        source: Where that version was read.
        needs: Components that must be there, and come before it.
        after: Components that come before it where they are there, since something of it waits for them.
        excludes: Components that cannot be there as well.
        stands_for: Components in whose place it is for engines that need them.
        answers: What an environment must answer to have it, by question.
        pools: The node pools that it can bring, each with what an environment must answer to have it.
        secrets: What it reads from Secrets Manager: what each holds, by the last part of the secret's name.
    """

    name: str
    description: str
    namespace: str
    install: Install = "choice"
    namespaces: tuple[str, ...] = ()
    chart: ComponentChart | None = None
    version: str = ""
    source: str = ""
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    stands_for: tuple[str, ...] = ()
    answers: Answers = field(default_factory=dict)
    pools: Mapping[str, Answers] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)


def component_from_mapping(name: str, raw: Mapping[str, Any]) -> Component:
    """Return a component from the content of its `component.yaml`.

    Raises:
        ValueError: Something is missing, unknown, or of the wrong type; the message says what.
    """
    _refuse_unknown(name, raw, _KEYS)
    install = raw.get("install", "choice")
    if install not in get_args(Install):
        raise ValueError(f"install of component {name} is {install!r}, expected {', '.join(get_args(Install))}")
    pools = raw.get("pools") or {}
    if not isinstance(pools, dict):
        raise ValueError(f"pools of component {name} should map node pools to answers")
    secrets = raw.get("secrets") or {}
    if not isinstance(secrets, dict) or not all(isinstance(value, str) for value in secrets.values()):
        raise ValueError(f"secrets of component {name} should map names to what they hold")
    return Component(
        name=name,
        description=_text(name, raw, "description"),
        namespace=_text(name, raw, "namespace"),
        install=install,
        namespaces=_names(name, raw, "namespaces"),
        chart=_chart(name, raw["chart"]) if "chart" in raw else None,
        version=_text(name, raw, "version") if "version" in raw else "",
        source=_text(name, raw, "source") if "version" in raw or "source" in raw else "",
        needs=_names(name, raw, "needs"),
        after=_names(name, raw, "after"),
        excludes=_names(name, raw, "excludes"),
        stands_for=_names(name, raw, "stands-for"),
        answers=_answers(f"component {name}", raw.get("answers")),
        pools={str(pool): _answers(f"node pool {pool} of component {name}", told) for pool, told in pools.items()},
        secrets=secrets,
    )


def component_depths(components: Mapping[str, Component]) -> dict[str, int]:
    """Return how many components have to come before each, one after the other.

    Raises:
        ValueError: A component needs one that is not there, or some wait for each other.
    """
    before = {
        name: (*component.needs, *(other for other in component.after if other in components))
        for name, component in components.items()
    }
    depths: dict[str, int] = {}
    while len(depths) < len(components):
        ready = {
            name: 1 + max((depths[other] for other in before[name]), default=-1)
            for name in components
            if name not in depths and all(other in depths for other in before[name])
        }
        if not ready:
            for name in components:
                if missing := [other for other in before[name] if other not in components]:
                    raise ValueError(f"{name} needs {missing[0]}, which is not among the components")
            raise ValueError(f"{', '.join(sorted(set(components) - set(depths)))} wait for each other")
        depths |= ready
    return depths


def component_problems(chosen: Collection[str], components: Mapping[str, Component]) -> list[str]:
    """Return why an environment may not have a set of components, in sentences without a final stop.

    Args:
        chosen: Names of all its components.
        components: Every component there is, by name.
    """
    problems = [
        f"there is no component {name}; there are {', '.join(sorted(components))}"
        for name in chosen
        if name not in components
    ]
    for name in sorted(set(chosen) & set(components)):
        component = components[name]
        problems += [f"{name} needs {need}" for need in component.needs if need not in chosen]
        problems += [
            f"{name} and {other} exclude each other"
            for other in sorted(set(chosen) & set(components))
            if name < other and (other in component.excludes or name in components[other].excludes)
        ]
    return problems


def _chart(name: str, raw: Any) -> ComponentChart:
    if not isinstance(raw, dict):
        raise ValueError(f"chart of component {name} should be a mapping")
    where = f"the chart of {name}"
    _refuse_unknown(where, raw, _CHART_KEYS)
    skip_crds = raw.get("skip-crds", False)
    if not isinstance(skip_crds, bool):
        raise ValueError(f"skip-crds of {where} is {skip_crds!r}, expected true or false")
    return ComponentChart(
        name=_text(where, raw, "name"),
        repository=_text(where, raw, "repository"),
        version=_text(where, raw, "version"),
        app_version=_text(where, raw, "app-version"),
        source=_text(where, raw, "source"),
        release=_text(where, {"release": name, **raw}, "release"),
        skip_crds=skip_crds,
        path=_text(where, raw, "path") if "path" in raw else "",
    )


def _refuse_unknown(name: str, raw: Mapping[str, Any], known: set[str]) -> None:
    if unknown := sorted(set(raw) - known):
        raise ValueError(f"{name} says {unknown[0]}, which nothing reads; known are {', '.join(sorted(known))}")


def _text(name: str, raw: Mapping[str, Any], key: str) -> str:
    value = raw.get(key)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key} of {name} is {value!r}, expected text")
    return value


def _answers(whose: str, raw: Any) -> Answers:
    answers: dict[str, str | bool] = raw or {}
    if not isinstance(answers, dict) or not all(isinstance(value, str | bool) for value in answers.values()):
        raise ValueError(f"answers of {whose} should map questions to text, true or false")
    return answers


def _names(name: str, raw: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = raw.get(key) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{key} of component {name} is {value!r}, expected a list of names")
    return tuple(value)
