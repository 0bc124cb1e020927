"""Changing the models of an environment: settings, features, name, removal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from modelyard.catalog import LONGEST_NAME, EngineBase, Flag, engine_versions, feature_problems
from modelyard.catalog import engine as engine_of_version
from modelyard.editing.changes import Changes, StagedFiles
from modelyard.editing.environment_folder import EnvironmentFiles, environment_files
from modelyard.editing.identity import require_name
from modelyard.editing.menu import Menu
from modelyard.editing.overlay_making import engine_version
from modelyard.editing.readiness import how_to_bring
from modelyard.editing.served import REPLICATED, Served, argument_paths
from modelyard.editing.splicing import Text
from modelyard.findings import UserError, is_secret
from modelyard.repository import ENVIRONMENTS
from modelyard.wording import nearest

SETTINGS = "modelyard.yaml"
SCALED_BY = ("scale-on-queue", "scale-on-latency", "scale-to-zero")
"""Features that decide the number of replicas; the first is the one to suggest."""

SIZES = {"replicas": "/spec/replicas", "min-replicas": "/spec/minReplicaCount", "max-replicas": "/spec/maxReplicaCount"}
"""Keys of `model set` that are no flags of the engine, and what they change."""

_IDENTITY = {
    "model": "choose another overlay with --overlay",
    "served-model-name": "rename it with `modelyard model rename`",
    "config": "its settings file belongs to the overlay",
    "host": "the base says where the engine listens",
    "port": "the base says where the engine listens",
}
"""Flags that an environment may not set, and what to do instead."""


@dataclass(frozen=True, slots=True)
class Row:
    """A model in a list.

    Attributes:
        environment: Its environment.
        name: Its name.
        model: The model's id; empty where its overlay does not say.
        overlay: Its overlay.
        engine: Folder of `bases/serving`; empty where its overlay does not say.
        devices: How many of which devices one replica has, such as `4 gpu`.
        features: Features that are on.
        settings: What the environment sets: sizes, and flags without dashes.
    """

    environment: str
    name: str
    model: str
    overlay: str
    engine: str
    devices: str
    features: tuple[str, ...]
    settings: Mapping[str, str]


def rows(changes: Changes, environments: Sequence[str] = ()) -> list[Row]:
    """Return the models of environments, all when none is named, by environment and name."""
    menu = Menu(StagedFiles(changes))
    for name in environments:
        environment_files(changes, name)
    found = []
    for name in environments or changes.files.under(ENVIRONMENTS):
        environment = EnvironmentFiles(changes, name)
        for model in environment.models:
            served = Served(environment, model, menu)
            overlay = served.overlay
            found.append(
                Row(
                    name,
                    model,
                    overlay.model if overlay else "",
                    served.overlay_name,
                    overlay.engine if overlay else "",
                    f"{overlay.devices} {overlay.accelerator}" if overlay else "",
                    served.features,
                    settings_of(served),
                )
            )
    return found


def settings_of(served: Served) -> dict[str, str]:
    """Return what an environment sets on a model: sizes, and flags without dashes."""
    sizes = {key: served.value_of(path) for key, path in SIZES.items()}
    flags = {flag: "true" if value is True else str(value) for flag, value in served.flags.items()}
    return {key: str(value) for key, value in sizes.items() if value is not None} | flags


def set_model(
    changes: Changes,
    environment: str,
    name: str,
    values: Mapping[str, str],
    unset: Sequence[str] = (),
    overlay: str = "",
) -> tuple[str, ...]:
    """Change sizes, flags and overlay of a model, and return what clients will notice, one sentence each.

    Args:
        changes: The edit.
        environment: The environment.
        name: The model.
        values: `replicas`, `min-replicas`, `max-replicas`, or flags of the engine without dashes.
        unset: Keys to leave to the overlay again.
        overlay: Another overlay; empty leaves it.

    Raises:
        UserError: There is no such model, key or overlay, or the engine does not take it.
    """
    files = environment_files(changes, environment)
    served = Served(files, name, Menu(StagedFiles(changes)))
    before = served.overlay
    if overlay:
        _switch(served, overlay)
    for key in unset:
        if key in values:
            raise UserError(f"{key} is both set and unset", fix="leave one")
        _unset(served, key)
    for key, value in values.items():
        if key in SIZES:
            _set_size(served, key, value)
        else:
            _set_flag(served, key.lstrip("-").replace("_", "-"), value)
    files.refresh_paths(name)
    after = served.overlay
    if before is not None and after is not None and before.model != after.model:
        return (f"{name} serves {after.model} now, and {before.model} no more; clients ask for the same name",)
    return ()


def switch_feature(
    changes: Changes, environment: str, name: str, feature: str, *, on: bool, values: Mapping[str, str] | None = None
) -> None:
    """Switch a feature of a model on or off; nothing changes where it is so already.

    Raises:
        UserError: There is no such feature, or the model cannot have it, or cannot be without it.
    """
    files = environment_files(changes, environment)
    menu = Menu(StagedFiles(changes))
    served = Served(files, name, menu)
    menu.require("feature", feature)
    if on == (feature in served.features):
        return
    engine = _engine(served)
    after = (*served.features, feature) if on else tuple(each for each in served.features if each != feature)
    before = feature_problems(served.features, menu.features, engine.name, files.applications)
    problems = [
        each for each in feature_problems(after, menu.features, engine.name, files.applications) if each not in before
    ]
    if not on and served.overlay is not None and feature in served.overlay.requires:
        problems.append(f"overlay {served.overlay.name} requires {feature}")
    if problems:
        about = menu.features[feature]
        remedy = how_to_bring(files, about.needs) if on and engine.name in about.engines else ""
        raise UserError(
            f"{name} cannot {'have' if on else 'be without'} {feature}: {'; '.join(problems)}",
            fix=remedy or "see bases/features/README.md for what each needs and excludes",
        )
    if on:
        served.add_feature(feature, values)
    else:
        served.remove_feature(feature)
    if feature in SCALED_BY:
        # A size of the other way of scaling would change what is not there.
        for key in ("replicas",) if on else ("min-replicas", "max-replicas"):
            served.remove_operations(SIZES[key])
    files.refresh_paths(name)


def remove_model(changes: Changes, environment: str, name: str) -> tuple[str, ...]:
    """Remove a model from an environment, and return what remains of it, one sentence each.

    Raises:
        UserError: There is no such model.
    """
    files = environment_files(changes, environment)
    served = Served(files, name, Menu(StagedFiles(changes)))
    remains = []
    if "weights-s3-streamer" in served.features or "weights-s3-init" in served.features:
        remains.append("its weights in the bucket of the environment")
    if "api-key" in served.features:
        remains.append("its key in AWS Secrets Manager")
    changes.remove(served.folder)
    changes.remove(files.stub(name))
    files.unlist_application(name)
    remains += _in_settings(changes, environment, name)
    return tuple(remains)


def rename_model(changes: Changes, environment: str, name: str, new: str) -> None:
    """Give a model of an environment another name.

    Raises:
        UserError: There is no such model, or the name is taken or cannot be one.
    """
    files = environment_files(changes, environment)
    menu = Menu(StagedFiles(changes))
    served = Served(files, name, menu)
    if new == name:
        return
    require_name(new, served.engine.longest_name if served.engine else LONGEST_NAME)
    if new in files.applications or new in files.models:
        raise UserError(f"environment {environment} has an application {new} already", fix="choose another name")
    listed = f"applications/{name}.yaml"
    position = files.listed.index(listed) if listed in files.listed else None
    served.rename(new)
    changes.move(served.folder, files.model_folder(new))
    changes.move_file(files.stub(name), files.stub(new))
    folder = files.model_folder(new)
    changes.edit(
        files.stub(new),
        lambda text: text.set_scalar(["metadata", "name"], new),
        lambda text: text.set_scalar(["spec", "source", "path"], folder),
    )
    if position is not None:
        changes.edit(files.list, lambda text: text.set_scalar(["resources", position], f"applications/{new}.yaml"))
    else:
        files.list_application(new)
    files.refresh_paths(new)
    _rename_ceiling(changes, environment, name, new)


def _switch(served: Served, overlay: str) -> None:
    menu, environment = served.menu, served.environment
    menu.require("overlay", overlay)
    found = menu.overlays[overlay]
    engine = menu.engines.get(found.engine)
    before = served.engine
    if engine is None or (before is not None and engine.name != before.name):
        own = before.name if before else "none that is known"
        raise UserError(
            f"overlay {overlay} is for engine {found.engine}, {served.name} runs on {own}",
            fix=f"add it under another name: modelyard model add {overlay} --env {environment.name} --name …",
        )
    missing = [each for each in found.requires if each not in served.features]
    served.set_overlay(overlay)
    for feature in missing:
        served.add_feature(feature)


def _set_size(served: Served, key: str, value: str) -> None:
    engine = _engine(served)
    if not value.isascii() or not value.isdigit() or int(value) > 10_000:
        raise UserError(f"{key} is '{value}', expected a whole number up to 10000", fix=f"write {key}=2")
    scaled = next((each for each in SCALED_BY if each in served.features), "")
    if engine.workload not in REPLICATED:
        raise UserError(
            f"{served.name} runs in {engine.workload}, whose sizes stand twice in the overlay",
            fix="copy the overlay under a new name and change both there",
        )
    if key == "replicas" and scaled:
        raise UserError(
            f"{served.name} has as many replicas as {scaled} decides",
            fix="set min-replicas and max-replicas instead",
        )
    if key != "replicas" and not scaled:
        raise UserError(
            f"{served.name} has a fixed number of replicas",
            fix=f"set replicas, or switch {SCALED_BY[0]} on: modelyard feature on {served.name} {SCALED_BY[0]} --env "
            f"{served.environment.name}",
        )
    kind = engine.workload if key == "replicas" else "ScaledObject"
    served.set_operation(kind, "replace", SIZES[key], int(value))


def _set_flag(served: Served, flag: str, value: str) -> None:
    engine = _engine(served)
    if flag in _IDENTITY:
        raise UserError(f"an environment does not set {flag}", fix=_IDENTITY[flag])
    if is_secret(flag, value):
        raise UserError(
            f"{flag} holds a secret, which everybody who reads this repository would have",
            fix="keep it in AWS Secrets Manager; the features api-key and hf-token read keys and tokens from there",
        )
    paths = argument_paths(engine)
    if not paths:
        raise UserError(
            f"{served.name} runs on {engine.name}, which takes no flags as arguments: its settings stand in the "
            f"overlay's {engine.settings}",
            fix="copy the overlay under a new name and change it there",
        )
    for path in paths:
        served.set_operation(engine.workload, "add", path, _argument(served, flag, value), replaces=flag)


def _argument(served: Served, flag: str, value: str) -> str:
    """Return the argument for a flag that the engine knows."""
    found = _require_flag(served, flag)
    if found is not None and found.type == "boolean":
        if value not in ("true", "false", ""):
            raise UserError(f"{flag} is '{value}', expected true or false", fix=f"write {flag}=true")
        plain = flag.removeprefix("no-")
        return f"--{plain}" if (value != "false") != flag.startswith("no-") else f"--no-{plain}"
    if not value:
        raise UserError(f"{flag} has no value", fix=f"write {flag}=VALUE")
    if "\n" in value or "\r" in value:
        raise UserError(f"the value of {flag} has several lines", fix="write it on one line")
    return f"--{flag}={value}"


def _require_flag(served: Served, name: str) -> Flag | None:
    """Return what is known of a flag; None where the flags of the engine's version are not known.

    Raises:
        UserError: The engine has no such flag.
    """
    engine = _engine(served)
    image = next(iter(engine.images), "")
    version = engine.version or engine_version(served.environment, image) or ""
    known = engine_of_version(engine.engine, version) if version in engine_versions(engine.engine) else None
    found = known.flag(name) if known is not None else None
    if known is not None and found is None:
        near = nearest(name, SIZES, cutoff=0.8) or known.nearest_flag(name)
        raise UserError(
            f"{engine.engine} {version} has no flag {name}, and it is no size ({', '.join(SIZES)})",
            fix=f"did you mean {near}?" if near else "see the engine's documentation",
        )
    return found


def _unset(served: Served, key: str) -> None:
    if key in SIZES:
        found = served.remove_operations(SIZES[key])
    else:
        flag = key.lstrip("-").replace("_", "-").removeprefix("no-")
        found = False
        for path in argument_paths(_engine(served)):
            found = served.remove_operations(path, flag) or found
    if not found and key not in SIZES:
        _require_flag(served, flag)  # what is not set is unset already, if there is such a thing at all


def _engine(served: Served) -> EngineBase:
    engine = served.engine
    if engine is None:
        raise UserError(
            f"{served.file} takes no overlay with an overlay.yaml, so that its engine is not known",
            fix="edit it by hand",
        )
    return engine


def _ceiling(environment: str, name: str) -> list[str | int]:
    return ["ceilings", environment, "models", name]


def _in_settings(changes: Changes, environment: str, name: str) -> list[str]:
    """Take a model's cost ceiling out, and return what else of the settings names the model."""
    if not changes.exists(SETTINGS):
        return []
    text = Text(SETTINGS, changes.text(SETTINGS))
    if text.get(_ceiling(environment, name)) is not None:
        changes.edit(SETTINGS, lambda each: each.remove_key(_ceiling(environment, name)))
    folder = f"{ENVIRONMENTS}/{environment}/models/{name}"
    waivers = [each for each in text.items(["waivers"]) if isinstance(each, dict)]
    if any(str(each.get("path", "")).startswith(folder) for each in waivers):
        return [f"a waiver for {folder} in {SETTINGS}"]
    return []


def _rename_ceiling(changes: Changes, environment: str, name: str, new: str) -> None:
    if not changes.exists(SETTINGS):
        return
    value = Text(SETTINGS, changes.text(SETTINGS)).get(_ceiling(environment, name))
    if value is not None:
        changes.edit(
            SETTINGS,
            lambda each: each.set_scalar(_ceiling(environment, new), value),
            lambda each: each.remove_key(_ceiling(environment, name)),
        )
