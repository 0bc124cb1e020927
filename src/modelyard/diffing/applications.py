"""What changes in one Application."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from modelyard.diffing.definitions import KIND as DEFINITION
from modelyard.diffing.definitions import definition_fields, definition_hazards
from modelyard.diffing.engines import engine_change, engine_hazards, setting_changes
from modelyard.diffing.hazards import (
    application_removed,
    drift,
    resource_removed,
    scaling,
    stale_settings,
)
from modelyard.diffing.immutable import immutable_fields
from modelyard.diffing.matching import Item, Key, items, renames, same_under_another_name
from modelyard.diffing.model import ORDER, ApplicationChange, FieldChange, Hazard, Kind, ResourceChange
from modelyard.diffing.restarts import restart
from modelyard.diffing.scaling import replicas
from modelyard.diffing.values import differences, equal
from modelyard.findings import Severity
from modelyard.view import Application, Environment, Manifest, ServedModel, Workload, workload

_CONFIGURATION = ("ConfigMap", "Secret")


@dataclass(frozen=True)
class Held:
    """An Application of one side with its resources ready to be compared."""

    application: Application
    environment: Environment

    @property
    def name(self) -> str:
        """Return the Application's name."""
        return self.application.name

    @cached_property
    def items(self) -> dict[Key, Item]:
        """Return its resources by identity."""
        return items(self.application.resources, self.application.namespace)

    @cached_property
    def stub(self) -> Item:
        """Return the Application itself."""
        return next(iter(items([self.application.manifest], "").values()))

    @cached_property
    def workloads(self) -> dict[Key, Workload]:
        """Return what makes pods, by identity."""
        return {key: found for key, item in self.items.items() if (found := workload(item.manifest)) is not None}

    @cached_property
    def model(self) -> ServedModel | None:
        """Return the model that it serves, if any."""
        return next((model for model in self.environment.models if model.application.name == self.name), None)


def added(head: Held) -> ApplicationChange:
    """Return what a new Application brings."""
    change = _change(head, Kind.ADDED)
    change.settings = setting_changes(None, head.model)
    change.resources = [_added(head.stub), *(_added(item) for item in head.items.values())]
    change.scale = _scale(head)
    return change


def removed(base: Held) -> ApplicationChange:
    """Return what goes with an Application."""
    change = _change(base, Kind.REMOVED)
    change.scale = _scale(base)
    change.hazards.append(application_removed(base.application))
    for item in base.items.values():
        change.hazards += resource_removed(item, base.application, pruned=False)
    change.resources = [_removed(base.stub), *(_removed(item) for item in base.items.values())]
    return change


def renamed(base: Held, head: Held) -> ApplicationChange:
    """Return what it means that an Application has another name: everything of it is deleted and made anew."""
    change = _change(head, Kind.RENAMED)
    change.name_before = base.name
    change.settings = setting_changes(base.model, head.model)
    change.hazards.append(
        Hazard(
            "rename",
            Severity.WARNING,
            f"{base.name} becomes {head.name}: Argo CD deletes the objects of {base.name} and makes those "
            f"of {head.name}, so there is a gap in serving and clients need the new name",
        )
    )
    change.hazards.append(application_removed(base.application))
    for item in base.items.values():
        change.hazards += resource_removed(item, base.application, pruned=False)
    change.resources = [
        ResourceChange(
            Kind.RENAMED, "Application", head.name, head.stub.manifest.namespace, name_before=base.name, fields=()
        ),
        *(_removed(item) for item in base.items.values()),
        *(_added(item) for item in head.items.values()),
    ]
    return change


def changed(base: Held, head: Held) -> ApplicationChange | None:
    """Return what differs between two sides of an Application; None when nothing does."""
    change = _change(head, Kind.CHANGED)
    before, after = base.items, head.items
    gone = [item for key, item in before.items() if key not in after]
    come = [item for key, item in after.items() if key not in before]
    for old, new in list(renames(gone, come)):
        gone.remove(old)
        come.remove(new)
        change.resources.append(_renamed(old, new))
        change.hazards += resource_removed(old, base.application)
    for item in gone:
        change.resources.append(_removed(item))
        change.hazards += resource_removed(item, base.application)
    stub = _changed(base.stub, head.stub)
    if stub is not None:
        change.resources.append(stub)
    reloaded = _reloaded(before, after)
    for key in before:
        if key in after:
            _compare(change, base, head, key, reloaded)
    change.resources += [_added(item) for item in come]
    change.hazards += stale_settings(
        _fixed_configuration(before),
        _fixed_configuration(after),
        {each.workload for each in change.restarts},
        list(head.workloads.values()),
    )
    if base.model is not None or head.model is not None:
        change.settings = setting_changes(base.model, head.model)
    if base.model is not None and head.model is not None:
        change.engine = engine_change(base.model, head.model)
        if change.engine is not None:
            change.hazards += engine_hazards(change.engine, head.model)
    change.resources.sort(key=lambda resource: ORDER[resource.kind])
    change.hazards.sort(key=lambda hazard: -hazard.severity)
    return change if change.resources or change.hazards or change.restarts else None


def loose_resources(before: Sequence[Manifest], after: Sequence[Manifest]) -> Iterator[ResourceChange]:
    """Yield what differs among resources that belong to no Application: projects, and what install.sh applies."""
    old, new = items(before, ""), items(after, "")
    yield from (_removed(item) for key, item in old.items() if key not in new)
    for key, item in old.items():
        if key in new and (found := _changed(item, new[key])) is not None:
            yield found
    yield from (_added(item) for key, item in new.items() if key not in old)


def same_application(base: Held, head: Held) -> bool:
    """Return whether an Application that vanishes and one that appears are one under two names."""
    if base.application.target is not None and base.application.target == head.application.target:
        return True
    return same_under_another_name(base.items, base.name, head.items, head.name)


def _change(held: Held, kind: Kind) -> ApplicationChange:
    model = held.model
    return ApplicationChange(
        held.name, kind, held.application.is_model, served=model.settings.model if model is not None else ""
    )


def _compare(change: ApplicationChange, base: Held, head: Held, key: Key, reloaded: dict[str, str]) -> None:
    old, new = base.items[key], head.items[key]
    found = _changed(old, new)
    if found is not None:
        change.resources.append(found)
        change.hazards += immutable_fields(old, new)
        change.hazards += drift(old, new)
        if new.manifest.kind == DEFINITION:
            change.hazards += definition_hazards(old, new)
    first, second = base.workloads.get(key), head.workloads.get(key)
    if first is None or second is None:
        return
    change.hazards += scaling(first, second, base.application.resources, head.application.resources)
    replaced = restart(old, new, first, second, head.application.resources, reloaded)
    if replaced is not None:
        change.restarts.append(replaced)


def _reloaded(before: dict[Key, Item], after: dict[Key, Item]) -> dict[str, str]:
    """Return the hashed names whose content changed, with the name that people know."""
    return {
        item.manifest.name: f"{item.manifest.kind} {item.name}"
        for key, item in after.items()
        if item.hashed and (key not in before or before[key].manifest.name != item.manifest.name)
    }


def _fixed_configuration(held: dict[Key, Item]) -> dict[str, Item]:
    return {
        f"{item.manifest.kind} {item.name}": item
        for item in held.values()
        if item.manifest.kind in _CONFIGURATION and not item.hashed
    }


def _changed(old: Item, new: Item) -> ResourceChange | None:
    if equal(old.value, new.value):
        return None
    if new.manifest.kind == DEFINITION:
        fields = tuple(definition_fields(old, new)) or (
            FieldChange("", "", "descriptions or validation of the same fields"),
        )
    else:
        fields = tuple(differences(old.value, new.value))
    return _resource(new, Kind.CHANGED, fields=fields) if fields else None


def _renamed(old: Item, new: Item) -> ResourceChange:
    name_before = old.name if old.name != new.name else f"{old.name} in {old.key[2] or 'no namespace'}"
    return _resource(new, Kind.RENAMED, name_before=name_before)


def _added(item: Item) -> ResourceChange:
    return _resource(item, Kind.ADDED, manifest=item.value)


def _removed(item: Item) -> ResourceChange:
    return _resource(item, Kind.REMOVED)


def _resource(item: Item, kind: Kind, **more: object) -> ResourceChange:
    return ResourceChange(
        kind,
        item.manifest.kind,
        item.name,
        item.key[2],
        item.manifest.identity.api_version,
        **more,  # type: ignore[arg-type]
    )


def _scale(held: Held) -> str:
    """Return how many replicas of how many devices a model has, in words; empty for other Applications."""
    if held.model is None:
        return ""
    count = replicas(held.model.workload, held.application.resources)
    devices = sum(held.model.template.accelerators.values())
    noun = "replica" if count.least == count.most == 1 else "replicas"
    names = "/".join(name.rpartition("/")[2] for name in held.model.template.accelerators)
    each = "" if count.most == 1 else " each"
    on = f" on {devices} {names}{each}" if devices else ""
    return f"{count} {noun}{on}"
