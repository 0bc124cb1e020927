"""Flags that the engine does not have."""

from collections.abc import Iterator

from modelyard.catalog import engine, engine_versions, removal
from modelyard.findings import Finding, NotChecked, error, warning
from modelyard.repository import FileAddress
from modelyard.rules import rule
from modelyard.rules.removed import Place, in_its_place, went
from modelyard.rules.wording import nearest
from modelyard.view import Environment, ServedModel, Setting


@rule("settings/unknown-flag", error, since="0.1.0")
def unknown_flag(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The engine exits at start-up on a flag that its version does not have."""
    for model in environment.models:
        version = model.engine_version
        core = model.engine.core
        keys = model.engine.settings_keys.get(version or "")
        if keys is not None:
            yield from _unread_keys(model, keys)
            continue
        known = engine(core, version) if version else None
        if known is None:
            reason = f"flags of {core} {version} are not in the catalogue" if version else "its version is unknown"
            yield NotChecked(model, reason)
            continue
        for setting in model.settings.all:
            if setting.name == "config" or known.flag(f"--{setting.name}") is not None:
                continue
            gone = removal(known.name, known.version, setting.name)
            before = "" if gone else _last_version_with(setting.name, known.name, known.version)
            near = known.nearest_flag(setting.name)
            off = setting.value is False or (gone is not None and setting.name != gone.name)
            replacement = in_its_place(gone, _place(setting), off=off)
            yield Finding(
                at=setting.name_at,
                message=f"{model.name} sets {_written(setting)}, which {known.name} {known.version} does not have"
                + (f"; {before} had it" if before else went(gone)),
                fix=replacement or _remedy(near, gone=bool(before or gone)),
            )


def _unread_keys(model: ServedModel, keys: frozenset[str]) -> Iterator[Finding]:
    """Yield keys of a settings file that the engine passes over."""
    for setting in model.settings.all:
        key = setting.name.partition(".")[0]
        if key not in keys:
            yield Finding(
                at=setting.name_at,
                message=f"{model.name} sets {key}, which {model.engine.core} {model.engine_version} does not read",
                fix=_remedy(nearest(key, keys), gone=False),
                severity=warning,
            )


def _place(setting: Setting) -> Place:
    # Ray and Triton take the engine's arguments by the names of their fields.
    at = setting.at
    return "fields" if isinstance(at, FileAddress) and "_" in str(at.path[-1]) else setting.source


def _written(setting: Setting) -> str:
    return setting.name.replace("-", "_") if _place(setting) == "fields" else setting.name


def _remedy(near: str, *, gone: bool) -> str:
    # What is spelt like a flag that is gone need not do what that did.
    if gone:
        return f"remove it, or check whether {near} replaces it" if near else "remove it"
    return f"write {near}, or remove it" if near else "remove it"


def _last_version_with(name: str, engine_name: str, version: str) -> str:
    """Return the newest version in the catalogue, older than this one, that has a flag; empty when none has."""
    versions = list(engine_versions(engine_name))
    for older in reversed(versions[: versions.index(version)]):
        found = engine(engine_name, older)
        if found is not None and found.flag(f"--{name}") is not None:
            return older
    return ""
