"""One model as an environment serves it: its kustomization, read and changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from modelyard.catalog import EngineBase
from modelyard.editing.derived import EXAMPLE_CLUSTER, derived, facts_of, is_of
from modelyard.editing.environment_folder import EnvironmentFiles
from modelyard.editing.menu import ENGINES, FEATURES, OVERLAYS, Menu, Overlay
from modelyard.editing.patches import Operation, edit_patch, operations
from modelyard.editing.splicing import Text, fragment, scalar
from modelyard.findings import At, Place, UserError
from modelyard.repository import joined
from modelyard.repository.yaml import MalformedYAML, documents

NAME = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
IDENTITY = "allowNameChange"
_ARGUMENT = re.compile(r"/args/-$")
_OWN_NAME = "--served-model-name=$(MODEL_NAME)"

_ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "Deployment": ("/spec/template/spec/containers/0/args/-",),
    "StatefulSet": ("/spec/template/spec/containers/0/args/-",),
    "LeaderWorkerSet": (
        "/spec/leaderWorkerTemplate/leaderTemplate/spec/containers/0/args/-",
        "/spec/leaderWorkerTemplate/workerTemplate/spec/containers/0/args/-",
    ),
}
"""Where a flag is appended, by kind of the workload."""

REPLICATED = ("Deployment", "LeaderWorkerSet", "StatefulSet")
"""Kinds of workload whose number of replicas is one value, at /spec/replicas."""


def argument_paths(engine: EngineBase) -> tuple[str, ...]:
    """Return where a flag of an engine is appended in its workload; nothing where it takes none by arguments."""
    return _ARGUMENTS.get(engine.workload, ()) if engine.takes_arguments else ()


class Served:
    """A model's kustomization as it is in an edit.

    Args:
        environment: The environment.
        name: The model.
        menu: What there is to choose from.

    Raises:
        UserError: The environment has no such model.
    """

    def __init__(self, environment: EnvironmentFiles, name: str, menu: Menu) -> None:
        if name not in environment.models:
            known = ", ".join(environment.models) or "none"
            raise UserError(
                f"environment {environment.name} has no model {name}", fix=f"models of {environment.name}: {known}"
            )
        self.environment = environment
        self.name = name
        self.menu = menu
        self.folder = environment.model_folder(name)
        self.file = environment.model_file(name)

    @property
    def text(self) -> Text:
        """The kustomization as it is now."""
        return Text(self.file, self.environment.changes.text(self.file))

    @property
    def overlay_name(self) -> str:
        """The overlay that it takes; empty where it takes none of this repository's."""
        return next((path.removeprefix(f"{OVERLAYS}/") for _, path in self._named("resources", OVERLAYS)), "")

    @property
    def overlay(self) -> Overlay | None:
        """What the overlay says of itself; None where it says nothing."""
        return self.menu.overlays.get(self.overlay_name)

    @property
    def engine(self) -> EngineBase | None:
        """The engine that serves it; None where its overlay does not say."""
        overlay = self.overlay
        return None if overlay is None else self.menu.engines.get(overlay.engine)

    @property
    def features(self) -> tuple[str, ...]:
        """The features that are on, in their order."""
        return tuple(path.removeprefix(f"{FEATURES}/") for _, path in self._named("components", FEATURES))

    @property
    def operations(self) -> tuple[Operation, ...]:
        """Every JSON6902 operation that the kustomization holds inline."""
        return tuple(operations(self.text))

    @property
    def flags(self) -> dict[str, str | bool]:
        """Flags that the environment appends, without dashes; True for one without a value."""
        found: dict[str, str | bool] = {}
        for each in self.operations:
            if _ARGUMENT.search(each.path) and isinstance(each.value, str) and each.value.startswith("--"):
                flag, separator, value = each.value.removeprefix("--").partition("=")
                found[flag] = value if separator else True
        return found

    def value_of(self, path: str) -> Any:
        """Return what the environment sets at a path of a resource; None where it sets nothing."""
        return next((each.value for each in self.operations if each.path == path), None)

    def position_of_feature(self, name: str) -> int:
        """Return where a feature stands in `components`."""
        return next(index for index, path in self._named("components", FEATURES) if path == f"{FEATURES}/{name}")

    def set_overlay(self, name: str) -> None:
        """Take another overlay."""
        index = next((index for index, _ in self._named("resources", OVERLAYS)), None)
        if index is None:
            raise UserError(f"{self.file} names no overlay of this repository", at=At(Place(self.file)))
        path = f"{self._up}{OVERLAYS}/{name}"
        self._edit(Text.set_scalar, ["resources", index], path)

    def add_feature(self, name: str, values: Mapping[str, str] | None = None) -> None:
        """Switch a feature on: its Component before `versions`, and what it asks of the environment.

        Args:
            name: The feature.
            values: Answers to what it asks for, by name; its examples where there is none.

        Raises:
            UserError: A value is none of those that the feature asks for, or it is made of a fact that is not known.
        """
        entry = f"{self._up}{FEATURES}/{name}"
        components = self.text.items(["components"])
        at = next(
            (n for n, each in enumerate(components) if str(each).rstrip("/").endswith("versions")), len(components)
        )
        self._edit(Text.insert_item, ["components"], at, [entry])
        memory = self.value_of("/spec/template/spec/containers/0/resources/limits/memory")
        facts = facts_of(
            self.menu.files,
            self.environment,
            self.overlay_name,
            asked_values(self.menu, [name], values or {}),
            str(memory or ""),
        )
        extra = of_environment(self.menu.of_feature(name), self.environment, facts)
        for patch in extra.get("patches", ()):
            self._insert_patch(fragment(patch))
        for replacement in extra.get("replacements", ()):
            self._edit(
                Text.insert_item, ["replacements"], len(self.text.items(["replacements"])), fragment(replacement)
            )

    def remove_feature(self, name: str) -> None:
        """Switch a feature off, with what it asked of the environment."""
        at = self.position_of_feature(name)
        self._edit(Text.remove_item, ["components"], at)
        extra = {field: list(entries) for field, entries in self.menu.of_feature(name).items()}
        for field in ("patches", "replacements"):
            for wanted in extra.get(field, ()):
                listed = self.text.items([field])
                for index, each in enumerate(listed):
                    if _same(each, wanted):
                        self._edit(Text.remove_item, [field], index, with_comment=True)
                        break

    def set_operation(self, kind: str, op: str, path: str, value: Any, *, replaces: str = "") -> None:
        """Set what one operation does; it is added where there is none.

        Args:
            kind: Kind of the resource.
            op: `add` or `replace`.
            path: What it changes.
            value: What it sets.
            replaces: For a path that ends in `-`: the flag whose operation this one takes the place of.
        """
        for each in self.operations:
            if each.path != path or (replaces and not _is_flag(each.value, replaces)):
                continue
            if each.value != value:
                self._edit_patch(each.item, Text.set_scalar, ["operations", each.position, "value"], value)
            return
        self._add_operation(kind, f"{{op: {op}, path: {path}, value: {scalar(value)}}}")

    def _add_operation(self, kind: str, line: str) -> None:
        """Add an operation to the patch of a kind that holds flags and sizes, or a patch with it."""
        own = next((each.item for each in self.operations if each.kind == kind and self._is_ours(each.item)), None)
        if own is not None:
            count = len([each for each in self.operations if each.item == own])
            self._edit_patch(own, Text.insert_item, ["operations"], count, [line])
        else:
            self._insert_patch([f"target: {{kind: {kind}}}", "patch: |-", f"  - {line}"])

    def add_variable(self, path: str, name: str, value: str) -> None:
        """Add an environment variable, or change the one that the environment added."""
        for each in self.operations:
            if each.path == path and isinstance(each.value, dict) and each.value.get("name") == name:
                self._edit_patch(each.item, Text.set_scalar, ["operations", each.position, "value", "value"], value)
                return
        self._add_operation(
            self.engine.workload if self.engine else "Deployment",
            f"{{op: add, path: {path}, value: {{name: {scalar(name)}, value: {scalar(value)}}}}}",
        )

    def serve_also(self, names: Sequence[str]) -> bool:
        """Let the model answer to further names than its own; return whether its engine is told its name by arguments.

        vLLM answers to each value of one `--served-model-name`, and says the first in its answers; the flag a second
        time would replace the first. So the base's argument is replaced by several, which a `test` guards.
        """
        engine = self.engine
        places = [] if engine is None else list(self._named_by(engine))
        for container, position in places:
            lines = [
                f"{{op: test, path: {container}/{position}, value: {scalar(_OWN_NAME)}}}",
                f"{{op: replace, path: {container}/{position}, value: {scalar(_OWN_NAME.partition('=')[0])}}}",
            ]
            values = [_OWN_NAME.partition("=")[2], *names]
            lines += [
                f"{{op: add, path: {container}/{position + 1 + number}, value: {scalar(each)}}}"
                for number, each in enumerate(values)
            ]
            for line in lines:
                assert engine is not None  # noqa: S101 - it has places
                self._add_operation(engine.workload, line)
        return bool(places)

    def _named_by(self, engine: EngineBase) -> Iterator[tuple[str, int]]:
        """Yield each list of arguments that tells the base's engine its name, with the position of that argument."""
        folder = f"{ENGINES}/{engine.name}"
        files = [f"{folder}/{name}" for name in self.menu.files.under(folder) if name.endswith(".yaml")]
        for manifest in (each for file in files for each in self.menu.files.documents(file)):
            if not isinstance(manifest, dict) or manifest.get("kind") != engine.workload:
                continue
            for path in argument_paths(engine):
                container = path.removesuffix("/-")
                found: Any = manifest
                for step in container.strip("/").split("/"):
                    found = _step(found, step)
                if isinstance(found, list) and _OWN_NAME in found:
                    yield container, found.index(_OWN_NAME)

    def remove_operations(self, path: str, flag: str = "") -> bool:
        """Remove what is set at a path, and return whether there was something."""
        found = False
        while True:
            each = next((o for o in self.operations if o.path == path and (not flag or _is_flag(o.value, flag))), None)
            if each is None:
                return found
            found = True
            if len([o for o in self.operations if o.item == each.item]) == 1:
                self._edit(Text.remove_item, ["patches"], each.item, with_comment=True)
            else:
                self._edit_patch(each.item, Text.remove_item, ["operations"], each.position)

    def rename(self, name: str) -> None:
        """Write another name into the identity: the rename and the label, and nothing else that happens to be equal."""
        old = self.name
        for each in self.operations:
            if each.path == "/metadata/name" and each.value == old:
                self._edit_patch(each.item, Text.set_scalar, ["operations", each.position, "value"], name)
        for index, each in enumerate(self.text.items(["labels"])):
            if isinstance(each, dict) and (each.get("pairs") or {}).get("app.kubernetes.io/instance") == old:
                self._edit(Text.set_scalar, ["labels", index, "pairs", "app.kubernetes.io/instance"], name)

    @property
    def _up(self) -> str:
        return "../" * (self.folder.count("/") + 1)

    def _named(self, field: str, folder: str) -> Iterator[tuple[int, str]]:
        """Yield position and path, from the repository's top, of the entries that lie in a folder."""
        for index, each in enumerate(self.text.items([field])):
            path = joined(self.folder, each) if isinstance(each, str) else None
            if path is not None and path.startswith(f"{folder}/"):
                yield index, path

    def _is_ours(self, item: int) -> bool:
        """Return whether a patch holds flags and sizes only, so that one more belongs into it."""
        node = self.text.get(["patches", item])
        target = node.get("target") if isinstance(node, dict) else None
        return isinstance(target, dict) and set(target) == {"kind"} and "options" not in node

    def _insert_patch(self, lines: Sequence[str]) -> None:
        """Add a patch before the one that gives the model its name."""
        patches = self.text.items(["patches"])
        at = next(
            (n for n, each in enumerate(patches) if isinstance(each, dict) and IDENTITY in (each.get("options") or {})),
            len(patches),
        )
        self._edit(Text.insert_item, ["patches"], at, lines)

    def _edit(self, method: Callable[..., None], *arguments: Any, **named: Any) -> None:
        self.environment.changes.edit(self.file, lambda text: method(text, *arguments, **named))

    def _edit_patch(self, item: int, method: Callable[..., None], *arguments: Any) -> None:
        edit_patch(self.environment.changes, self.file, item, method, *arguments)


def of_environment(
    extra: Mapping[str, Any], environment: EnvironmentFiles, facts: Mapping[str, str]
) -> dict[str, list[Any]]:
    """Return what an engine or a feature asks of a model's kustomization, with the facts of model and environment.

    Raises:
        UserError: It is made of a fact that is not known.
    """
    cluster = str(environment.facts.get("cluster") or EXAMPLE_CLUSTER)
    return {field: derived(list(entries), facts, cluster) for field, entries in extra.items()}


def asked_values(menu: Menu, features: Sequence[str], values: Mapping[str, str]) -> dict[str, str]:
    """Return what features ask for: what was answered, else their examples.

    Raises:
        UserError: A value is none of those that they ask for.
    """
    asked = {key: example for name in features for key, example in menu.features[name].asks.items()}
    foreign = next((name for name in values if name not in asked), None)
    if foreign is not None:
        raise UserError(
            f"{' and '.join(features)} asks for no {foreign}",
            fix=f"it asks for {', '.join(asked)}" if asked else "leave out --value",
        )
    return {**asked, **values}


def _step(holder: Any, step: str) -> Any:
    if isinstance(holder, dict):
        return holder.get(step)
    return holder[int(step)] if isinstance(holder, list) and int(step) < len(holder) else None


def _is_flag(value: Any, flag: str) -> bool:
    return isinstance(value, str) and value.partition("=")[0] in (f"--{flag}", f"--no-{flag}")


def _same(one: Any, other: Any) -> bool:
    """Return whether an entry does what one of a feature does; patches are texts of which layout does not count."""
    if not (isinstance(one, dict) and isinstance(other, dict)) or set(one) != set(other):
        return bool(one == other)
    for key in one:
        if key == "patch":
            try:
                if not is_of(documents("", str(one[key])), documents("", str(other[key]))):
                    return False
            except MalformedYAML:
                return False
        elif not is_of(one[key], other[key]):
            return False
    return True
