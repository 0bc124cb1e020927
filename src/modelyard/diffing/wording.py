"""Changes in words, for every output alike; nothing here is escaped yet, and no credential is left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import yaml

from modelyard.diffing.model import (
    ABSENT,
    ApplicationChange,
    Comparison,
    EngineChange,
    EnvironmentChange,
    FieldChange,
    Kind,
    ResourceChange,
    Restart,
)
from modelyard.findings import without_credentials
from modelyard.reporting import listed
from modelyard.wording import counted

ARROW = " → "
_MOST_SETTINGS = 4
_MOST_FLAGS = 8
_LONGEST_VALUE = 240
_MOST_MANIFEST_LINES = 400


def summary(change: EnvironmentChange) -> str:
    """Return what happens to the Applications of an environment, such as `1 model added, nothing removed`."""
    if change.kind is Kind.REMOVED:
        return "the environment is removed"
    lead = {Kind.ADDED: "new environment, ", Kind.RENAMED: f"renamed from {change.name_before}, "}.get(
        change.kind or Kind.CHANGED, ""
    )
    models = [each for each in change.applications if each.model]
    others = [each for each in change.applications if not each.model]
    parts: list[str] = []
    for kind, word in ((Kind.ADDED, "added"), (Kind.CHANGED, "changed"), (Kind.RENAMED, "renamed")):
        number = sum(each.kind is kind for each in models)
        if number:
            parts.append(f"{counted(number, 'model')} {word}" if not parts else f"{number:,} {word}")
    if others:
        parts.append(f"{counted(len(others), 'platform Application')} changed")
    gone = [each for each in change.applications if each.kind is Kind.REMOVED]
    if any(each.model for each in gone):
        parts.insert(0, f"{counted(sum(each.model for each in gone), 'model')} removed")
    elif parts and not gone:
        parts.append("nothing removed")
    if not parts:
        said = change.facts or change.resources or change.hazards
        parts.append("settings of the environment change" if said else "nothing changes in the cluster")
    return lead + ", ".join(parts)


def told(change: ApplicationChange) -> str:
    """Return what happens to one Application, in a few words."""
    if change.kind is Kind.ADDED:
        return f"new, {change.scale}" if change.scale else "new"
    if change.kind is Kind.REMOVED:
        return f"removed ({change.scale})" if change.scale else "removed"
    parts = [f"renamed from {change.name_before}"] if change.kind is Kind.RENAMED else []
    if change.engine:
        parts.append(f"{change.engine.engine} {change.engine.before}{ARROW}{change.engine.after}")
    settings = [f"{each.flag} {value(each.before)}{ARROW}{value(each.after)}" for each in change.settings]
    parts += settings[:_MOST_SETTINGS]
    if len(settings) > _MOST_SETTINGS:
        parts.append(f"{len(settings) - _MOST_SETTINGS} more settings")
    if not parts:
        parts = [f"{each.resource_kind} {each.kind}" for each in change.resources]
        parts = [listed(list(dict.fromkeys(parts)))] if parts else ["does not render"]
    return ", ".join(parts)


def value(found: Any) -> str:
    """Return a value on one line."""
    if found is ABSENT:
        return "(none)"
    if isinstance(found, str):
        text = found if found else "(empty)"
    elif isinstance(found, dict | list):
        text = json.dumps(found, ensure_ascii=False, default=str)
    else:
        text = json.dumps(found, default=str)
    text = without_credentials(text)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}… ({len(text):,} characters)"


def restarted(restart: Restart) -> str:
    """Return which pods are replaced, how many at once, what that takes and why."""
    parts = [restart.pace]
    parts += [f"{amount} more {name} meanwhile" for name, amount in restart.extra_devices.items()]
    if restart.starting_seconds:
        parts.append(f"up to {_minutes(restart.starting_seconds)} to start")
    cause = f". Cause: {listed(list(restart.reasons), most=4)}" if restart.reasons else ""
    return f"{restart.pods} ({'; '.join(parts)}){cause}"


def _minutes(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{seconds} s" if not minutes else f"{minutes} min {rest} s" if rest else f"{minutes} min"


def engine_lines(change: EngineChange) -> Iterator[str]:
    """Yield which flags go and come with another version of the engine, and which defaults differ."""
    if change.unknown:
        return
    version = f"{change.engine} {change.after}"
    if change.gone:
        yield f"{version} drops {listed(list(change.gone), most=_MOST_FLAGS)}, which this model does not set"
    if change.new:
        yield f"{version} brings {listed(list(change.new), most=_MOST_FLAGS)}"
    if change.defaults:
        said = [f"{each.flag} {value(each.before)}{ARROW}{value(each.after)}" for each in change.defaults]
        yield f"{version} has other defaults for what this model leaves open: {listed(said, most=_MOST_FLAGS)}"


def resource_title(change: ResourceChange) -> str:
    """Return kind, name and what happens, such as `Deployment chat (changed)`."""
    said = f"renamed from {change.name_before}" if change.kind is Kind.RENAMED and change.name_before else change.kind
    return f"{change.resource_kind} {change.name} ({said})"


def resource_lines(change: ResourceChange) -> Iterator[tuple[str, str]]:
    """Yield the content of a resource's change: a sign (`-`, `+`, or a space) and a line."""
    for each in change.fields:
        yield from _field_lines(each)
    if change.manifest is not None:
        lines = _written(change.manifest).splitlines()
        for line in lines[:_MOST_MANIFEST_LINES]:
            yield "+", without_credentials(line)
        if len(lines) > _MOST_MANIFEST_LINES:
            yield "+", f"… {len(lines) - _MOST_MANIFEST_LINES:,} more lines"


def _field_lines(change: FieldChange) -> Iterator[tuple[str, str]]:
    if change.lines:
        yield " ", f"{change.path}:"
        for line in change.lines:
            sign = line[:1] if line[:1] in "-+" else " "
            yield sign, f"  {without_credentials(line[2:])}"
        return
    lead = f"{change.path}: " if change.path else ""
    if change.before is not ABSENT and change.before != "":
        yield "-", f"{lead}{value(change.before)}"
    if change.after is not ABSENT:
        yield "+", f"{lead}{value(change.after)}"


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks, and no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, data: str) -> yaml.ScalarNode:
    style = "|" if "\n" in data else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _text)


def _written(manifest: dict[str, Any]) -> str:
    return yaml.dump(manifest, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)


def closing(comparison: Comparison) -> str:
    """Return what was compared, how much of it changes, and how long it took."""
    concerned = [each for each in comparison.environments if each.differs]
    applications = sum(len(each.applications) for each in concerned)
    if not concerned:
        return f"nothing changes in any cluster between {comparison.base} and {comparison.head}"
    gaps = sum(len(each.not_compared) for each in concerned)
    said = f"{counted(applications, 'Application')} in {counted(len(concerned), 'environment')} between "
    said += f"{comparison.base} and {comparison.head}"
    return f"{said}, {gaps:,} not compared" if gaps else said
