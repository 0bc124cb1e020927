"""Is each resource legal: kubeconform over many resources, one process, no network."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from modelyard.findings import ExitCode, UserError
from modelyard.rendering import SchemaProblem, SchemaVerdict
from modelyard.schemas.bundle import DEFAULT_KUBERNETES, Kind, SchemaBundle
from modelyard.schemas.conversion import Schema
from modelyard.schemas.metadata import metadata_problems
from modelyard.schemas.wording import problems, suggestion
from modelyard.tooling import brief_run, require, run
from modelyard.tooling.processes import available_processors

_SECONDS = 300.0
_TEMPLATE = "{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json"
_NO_SCHEMA = SchemaVerdict("no-schema")


@dataclass(frozen=True, slots=True)
class _Item:
    """A resource as kubeconform sees it: items of a `List` stand for themselves."""

    index: int
    prefix: tuple[str | int, ...]
    value: Any


class Validator:
    """Holds resources against the schemas of one Kubernetes version, by kubeconform.

    Args:
        kubernetes_version: Such as `1.35`.
        crd_paths: Files and folders with definitions of the user's own.
        jobs: Resources at a time; as many as processors when None.

    Attributes:
        bundle: The schemas.
        identity: Changes when a verdict could: kubeconform's version and all schemas.

    Raises:
        UserError: kubeconform is missing, or a file among `crd_paths` cannot be used.
    """

    def __init__(
        self, kubernetes_version: str = DEFAULT_KUBERNETES, crd_paths: Sequence[Path] = (), jobs: int | None = None
    ) -> None:
        self.bundle = SchemaBundle(kubernetes_version, crd_paths)
        self._executable = require("kubeconform")
        self._jobs = jobs or available_processors()
        self._schemas: dict[Kind, Schema] = {}
        self.identity = f"kubeconform {self._executable.version} {self.bundle.identity}"

    def verdicts(self, resources: Sequence[Mapping[str, Any]]) -> list[SchemaVerdict]:
        """Return one verdict per resource, in the same order.

        A kind that is not known is `no-schema`, never valid. A kind that the pinned Kubernetes or operator is known
        not to serve is invalid.

        Raises:
            UserError: kubeconform did not answer for every resource that it was given.
        """
        found: dict[int, list[SchemaProblem]] = {}
        unknown: set[int] = set()
        items: list[_Item] = []
        for index, resource in enumerate(resources):
            for item in _items(index, (), resource):
                kind = _kind(item.value)
                if kind in self.bundle.known_kinds:
                    items.append(item)
                    continue
                told = self._not_served(item.value, kind)
                if told is None:
                    unknown.add(index)
                else:
                    found.setdefault(index, []).append(_moved(told, item.prefix))
        for item, message in self._answers(items):
            schema = self._schema_of(item)
            told_all = [_moved(each, item.prefix) for each in problems(message, item.value, schema)]
            found.setdefault(item.index, []).extend(
                told_all or [_moved(SchemaProblem("", f"kubeconform says: {message[:500]}"), item.prefix)]
            )
        for item in items:
            for each in metadata_problems(item.value):
                found.setdefault(item.index, []).append(_moved(each, item.prefix))
        return [self._verdict(index, found, unknown) for index in range(len(resources))]

    @staticmethod
    def _verdict(index: int, found: dict[int, list[SchemaProblem]], unknown: set[int]) -> SchemaVerdict:
        if index in found:
            return SchemaVerdict("invalid", tuple(found[index]))
        return _NO_SCHEMA if index in unknown else SchemaVerdict("valid")

    def _schema_of(self, item: _Item) -> Any:
        kind = _kind(item.value)

        def schema() -> Schema:
            if kind not in self._schemas:
                self._schemas[kind] = self.bundle.schema(*kind)
            return self._schemas[kind]

        return schema

    def _not_served(self, value: Any, kind: Kind) -> SchemaProblem | None:
        """Return the problem of a kind that the API server would not know; None when that cannot be told."""
        api_version, name = kind
        if not isinstance(value, Mapping) or not api_version or not name:
            missing = "kind" if api_version else "apiVersion"
            return SchemaProblem(missing, f"the resource lacks {missing}")
        group = api_version.rpartition("/")[0]
        others = self.bundle.alternatives(name, group)
        if others:
            publisher = self.bundle.published_by(others[-1], name)
            return SchemaProblem(
                "apiVersion", f"{publisher} serves {name} as {' and '.join(others)}, not as {api_version}"
            )
        if self.bundle.is_covered(group):
            known = sorted({each for version, each in self.bundle.known_kinds if version.rpartition("/")[0] == group})
            hint = suggestion(name, known)
            return SchemaProblem(
                "kind", f"Kubernetes {self.bundle.native_version} has no {name} in {api_version}{hint}"
            )
        return None

    def _answers(self, items: list[_Item]) -> list[tuple[_Item, str]]:
        """Return the items that kubeconform objects to, with its message.

        Each item goes by its position as its name: kubeconform answers out of order and names resources by kind and
        name only. The documents lie in files, since kubeconform 0.8.0 hands parts of its buffer to other threads
        while it reads standard input, and a part can be overwritten before it is looked at.
        """
        if not items:
            return []
        folder = self.bundle.materialised({_kind(item.value) for item in items})
        with tempfile.TemporaryDirectory(prefix="modelyard-") as scratch:
            files = []
            for part in range(min(len(items), self._jobs)):
                file = Path(scratch) / f"{part}.json"
                positions = range(part, len(items), self._jobs)
                file.write_bytes(b"\n---\n".join(_document(items[position].value, position) for position in positions))
                files.append(str(file))
            argv = [str(self._executable.path), "-strict", "-output", "json", "-summary", "-n", str(self._jobs)]
            argv += ["-schema-location", f"{folder}/{_TEMPLATE}", *files]
            completed = run(argv, timeout=_SECONDS, env=brief_run())
        try:
            answer = orjson.loads(completed.stdout)
            summary = answer["summary"]
            answered = summary["valid"] + summary["invalid"]
            objections = [(items[int(each["name"])], str(each["msg"])) for each in answer["resources"]]
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, IndexError) as problem:
            raise _unanswered(completed.stderr) from problem
        if answered != len(items) or len(objections) != summary["invalid"]:
            told = next((each["msg"] for each in answer["resources"] if each["status"] != "statusInvalid"), "")
            raise _unanswered(told or completed.stderr)
        return objections


def validate(
    resources: Sequence[Mapping[str, Any]],
    kubernetes_version: str = DEFAULT_KUBERNETES,
    extra_crd_paths: Sequence[Path] = (),
) -> list[SchemaVerdict]:
    """Return one verdict per resource, in the same order; see `Validator`."""
    return Validator(kubernetes_version, extra_crd_paths).verdicts(resources)


def _items(index: int, prefix: tuple[str | int, ...], value: Any) -> list[_Item]:
    if isinstance(value, Mapping) and value.get("kind") == "List" and isinstance(value.get("items"), list):
        return [
            item
            for position, each in enumerate(value["items"])
            for item in _items(index, (*prefix, "items", position), each)
        ]
    return [_Item(index, prefix, value)]


def _kind(value: Any) -> Kind:
    if not isinstance(value, Mapping):
        return "", ""
    api_version, kind = value.get("apiVersion"), value.get("kind")
    return (api_version if isinstance(api_version, str) else ""), (kind if isinstance(kind, str) else "")


def _document(value: Mapping[str, Any], position: int) -> bytes:
    metadata = value.get("metadata")
    named = {**(metadata if isinstance(metadata, dict) else {}), "name": str(position)}
    named.pop("generateName", None)
    if not isinstance(named.get("namespace"), str):
        named.pop("namespace", None)  # kubeconform gives up on all documents when it cannot read one namespace
    return orjson.dumps({**value, "metadata": named}, option=orjson.OPT_NON_STR_KEYS)


def _moved(problem: SchemaProblem, prefix: tuple[str | int, ...]) -> SchemaProblem:
    if not prefix:
        return problem
    head = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in prefix).removeprefix(".")
    joint = "" if not problem.path or problem.path.startswith("[") else "."
    return SchemaProblem(f"{head}{joint}{problem.path}", problem.message, problem.source)


def _unanswered(told: str) -> UserError:
    return UserError(
        f"kubeconform did not answer for every resource: {told.strip()[:300] or 'it said nothing'}",
        fix="run `modelyard tools install kubeconform`, or report this when it is the pinned version already",
        exit_code=ExitCode.INTERNAL,
    )
