"""What changes for a model's engine: its effective settings, its version, and the flags that go or come with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.catalog import Engine, Flag, engine
from modelyard.diffing.model import ABSENT, EngineChange, Hazard, SettingChange
from modelyard.findings import Severity
from modelyard.view import ServedModel, title_of
from modelyard.view.shapes import entries

_OWN_FLAG = "config"


def setting_changes(old: ServedModel | None, new: ServedModel | None) -> list[SettingChange]:
    """Return the flags whose effective value differs, in the order of the new settings."""
    before = _values(old)
    after = _values(new)
    return [
        SettingChange(flag, before.get(flag, ABSENT), after.get(flag, ABSENT))
        for flag in dict.fromkeys([*after, *before])
        if flag not in before or flag not in after or before[flag] != after[flag]
    ]


def _values(model: ServedModel | None) -> dict[str, Any]:
    if model is None:
        return {}
    return {flag: value for flag, value in model.settings.items() if flag != _OWN_FLAG}


def engine_change(old: ServedModel, new: ServedModel) -> EngineChange | None:
    """Return what another version of the engine means for a model; None where it stays."""
    before, after = old.engine_version, new.engine_version
    if before is None or after is None or before == after or old.engine.core != new.engine.core:
        return None
    first, second = engine(new.engine.core, before), engine(new.engine.core, after)
    if first is None or second is None:
        unknown = tuple(version for version, known in ((before, first), (after, second)) if known is None)
        return EngineChange(new.engine.core, before, after, unknown=unknown)
    used = dict.fromkeys(f"--{flag}" for flag in new.settings if _is_gone(flag, first, second))
    used |= dict.fromkeys(name for name in _variables(new) if name in first.environment - second.environment)
    gone = [f"--{flag}" for flag in first.flags if second.flag(flag) is None]
    return EngineChange(
        new.engine.core,
        before,
        after,
        gone_in_use=tuple(used),
        gone=tuple(flag for flag in gone if flag not in used),
        new=tuple(f"--{flag}" for flag in second.flags if first.flag(flag) is None),
        defaults=tuple(_defaults(first, second, new.settings)),
    )


def _is_gone(flag: str, first: Engine, second: Engine) -> bool:
    return first.flag(flag) is not None and second.flag(flag) is None


def _variables(model: ServedModel) -> Iterator[str]:
    for entry in entries(model.container.value, "env"):
        yield str(entry.get("name", ""))


def _defaults(first: Engine, second: Engine, settings: Mapping[str, Any]) -> Iterator[SettingChange]:
    said = {found.name for flag in settings if (found := second.flag(flag)) is not None}
    for name, flag in second.flags.items():
        old: Flag | None = first.flags.get(name)
        if old is None or name in said or old.default == flag.default or None in (old.default, flag.default):
            continue  # a default that a source does not state as a literal is unknown, not changed
        yield SettingChange(name, old.default, flag.default)


def engine_hazards(change: EngineChange, model: ServedModel) -> Iterator[Hazard]:
    """Yield what keeps the new version from starting."""
    for name in change.gone_in_use:
        yield Hazard(
            "engine",
            Severity.ERROR if name.startswith("--") else Severity.WARNING,
            f"{model.name} sets {name}, which {title_of(change.engine)} {change.after} does not know any more",
        )
    if change.unknown:
        yield Hazard(
            "engine",
            Severity.NOTE,
            f"the catalogue does not hold {title_of(change.engine)} {' and '.join(change.unknown)}, so flags that go "
            "or come are unknown",
        )
