"""Generated ConfigMaps and Secrets that two Applications share by accident."""

from collections.abc import Iterator

from modelyard.findings import Address, Finding, NotChecked, error
from modelyard.repository import FileAddress
from modelyard.rules import rule
from modelyard.view import Environment, Manifest


@rule("kustomize/shared-generated-name", error, since="0.1.0")
def shared_generated_name(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Equal content gives an equal hash: two models with one settings file get one ConfigMap, which both claim."""
    first: dict[tuple[str, str, str], Manifest] = {}
    for application in environment.applications:
        for manifest in application.own_resources:
            origin = manifest.resource.origin or ""
            if manifest.group or manifest.kind not in ("ConfigMap", "Secret") or not _is_kustomization(origin):
                continue
            key = (manifest.kind, environment.namespace_of(manifest), manifest.name)
            other = first.setdefault(key, manifest)
            if other.application != manifest.application:
                yield Finding(
                    at=_generator(manifest, origin),
                    message=f"{manifest} in namespace {key[1]} is generated for the Applications "
                    f"{other.application} and {manifest.application} alike",
                    fix=f"rename it in {manifest.target}, as the other objects of {manifest.application} are",
                )


def _is_kustomization(file: str) -> bool:
    return file.rpartition("/")[2].lower().startswith("kustomization")


def _generator(manifest: Manifest, origin: str) -> Address:
    """Return where the generator stands that made it."""
    key = "configMapGenerator" if manifest.kind == "ConfigMap" else "secretGenerator"
    for layer in manifest.repository.kustomizations.tree(manifest.target).layers:
        for index, entry in enumerate(layer.entries(key) if layer.file == origin else ()):
            if isinstance(entry, dict) and manifest.name.startswith(str(entry.get("name"))):
                return FileAddress(manifest.repository.files, origin, (key, index, "name"))
    return manifest.at()
