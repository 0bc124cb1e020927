"""What rendering yields, whichever backend did it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from modelyard.findings import Address
from modelyard.repository import Repository

ProblemSource = Literal["schema", "cel", "duplicate"]


@dataclass(frozen=True, slots=True)
class SchemaProblem:
    """What the API server would refuse in one resource.

    Attributes:
        path: Where in the resource, such as `spec.template.spec.containers[0].image`; empty for the resource itself.
        message: What is wrong, without a final stop.
        source: Which kind of validation found it.
    """

    path: str
    message: str
    source: ProblemSource = "schema"


@dataclass(frozen=True, slots=True)
class SchemaVerdict:
    """Whether a resource is legal.

    Attributes:
        status: `valid`; `invalid` with problems; `no-schema` when its kind is unknown here.
        problems: What the API server would refuse.
        rules_checked: Whether they were evaluated; False means that they were not checked.
    """

    status: Literal["valid", "invalid", "no-schema"]
    problems: tuple[SchemaProblem, ...] = ()
    rules_checked: bool = False


@dataclass(frozen=True, slots=True)
class Resource:
    """One rendered resource.

    Attributes:
        value: The manifest as plain values.
        origin: File that it was read from, or the kustomization that generated it; relative to the repository.
        transformed_by: Kustomizations that Kustomize applied to it: candidates, since Kustomize lists a patch on
            resources that it never touched. Of a chart's resources, the files of values that the chart was given.
        verdict: Set once schemas were consulted.
        chart: Chart that it was rendered from, with its version; empty for what Kustomize rendered. Its `origin` is
            then the last file of values in the repository.
        generated_by: ApplicationSet that Argo CD makes it by; its `origin` is then the ApplicationSet's.
    """

    value: dict[str, Any]
    origin: str | None = None
    transformed_by: tuple[str, ...] = ()
    verdict: SchemaVerdict | None = None
    chart: str = ""
    generated_by: str = ""


@dataclass(frozen=True, slots=True)
class RenderError:
    """Why a target could not be built.

    Attributes:
        kind: `missing`, `remote`, `outside`, `cycle`, `malformed`, `executes`, `depth`, `build`, `timeout` or `crash`.
        message: Ours, not Kustomize's.
        at: Where to look.
        fix: The remedy, when there is one to name.
    """

    kind: str
    message: str
    at: Address
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Rendering:
    """What one target renders to.

    Attributes:
        target: Folder, relative to the repository.
        resources: In Kustomize's order; empty when there are errors.
        errors: Why there are none.
        cached: Whether it came from the cache.
    """

    target: str
    resources: tuple[Resource, ...] = ()
    errors: tuple[RenderError, ...] = ()
    cached: bool = False


Progress = Callable[[int, int], None]


class Renderer(Protocol):
    """A backend: the `processes` reference or the `library` renderer; they agree on every resource."""

    name: str
    """`processes` or `library`."""
    validates: bool
    """Whether its resources carry verdicts."""

    @property
    def identity(self) -> str:
        """What decides its output besides the inputs, for cache keys."""
        ...

    def start(self, repository: Repository) -> None:
        """Get ready for targets of a repository, which is not changed before `close`."""
        ...

    def close(self) -> None:
        """Give back what `start` took."""
        ...

    def render(self, repository: Repository, targets: Sequence[str]) -> Iterator[Rendering]:
        """Yield one rendering per target, in any order; a bad target costs that target only."""
        ...


@dataclass(frozen=True, slots=True)
class Identity:
    """The name under which an API server knows a resource."""

    api_version: str
    kind: str
    name: str
    namespace: str = field(default="")

    @classmethod
    def of(cls, value: dict[str, Any]) -> Identity:
        """Return the identity of a manifest; missing fields are empty."""
        metadata = value.get("metadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        return cls(
            str(value.get("apiVersion") or ""),
            str(value.get("kind") or ""),
            str(metadata.get("name") or metadata.get("generateName") or ""),
            str(metadata.get("namespace") or ""),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"
