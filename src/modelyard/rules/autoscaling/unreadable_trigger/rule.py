"""Triggers that KEDA cannot make a scaler of."""

from collections.abc import Iterator

from modelyard.catalog.triggers import trigger_metadata, trigger_types
from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import nearest
from modelyard.view import Environment, mapping, numbered, text

_SCALED = ("ScaledObject", "ScaledJob")


@rule("autoscaling/unreadable-trigger", error, since="0.3.0")
def unreadable_trigger(environment: Environment) -> Iterator[Finding | NotChecked]:
    """One trigger of an unknown type, or without required metadata, stops KEDA from using any of the triggers."""
    for manifest in (each for kind in _SCALED for each in environment.of_kind(kind, "keda.sh")):
        if not environment.is_ours(manifest):
            continue
        for index, trigger in numbered(manifest.value, "spec", "triggers"):
            path = ("spec", "triggers", index)
            type_, told = text(trigger, "type"), mapping(trigger, "metadata")
            if type_ and type_ not in trigger_types():
                near = nearest(type_, trigger_types(), cutoff=0.8)
                if not near:
                    yield NotChecked(manifest, f"the trigger type {type_} is not in the catalogue")
                    continue
                yield Finding(
                    at=manifest.at((*path, "type")),
                    message=f"{manifest} has a trigger of type {type_}, which KEDA does not have",
                    fix=f"write {near}",
                )
            for name in trigger_metadata().get(type_, ()):
                if told.get(name) not in (None, ""):
                    continue
                near = nearest(name, told.keys() - set(trigger_metadata()[type_]), cutoff=0.8)
                yield Finding(
                    at=manifest.at((*path, "metadata", *([near] if near else []))),
                    message=f"the {type_} trigger of {manifest} has no {name}"
                    + (f", but has {near}, which KEDA does not read" if near else ""),
                    fix=f"write {name}" if near else f"set metadata.{name}",
                )
