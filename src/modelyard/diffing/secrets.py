"""What a comparison shows: names and what else changes, but no value that is a secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from modelyard.diffing.model import ABSENT, ApplicationChange, Comparison, FieldChange, ResourceChange, SettingChange
from modelyard.findings import HIDDEN, NotChecked, hides, source_without_secrets, without_secrets

ANOTHER = "(hidden, another value)"
_FIELDS = ("data", "stringData")
_STEP = re.compile(r"\[([^\]]*)\]|([^.\[\]]+)")
_OF_A_NAMED_ENTRY = frozenset({"value"})


def hide_secrets(comparison: Comparison) -> None:
    """Hide every secret of a comparison in place, before any format writes it."""
    for environment in comparison.environments:
        environment.facts = [_field(each) for each in environment.facts]
        environment.resources = [_resource(each) for each in environment.resources]
        environment.not_compared = [_gap(each) for each in environment.not_compared]
        for application in environment.applications:
            _application(application)


def _application(application: ApplicationChange) -> None:
    application.resources = [_resource(each) for each in application.resources]
    application.settings = [_setting(each) for each in application.settings]
    if application.engine is not None:
        defaults = tuple(_setting(each) for each in application.engine.defaults)
        application.engine = replace(application.engine, defaults=defaults)


def _resource(change: ResourceChange) -> ResourceChange:
    fields: Iterable[FieldChange] = change.fields
    fields = _of_secret(fields) if change.resource_kind == "Secret" else map(_field, fields)
    manifest = None if change.manifest is None else without_secrets(change.manifest)
    return replace(change, fields=tuple(fields), manifest=manifest)


def _gap(gap: NotChecked) -> NotChecked:
    return replace(gap, reason=source_without_secrets(gap.reason))


def _setting(change: SettingChange) -> SettingChange:
    before, after = _values(change.flag, change.before, change.after)
    return replace(change, before=before, after=after)


def _field(change: FieldChange) -> FieldChange:
    """Return a change of a field whose value is hidden where its path names a secret, and without secrets in it."""
    if change.lines:
        text = source_without_secrets("\n".join(change.lines))
        names = _names(change.path)
        if any(hides(name, text) for name in names[-1:]):
            return FieldChange(change.path, HIDDEN, ANOTHER)
        return replace(change, lines=tuple(text.split("\n")))
    before, after = change.before, change.after
    for name in _names(change.path):
        if any(hides(name, value) for value in (before, after)):
            return FieldChange(change.path, *_pair(before, after))
    name = (_names(change.path) or [""])[-1]
    before, after = _values(name, before, after)
    return replace(change, before=before, after=after)


def _names(path: str) -> list[str]:
    """Return what may name a value at the end of a path: the last step, and the entry of a list that it is in."""
    steps = [found[0] or found[1] for found in _STEP.findall(path)]
    return steps[-2:] if steps[-1:] and steps[-1] in _OF_A_NAMED_ENTRY else steps[-1:]


def _values(name: str, before: Any, after: Any) -> tuple[Any, Any]:
    if any(hides(name, value) for value in (before, after)):
        return _pair(before, after)
    return (
        before if before is ABSENT else without_secrets(before, name),
        after if after is ABSENT else without_secrets(after, name),
    )


def _pair(before: Any, after: Any) -> tuple[Any, Any]:
    old = before if before is ABSENT else HIDDEN
    return old, after if after is ABSENT else ANOTHER if old is not ABSENT else HIDDEN


def _of_secret(changes: Iterable[FieldChange]) -> Iterator[FieldChange]:
    """Yield the changes of a Secret without its values."""
    for change in changes:
        if change.path.partition(".")[0].partition("[")[0] not in _FIELDS:
            yield _field(change)
        elif change.lines:
            yield FieldChange(change.path, HIDDEN, ANOTHER)
        else:
            yield FieldChange(change.path, *_pair(change.before, change.after))
