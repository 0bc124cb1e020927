"""Which charts and definitions a repository needs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from modelyard.findings import UserError
from modelyard.rendering import plain_renderer
from modelyard.repository import Repository
from modelyard.repository.locks import is_url, plain_registry

_EXACT = re.compile(r"v?\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]*)?")


@dataclass(frozen=True, slots=True, order=True)
class ChartReference:
    """A chart that an Application names.

    Attributes:
        name: The chart's name.
        version: Its version, exact.
        repository: As in `charts.lock`.
        applications: Applications that name it, as `environment/name`.
    """

    name: str
    version: str
    repository: str
    applications: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class References:
    """Everything that is to be fetched, and what cannot be.

    Attributes:
        charts: Charts, in order.
        definitions: URLs of files with CustomResourceDefinitions, from `crds` in `modelyard.yaml`.
        problems: Why something that is named cannot be fetched.
    """

    charts: tuple[ChartReference, ...]
    definitions: tuple[str, ...]
    problems: tuple[str, ...] = ()


def references(repository: Repository, environments: Sequence[str] = ()) -> References:
    """Return what the Applications of a repository name, as its kustomizations render them.

    Args:
        repository: The repository.
        environments: Names to look at; all when empty.

    Raises:
        UserError: An environment is unknown or does not render, or nothing is there that renders.
    """
    names = list(environments) or sorted(repository.environments)
    folders = {repository.environment(name).path: name for name in names}
    found: dict[ChartReference, set[str]] = {}
    problems: list[str] = []
    for rendering in plain_renderer().render(repository, list(folders)):
        if rendering.errors:
            first = rendering.errors[0]
            raise UserError(
                f"{rendering.target} does not render, so the charts of its Applications are not known: {first.message}",
                fix=first.fix or "run `modelyard check` for more",
                at=first.at,
            )
        environment = folders[rendering.target]
        for resource in rendering.resources:
            if resource.value.get("kind") != "Application":
                continue
            name = f"{environment}/{resource.value['metadata']['name']}"
            for source in _sources(resource.value.get("spec")):
                reference = _chart(source)
                if not _EXACT.fullmatch(reference.version):
                    told = reference.version or "no version"
                    problems.append(f"{name}: chart {reference.name} at {told}, which is not one exact version")
                    continue
                found.setdefault(reference, set()).add(name)
    charts = tuple(
        ChartReference(each.name, each.version, each.repository, tuple(sorted(found[each]))) for each in sorted(found)
    )
    urls = tuple(dict.fromkeys(entry for entry in repository.crds if is_url(entry)))
    return References(charts, urls, tuple(sorted(set(problems))))


def _sources(spec: Any) -> Iterable[dict[str, Any]]:
    if not isinstance(spec, dict):
        return []
    listed = spec.get("sources")
    every = [*(listed if isinstance(listed, list) else []), spec.get("source")]
    return [each for each in every if isinstance(each, dict) and each.get("chart")]


def _chart(source: dict[str, Any]) -> ChartReference:
    return ChartReference(
        str(source["chart"]),
        str(source.get("targetRevision") or ""),
        plain_registry(str(source.get("repoURL") or "")),
    )
