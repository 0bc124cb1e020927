"""The parts of the graph: objects, what they define, what they say of each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from modelyard.findings import Address
from modelyard.rendering import Path


class Addressable(Protocol):
    """What knows where its values are written: a rendered resource, the values of a chart, a block of Terraform."""

    def at(self, path: Path, /) -> Address:
        """Return the address of a value."""


class ObjectRef(NamedTuple):
    """An object, or a part of one, by name.

    Attributes:
        kind: A Kubernetes kind, a type of Terraform such as `aws_iam_role`, or a word for something else.
        name: Its name.
        namespace: Its namespace; empty for what has none.
        part: A key, a port or a label of it; empty for the whole.
    """

    kind: str
    name: str
    namespace: str = ""
    part: str = ""

    @property
    def whole(self) -> ObjectRef:
        """Return the object that this is a part of."""
        return ObjectRef(self.kind, self.name, self.namespace) if self.part else self

    def is_called(self, words: str) -> bool:
        """Return whether `name`, `kind/name` or `kind/namespace/name` means this object; case counts in names only."""
        *above, last = words.split("/")
        kind, namespace = (above[0] if above else "", above[1] if len(above) > 1 else "")
        if words in (self.name, f"{self.kind}/{self.name}"):
            return True
        same_kind = not kind or kind.lower() == self.kind.lower()
        return same_kind and last == self.name and (not namespace or namespace == self.namespace) and len(above) < 3

    def __str__(self) -> str:
        name = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {name}{f' ({self.part})' if self.part else ''}"


class End(NamedTuple):
    """One end of an edge.

    Attributes:
        node: The object.
        holder: What it is written in; None for what every cluster has.
        path: Where in it.
    """

    node: ObjectRef
    holder: Addressable | None = None
    path: Path = ()

    @property
    def at(self) -> Address | None:
        """Return where it is written; None for what every cluster has."""
        return self.holder.at(self.path) if self.holder is not None else None


class Definition(NamedTuple):
    """Something that others may name or select.

    Attributes:
        end: What is defined, and where.
        labels: What selectors look at; None for what is not selected.
        open: Whether it has parts that no file shows.
        selected_as: The kind that selectors call it, where that is another: a Deployment is selected as `Pod`.
    """

    end: End
    labels: Mapping[str, Any] | None = None
    open: bool = False
    selected_as: str = ""


class Selection(NamedTuple):
    """A choice by labels, or by tags.

    Attributes:
        kind: Kind of what is chosen.
        namespaces: Where it is looked for; None for everywhere.
        selector: `matchLabels` and `matchExpressions`.
        written: The labels in words.
    """

    kind: str
    namespaces: tuple[str, ...] | None
    selector: Mapping[str, Any]
    written: str

    @property
    def node(self) -> ObjectRef:
        """Return what is looked for, as something to show."""
        return ObjectRef(self.kind, self.written or "any", (self.namespaces or ("",))[0])


class Lookup(Protocol):
    """What is defined, as a choice may ask for it."""

    def named(self, node: ObjectRef, /) -> Sequence[End]:
        """Return what carries a name."""

    def selected(self, selection: Selection, /) -> tuple[End, ...]:
        """Return what a selection chooses."""


class Choice(NamedTuple):
    """A choice by a rule of its own, such as which pools can meet a demand.

    Attributes:
        node: What is looked for, as something to show.
        choose: Returns what is chosen; asked once for each node.
    """

    node: ObjectRef
    choose: Callable[[Lookup], Iterable[End]]


class Reference(NamedTuple):
    """What one object says of another, before anyone looked for the other.

    Attributes:
        relation: The verb: `mounts`, `selects`, `scales`.
        source: Who says it, and where.
        wanted: Whom it names or chooses.
        optional: Whether nothing breaks when the other is missing.
        slot: What the reference fills; of several that fill the same slot of an object, the last one holds.
        single: Whether only one object may answer.
        elsewhere: Why the other may be somewhere that no file shows; empty when its namespace decides.
    """

    relation: str
    source: End
    wanted: ObjectRef | Selection | Choice
    optional: bool = False
    slot: str = ""
    single: bool = False
    elsewhere: str = ""


class State(StrEnum):
    """What became of a reference."""

    RESOLVED = "resolved"
    DANGLING = "dangling"
    AMBIGUOUS = "ambiguous"
    SHADOWED = "shadowed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """A reference with what it leads to.

    Attributes:
        reference: What was said.
        targets: What was found; empty for a dangling one.
        state: What became of it.
        reason: Why it is dangling, ambiguous, shadowed or unknown; empty for a resolved one.
    """

    reference: Reference
    targets: tuple[End, ...]
    state: State
    reason: str = ""

    @property
    def relation(self) -> str:
        """Return the verb."""
        return self.reference.relation

    @property
    def source(self) -> End:
        """Return who says it."""
        return self.reference.source

    @property
    def wanted(self) -> ObjectRef:
        """Return whom it names, found or not."""
        wanted = self.reference.wanted
        return wanted if isinstance(wanted, ObjectRef) else wanted.node

    @property
    def reached(self) -> tuple[ObjectRef, ...]:
        """Return the objects that it leads to, once each; what it names where it leads nowhere."""
        return tuple(dict.fromkeys(each.node.whole for each in self.targets)) or (self.wanted.whole,)

    @property
    def is_broken(self) -> bool:
        """Return whether it leads nowhere where it must lead somewhere, to several, or is hidden by another."""
        if self.state == State.DANGLING:
            return not self.reference.optional
        return self.state in (State.AMBIGUOUS, State.SHADOWED)

    def __str__(self) -> str:
        return f"{self.source.node} {self.relation} {self.wanted}"
