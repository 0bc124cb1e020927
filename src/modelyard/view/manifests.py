"""A rendered resource as rules see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from modelyard.rendering import MISSING, Identity, Path, Rendering, Resource, ResourceAddress, address, parse, value_at
from modelyard.repository import Repository


@dataclass(frozen=True, eq=False)
class Manifest:
    """One resource of one Application; values are plain, addresses are made on demand.

    Attributes:
        repository: The repository on disk.
        target: The Kustomize target that it was rendered from.
        resource: The rendered resource.
        application: Name of the Argo CD Application that holds it; empty for what install.sh applies.
    """

    repository: Repository
    target: str
    resource: Resource
    application: str = ""

    @cached_property
    def identity(self) -> Identity:
        """Return group, kind, name and namespace."""
        return Identity.of(self.resource.value)

    @property
    def value(self) -> dict[str, Any]:
        """Return the manifest."""
        return self.resource.value

    @property
    def kind(self) -> str:
        """Return the kind."""
        return self.identity.kind

    @property
    def name(self) -> str:
        """Return the name."""
        return self.identity.name

    @property
    def namespace(self) -> str:
        """Return the namespace as written; empty when the manifest leaves it to the Application."""
        return self.identity.namespace

    @property
    def group(self) -> str:
        """Return the API group; empty for the core group."""
        return self.identity.api_version.rpartition("/")[0]

    @property
    def labels(self) -> Mapping[str, str]:
        """Return the labels."""
        return self.mapping(("metadata", "labels"))

    @property
    def annotations(self) -> Mapping[str, str]:
        """Return the annotations."""
        return self.mapping(("metadata", "annotations"))

    @property
    def breaks_schema(self) -> bool:
        """Return whether its schema refuses it, so that the shape of its parts is not sure."""
        return self.resource.verdict is not None and self.resource.verdict.status == "invalid"

    def get(self, path: str | Path, default: Any = None) -> Any:
        """Return the value at a path; `default` where there is none, or null."""
        found = value_at(self.resource.value, parse(path))
        return default if found is MISSING or found is None else found

    def mapping(self, path: str | Path) -> dict[str, Any]:
        """Return the mapping at a path; an empty one where there is none, or something else."""
        found = self.get(path)
        return found if isinstance(found, dict) else {}

    def entries(self, path: str | Path) -> list[dict[str, Any]]:
        """Return the mappings of the list at a path; an empty list where there is none."""
        found = self.get(path)
        return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []

    def has(self, path: str | Path) -> bool:
        """Return whether a path is set."""
        return value_at(self.resource.value, parse(path)) is not MISSING

    def at(self, path: str | Path = (), *, key: bool = False) -> ResourceAddress:
        """Return the address of a value, or of its key; for an absent one, of where it belongs."""
        found = address(self.repository, self.target, self.resource, path)
        return ResourceAddress(found.repository, found.target, found.resource, found.path, True) if key else found

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def manifests(repository: Repository, rendering: Rendering, application: str = "") -> tuple[Manifest, ...]:
    """Return the resources of a rendering as manifests."""
    return tuple(Manifest(repository, rendering.target, resource, application) for resource in rendering.resources)
