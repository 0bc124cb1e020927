"""The values that an Application gives to its chart, with where each was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modelyard.findings import Address, UserError
from modelyard.rendering import MISSING, Path, parse, value_at
from modelyard.repository import FileAddress, Repository
from modelyard.repository.yaml import documents
from modelyard.view.applications import Application, Source
from modelyard.view.shapes import listed, mapping


@dataclass(frozen=True)
class Layer:
    """Values of one file of the repository, or those in the Application itself (no file)."""

    file: str
    content: Mapping[str, Any]


@dataclass(frozen=True)
class ChartValues:
    """Values of one chart, later layers over earlier ones, as Helm merges them.

    Attributes:
        application: The Application.
        source: Its chart.
        layers: In the order in which they are merged.
        missing: Value files that do not exist, with their position in `valueFiles`.
        unresolved: Value files of a reference that no source has, with their position.
        unreadable: Why a layer could not be read; empty when all could.
    """

    application: Application
    source: Source
    repository: Repository
    layers: tuple[Layer, ...]
    missing: tuple[tuple[int, str], ...] = ()
    unresolved: tuple[tuple[int, str], ...] = ()
    unreadable: str = field(default="")

    def get(self, path: str | Path, default: Any = None) -> Any:
        """Return the effective value at a path; mappings are those of the last layer that sets them."""
        found = next((value for _, value in self._from_last(parse(path))), MISSING)
        return default if found is MISSING or found is None else found

    def at(self, path: str | Path, *, key: bool = False) -> Address:
        """Return where the effective value is written; for an absent one, where it belongs."""
        steps = parse(path)
        layer = next((each for each, _ in self._from_last(steps)), None) or (self.layers[-1] if self.layers else None)
        if layer is None or not layer.file:
            return self.application.at((*self.source.path, "helm"))  # type: ignore[no-any-return]
        return FileAddress(self.repository.files, layer.file, steps, key=key)

    def _from_last(self, path: Path) -> list[tuple[Layer, Any]]:
        return [
            (layer, value) for layer in reversed(self.layers) if (value := value_at(layer.content, path)) is not MISSING
        ]


def chart_values(
    application: Application, fallback: Repository, own_urls: frozenset[str] | None = None
) -> tuple[ChartValues, ...]:
    """Return the values of each chart of an Application.

    Args:
        application: The Application.
        fallback: The repository to read files from where the Application's own revision was not rendered.
        own_urls: Addresses of this repository; None where any Git source is one.
    """
    repository = application.repository or fallback
    charts = (source for source in application.sources if source.chart)
    return tuple(_values(application, source, repository, own_urls) for source in charts)


def release_values(application: Application, fallback: Repository) -> tuple[ChartValues, ...]:
    """Return the values of whatever Helm renders for an Application: charts, and folders of other repositories.

    Args:
        application: The Application.
        fallback: The repository to read files from where the Application's own revision was not rendered.
    """
    repository = application.repository or fallback
    helmed = (source for source in application.sources if source.chart or mapping(source.value, "helm"))
    return tuple(_values(application, source, repository) for source in helmed)


def _values(
    application: Application, source: Source, repository: Repository, own_urls: frozenset[str] | None = None
) -> ChartValues:
    helm = mapping(source.value, "helm")
    references = {str(each.value["ref"]): each.repository for each in application.sources if each.value.get("ref")}
    layers: list[Layer] = []
    missing: list[tuple[int, str]] = []
    unresolved: list[tuple[int, str]] = []
    unreadable = ""
    for index, name in enumerate(listed(helm, "valueFiles")):
        reference, _, path = str(name).removeprefix("$").partition("/")
        if str(name).startswith("$") and "/" in str(name) and reference not in references:
            unresolved.append((index, str(name)))
            unreadable = f"{name} is of no source"
            continue
        if not str(name).startswith("$") or reference not in references:
            unreadable = f"{name} is inside the chart"
            continue
        if own_urls is not None and references[reference] not in own_urls:
            unreadable = f"{name} is in {references[reference]}"
            continue
        if not repository.files.is_file(path):
            missing.append((index, path))
            continue
        try:
            content = repository.files.documents(path)
        except UserError as error:
            unreadable = error.message
            continue
        if content and isinstance(content[0], dict):
            layers.append(Layer(path, content[0]))
    inline = helm.get("values")
    try:
        parsed = documents("values", inline) if isinstance(inline, str) else [inline]
    except UserError as error:
        parsed, unreadable = [], error.message
    layers.extend(Layer("", each) for each in (*parsed, helm.get("valuesObject")) if isinstance(each, dict))
    return ChartValues(application, source, repository, tuple(layers), tuple(missing), tuple(unresolved), unreadable)
