"""What a comparison of two commits yields."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from modelyard.findings import Finding, NotChecked, Severity

ABSENT: Any = type("Absent", (), {"__repr__": lambda self: "ABSENT", "__bool__": lambda self: False})()
"""Stands for a value that a side does not have; null is a value."""


class Kind(StrEnum):
    """What happened to an environment, an Application or a resource."""

    REMOVED = "removed"
    RENAMED = "renamed"
    CHANGED = "changed"
    ADDED = "added"


ORDER = {kind: rank for rank, kind in enumerate(Kind)}
"""Deletions and renames come first: they are what cannot be undone."""

FAILING = frozenset({"render", "immutable", "kubernetes", "fit"})
"""Topics of hazards that fail a comparison when they are errors."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One value that differs.

    Attributes:
        path: Where, such as `spec.template.spec.containers[vllm].image`; list items by what identifies them.
        before: The value on the base side; `ABSENT` where it has none.
        after: The value on the head side; `ABSENT` where it has none.
        lines: For texts of several lines, the lines that differ with `-` or `+` before them; the values are empty then.
    """

    path: str
    before: Any = ABSENT
    after: Any = ABSENT
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """One resource that is added, removed, renamed or changed.

    Attributes:
        kind: What happened.
        resource_kind: Its Kubernetes kind.
        name: Its name on the head side, without the hash of a generated name; the base side's for a removed one.
        namespace: Its namespace; empty when the manifest leaves it to the Application.
        api_version: Group and version.
        name_before: Its name on the base side where that differs.
        fields: What differs; empty for removed ones.
        manifest: The manifest of an added one, secrets hidden.
    """

    kind: Kind
    resource_kind: str
    name: str
    namespace: str = ""
    api_version: str = ""
    name_before: str = ""
    fields: tuple[FieldChange, ...] = ()
    manifest: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Hazard:
    """A consequence that a reviewer should know before merging.

    Attributes:
        topic: `deletion`, `rename`, `immutable`, `replicas`, `definitions`, `drift`, `engine`, `stale`,
            `fit`, `objectives`, `kubernetes` or `render`.
        severity: How bad it is.
        message: The consequence, in one sentence without a final stop.
    """

    topic: str
    severity: Severity
    message: str


@dataclass(frozen=True, slots=True)
class Restart:
    """Pods that are replaced because their template changed.

    Attributes:
        workload: Kind and name.
        pods: How many, such as `2 pods` or `1 to 4 pods`.
        pace: How many at once, such as `one at a time`.
        extra_devices: Devices on top of those in use while pods are replaced, by resource.
        starting_seconds: Longest time that a new pod's startup probe allows it; None without such a probe.
        reasons: The parts of the template that changed.
        number: Fewest and most pods that are replaced of their own accord; None where the manifests do not say it.
    """

    workload: str
    pods: str
    pace: str
    extra_devices: dict[str, int] = field(default_factory=dict)
    starting_seconds: int | None = None
    reasons: tuple[str, ...] = ()
    number: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """How the memory of one rank is spent on the device where a model fits worst.

    Attributes:
        device: The device, such as `A10G`.
        total_gib: Its memory, in GiB.
        parts: What takes how much of it, in GiB; a cache that has no room is negative.
    """

    device: str
    total_gib: float
    parts: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MonthlyCost:
    """What something costs in a month of 730 hours, in USD, from fewest replicas to most.

    Attributes:
        before: Least and most on the base side; None where it is not known.
        after: Least and most on the head side; None where it is not known.
        unknown: Why no difference can be given; empty when it can.
        unpriced: What has no known price on either side and is in no figure.
        prices: Which prices the figures rest on.
    """

    before: tuple[float, float] | None = None
    after: tuple[float, float] | None = None
    unknown: str = ""
    unpriced: tuple[str, ...] = ()
    prices: str = ""

    @property
    def difference(self) -> tuple[float, float] | None:
        """Return by how much both ends differ, the smaller first; None where it is not known."""
        if self.before is None or self.after is None or self.unknown:
            return None
        ends = [after - before for before, after in zip(self.before, self.after, strict=True)]
        return min(ends), max(ends)


@dataclass(frozen=True, slots=True)
class SettingChange:
    """One flag of an engine whose effective value differs; `ABSENT` where it is not set."""

    flag: str
    before: Any = ABSENT
    after: Any = ABSENT


@dataclass(frozen=True, slots=True)
class EngineChange:
    """Another version of an engine.

    Attributes:
        engine: Such as `vllm`.
        before: Version on the base side.
        after: Version on the head side.
        gone_in_use: Flags and variables that the model sets and the new version does not know.
        gone: Other flags that the new version does not know.
        new: Flags that the old version did not know.
        defaults: Flags that the model does not set and whose default differs.
        unknown: Versions that the catalogue does not hold; nothing is said of flags then.
    """

    engine: str
    before: str
    after: str
    gone_in_use: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    defaults: tuple[SettingChange, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(slots=True)
class ApplicationChange:
    """One Application that is added, removed, renamed or changed.

    Attributes:
        name: Its name on the head side; the base side's for a removed one.
        kind: What happened.
        model: Whether it serves a model.
        name_before: Its name on the base side where that differs.
        served: What the model's settings load; empty for other Applications.
        resources: Its resources that differ, removed ones first; the Application itself is one.
        hazards: Consequences, worst first.
        restarts: Pods that are replaced.
        settings: Flags of the engine that differ.
        engine: Another version of the engine, if so.
        scale: How many replicas of how many devices an added or removed model has, in words.
        columns: Further columns of the summary, such as `fits`, with the text before and after.
        cost: What its share of the nodes costs; None when nobody asked, or for other Applications.
        memory: How it spends the memory of its worst device, before and after; None where a side does not know it.
    """

    name: str
    kind: Kind
    model: bool = False
    name_before: str = ""
    served: str = ""
    resources: list[ResourceChange] = field(default_factory=list)
    hazards: list[Hazard] = field(default_factory=list)
    restarts: list[Restart] = field(default_factory=list)
    settings: list[SettingChange] = field(default_factory=list)
    engine: EngineChange | None = None
    scale: str = ""
    columns: dict[str, tuple[str, str]] = field(default_factory=dict)
    cost: MonthlyCost | None = None
    memory: tuple[MemoryUse | None, MemoryUse | None] = (None, None)


@dataclass(frozen=True, slots=True)
class Reach:
    """A folder outside the environments that changed, and what it reaches in one environment.

    Attributes:
        folder: Such as `bases/serving/vllm`.
        applications: Applications that read a file of it that changed.
    """

    folder: str
    applications: tuple[str, ...]


@dataclass(slots=True)
class EnvironmentChange:
    """What changes in one environment.

    Attributes:
        name: Its name on the head side; the base side's for a removed one.
        kind: What happened; None when nothing differs.
        name_before: Its name on the base side where that differs.
        facts: Values of `environment.yaml` that differ.
        applications: What changes, removed and renamed first.
        resources: Resources of the app-of-apps and the bootstrap that differ, Applications left out.
        hazards: Consequences for the environment as a whole.
        reach: Changed folders outside the environments that it reads.
        unchanged: Applications that use a changed file; their manifests are identical.
        not_compared: What could not be compared, and why.
        new_findings: Findings that the base side does not have; None when nobody asked.
        gone_findings: Findings that the head side does not have any more.
        cost: What all of it costs; None when nobody asked.
        unscheduled_models: Models with pods that find no node on the head side, and did on the base side.
        unscheduled_others: Other Applications of which the same is true.
    """

    name: str
    kind: Kind | None = None
    name_before: str = ""
    facts: list[FieldChange] = field(default_factory=list)
    applications: list[ApplicationChange] = field(default_factory=list)
    resources: list[ResourceChange] = field(default_factory=list)
    hazards: list[Hazard] = field(default_factory=list)
    reach: list[Reach] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    not_compared: list[NotChecked] = field(default_factory=list)
    new_findings: list[Finding] | None = None
    gone_findings: list[Finding] = field(default_factory=list)
    cost: MonthlyCost | None = None
    unscheduled_models: list[str] = field(default_factory=list)
    unscheduled_others: list[str] = field(default_factory=list)

    @property
    def all_hazards(self) -> list[Hazard]:
        """Return the consequences for the environment and for its Applications."""
        return [*self.hazards, *(hazard for each in self.applications for hazard in each.hazards)]

    @property
    def differs(self) -> bool:
        """Return whether anything is to be told of it."""
        return bool(
            self.kind
            or self.facts
            or self.applications
            or self.resources
            or self.hazards
            or self.not_compared
            or self.new_findings
            or self.gone_findings
        )


@dataclass(slots=True)
class Comparison:
    """What changes between two sides of a repository.

    Attributes:
        base: How the base side was named.
        head: How the head side was named.
        base_commit: Its commit.
        head_commit: Its commit; empty for the working tree.
        environments: The environments that the change reaches, removed ones first.
        all_environments: Every environment of either side.
        rendered: Applications rendered or taken from the cache, both sides together.
        from_cache: Those that came from the cache.
        seconds: Wall time.
    """

    base: str
    head: str
    base_commit: str
    head_commit: str
    environments: list[EnvironmentChange] = field(default_factory=list)
    all_environments: tuple[str, ...] = ()
    rendered: int = 0
    from_cache: int = 0
    seconds: float = 0.0

    @property
    def incomplete(self) -> bool:
        """Return whether something was not compared that nobody accepted."""
        return any(not gap.accepted for each in self.environments for gap in each.not_compared)

    def fails(self, fail_on: Severity) -> bool:
        """Return whether the head side is broken where the base was not.

        It does not render, cannot be synced because a field cannot be changed, does not fit or finds no node, or has
        new findings.
        """
        return (
            any(
                (finding.severity or Severity.ERROR) >= fail_on
                for each in self.environments
                for finding in each.new_findings or ()
            )
            or any(
                hazard.topic in FAILING and hazard.severity >= fail_on
                for each in self.environments
                for hazard in each.all_hazards
            )
            or any(each.unscheduled_models or each.unscheduled_others for each in self.environments)
        )
