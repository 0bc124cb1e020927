"""The schemas that came with this package, together with those that a user adds."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from modelyard.schemas.conversion import NativeSchemas, Schema, crd_schema, shared
from modelyard.schemas.custom import read_definitions
from modelyard.tooling import cache, write_whole

Kind = tuple[str, str]
"""apiVersion and kind."""

FOLDER = Path(__file__).parent / "bundle"
DEFAULT_KUBERNETES = "1.35"


@dataclass(frozen=True, slots=True)
class CustomVersion:
    """One served version of a custom resource.

    Attributes:
        group: API group.
        version: Version within the group.
        kind: The resource's kind.
        source: File of the definition: in the bundle, or the user's own.
        publisher: Who published it, such as `karpenter-provider-aws v1.14.1`; the file's path for a user's own.
    """

    group: str
    version: str
    kind: str
    source: Path
    publisher: str


class SchemaBundle:
    """Every kind that is known for one Kubernetes version, and its JSON Schema as a file for kubeconform.

    Args:
        kubernetes_version: `1.35` or a patch version of it.
        crd_paths: Files and folders with definitions of the user's own; they come before the bundle's.

    Raises:
        UserError: A file among `crd_paths` cannot be read or holds a definition that is none.
    """

    def __init__(self, kubernetes_version: str = DEFAULT_KUBERNETES, crd_paths: Sequence[Path] = ()) -> None:
        self.kubernetes_version = kubernetes_version
        self.native_version = native_version(kubernetes_version)
        self._native = _native(self.native_version) if self.native_version else None
        self._own = read_definitions(crd_paths)
        self._custom: dict[Kind, CustomVersion] = dict(_bundled())
        for definition in self._own:
            for each in _versions(definition.crd, definition.file, str(definition.file)):
                self._custom[f"{each.group}/{each.version}", each.kind] = each
        self._definitions = {definition.file: definition.crd for definition in self._own}

    @functools.cached_property
    def known_kinds(self) -> frozenset[Kind]:
        """Every apiVersion and kind that has a schema."""
        return frozenset(self._custom) | frozenset(self._native.names if self._native else ())

    @property
    def native_file(self) -> Path | None:
        """The OpenAPI definitions of Kubernetes' own kinds; None for a version that is not in the bundle."""
        return FOLDER / "native" / f"{self.native_version}.json" if self.native_version else None

    @property
    def crd_folder(self) -> Path:
        """The bundle's definitions, as `<group>/<plural>.json`."""
        return FOLDER / "crds"

    def has_rules(self, api_version: str, kind: str) -> bool:
        """Return whether a kind's definition holds CEL rules, which kubeconform does not evaluate."""
        custom = self._custom.get((api_version, kind))
        if custom is None:
            return False
        own = self._definitions.get(custom.source)
        text = custom.source.read_bytes() if own is None else orjson.dumps(own)
        return b'"x-kubernetes-validations"' in text

    def published_by(self, api_version: str, kind: str) -> str:
        """Return who publishes the schema of a kind; empty when there is none."""
        if self._native is not None and (api_version, kind) in self._native.names:
            return f"Kubernetes {self.native_version}"
        custom = self._custom.get((api_version, kind))
        return custom.publisher if custom else ""

    def definition(self, api_version: str, kind: str) -> dict[str, Any] | None:
        """Return the CustomResourceDefinition of a kind, without prose; None for Kubernetes' own and unknown kinds."""
        custom = self._custom.get((api_version, kind))
        if custom is None:
            return None
        crd: dict[str, Any] = self._definitions.get(custom.source) or orjson.loads(custom.source.read_bytes())
        return crd

    def alternatives(self, kind: str, group: str) -> list[str]:
        """Return the apiVersions of a group, `""` for the core one, that have this kind."""
        return sorted(each for each, name in self.known_kinds if name == kind and _group(each) == group)

    def is_covered(self, group: str) -> bool:
        """Return whether every kind of an API group is known: for Kubernetes' own groups, of a version that is."""
        return self._native is not None and any(_group(each) == group for each, _ in self._native.names)

    def schema(self, api_version: str, kind: str) -> Schema:
        """Return the JSON Schema of a kind.

        Raises:
            KeyError: The kind is not known.
        """
        custom = self._custom.get((api_version, kind))
        if custom is None:
            if self._native is None:
                raise KeyError((api_version, kind))
            return self._native.schema(api_version, kind)
        crd = self.definition(api_version, kind) or {}
        structural = next(each for each in crd["spec"]["versions"] if each["name"] == custom.version)
        meta = (self._native or _native(native_version(DEFAULT_KUBERNETES))).object_meta()
        openapi = structural["schema"]["openAPIV3Schema"]
        return crd_schema(custom.group, custom.version, kind, openapi, meta)

    def materialised(self, kinds: Iterable[Kind]) -> Path:
        """Return a folder with a JSON Schema for each of these kinds, made where it is not there yet.

        The files are named `<group>/<kind>_<version>.json` in lower case, `v1` being the core group's name, as
        kubeconform's template `{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json` has it. The folder is named
        after all that its files are made of, so a file once there is right for ever.

        Raises:
            KeyError: A kind is not known.
            UserError: The cache cannot be written to.
        """
        folder = cache() / "schemas" / self.identity
        for api_version, kind in sorted(set(kinds)):
            path = folder / schema_file(api_version, kind)
            if not path.is_file():
                write_whole(path, orjson.dumps(shared(self.schema(api_version, kind))))
        with contextlib.suppress(OSError):  # `modelyard cache prune` leaves alone what is in use
            os.utime(folder)
        return folder

    def materialised_whole(self) -> Path:
        """Return the folder of `materialised` with every known kind in it."""
        return self.materialised(self.known_kinds)

    @functools.cached_property
    def _own_digest(self) -> str:
        total = hashlib.sha256()
        for definition in self._own:
            total.update(orjson.dumps(definition.crd, option=orjson.OPT_SORT_KEYS))
        return total.hexdigest()

    @functools.cached_property
    def identity(self) -> str:
        """Digest of everything that the schemas are made of."""
        parts = [_bundle_identity(), self.native_version or "none", self._own_digest if self._own else ""]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


@functools.cache
def kubernetes_versions() -> tuple[str, ...]:
    """Return the patch versions of Kubernetes whose schemas the bundle has, oldest first."""
    return tuple(sorted((file.stem for file in (FOLDER / "native").glob("*.json")), key=_numbers))


def native_version(kubernetes_version: str) -> str | None:
    """Return the patch version whose schemas stand for a version such as `1.35`; None when there is none."""
    wanted = _numbers(kubernetes_version)[:2]
    return next((each for each in reversed(kubernetes_versions()) if _numbers(each)[:2] == wanted), None)


@functools.cache
def served_versions(kind: str, group: str, kubernetes_version: str = DEFAULT_KUBERNETES) -> frozenset[str]:
    """Return the apiVersions of a group that serve a kind, by the bundle; none for a kind that it does not have."""
    native = native_version(kubernetes_version or DEFAULT_KUBERNETES) or native_version(DEFAULT_KUBERNETES)
    known = {*_bundled(), *_native(native).names}
    return frozenset(each for each, name in known if name == kind and _group(each) == group)


@functools.cache
def structural_schema(api_version: str, kind: str) -> Mapping[str, Any]:
    """Return the structural schema of a custom resource of the bundle, with defaults; an empty one for other kinds."""
    custom = _bundled().get((api_version, kind))
    if custom is None:
        return {}
    crd = orjson.loads(custom.source.read_bytes())
    version: Mapping[str, Any] = next((each for each in crd["spec"]["versions"] if each["name"] == custom.version), {})
    schema: Mapping[str, Any] = version.get("schema", {}).get("openAPIV3Schema", {})
    return schema


def lock() -> dict[str, Any]:
    """Return `lock.json` of the bundle: modules, versions, hashes and sources."""
    content: dict[str, Any] = orjson.loads((FOLDER / "lock.json").read_bytes())
    return content


def schema_file(api_version: str, kind: str) -> str:
    """Return where in a folder of schemas kubeconform looks for a kind."""
    group, _, version = api_version.rpartition("/")
    return f"{group or version}/{kind.lower()}_{version}.json"


def _group(api_version: str) -> str:
    return api_version.rpartition("/")[0]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.removeprefix("v").split(".") if part.isdigit())


@functools.cache
def _native(version: str | None) -> NativeSchemas:
    return NativeSchemas(orjson.loads((FOLDER / "native" / f"{version}.json").read_bytes()))


@functools.cache
def _bundled() -> dict[Kind, CustomVersion]:
    """Read the index only: which kinds there are, without opening their definitions."""
    found: dict[Kind, CustomVersion] = {}
    for entry in orjson.loads((FOLDER / "index.json").read_bytes()):
        for version in entry["versions"]:
            each = CustomVersion(
                entry["group"], version, entry["kind"], FOLDER / "crds" / entry["file"], entry["publisher"]
            )
            found[f"{each.group}/{version}", each.kind] = each
    return found


def _versions(crd: dict[str, Any], file: Path, publisher: str) -> list[CustomVersion]:
    spec = crd["spec"]
    return [
        CustomVersion(spec["group"], version["name"], spec["names"]["kind"], file, publisher)
        for version in spec["versions"]
        if version["served"]
    ]


@functools.cache
def _bundle_identity() -> str:
    sources = [Path(__file__).with_name(name) for name in ("conversion.py", "structure.py", "bundle.py")]
    total = hashlib.sha256((FOLDER / "lock.json").read_bytes())
    for source in sources:
        total.update(source.read_bytes())
    return total.hexdigest()
