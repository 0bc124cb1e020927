"""Generated ConfigMaps and Secrets that two Applications share by accident."""

from collections.abc import Iterator

from modelyard.cluster import Environment, Thing
from modelyard.findings import Address, Finding, NotChecked, error
from modelyard.repository import FileAddress
from modelyard.rules import rule


@rule("kustomize/shared-generated-name", error, since="0.1.0")
def shared_generated_name(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Equal content gives an equal hash: two models with one settings file get one ConfigMap, which both claim."""
    first: dict[tuple[str, str, str], Thing] = {}
    for application in environment.applications:
        for thing in application.own_resources:
            origin = thing.resource.origin or ""
            if thing.group or thing.kind not in ("ConfigMap", "Secret") or not _is_kustomization(origin):
                continue
            key = (thing.kind, environment.namespace_of(thing), thing.name)
            other = first.setdefault(key, thing)
            if other.application != thing.application:
                yield Finding(
                    at=_generator(thing, origin),
                    message=f"{thing} in namespace {key[1]} is generated for the Applications "
                    f"{other.application} and {thing.application} alike",
                    fix=f"rename it in {thing.target}, as the other objects of {thing.application} are",
                )


def _is_kustomization(file: str) -> bool:
    return file.rpartition("/")[2].lower().startswith("kustomization")


def _generator(thing: Thing, origin: str) -> Address:
    """Return where the generator stands that made it."""
    key = "configMapGenerator" if thing.kind == "ConfigMap" else "secretGenerator"
    for layer in thing.repository.kustomizations.tree(thing.target).layers:
        for index, entry in enumerate(layer.entries(key) if layer.file == origin else ()):
            if isinstance(entry, dict) and thing.name.startswith(str(entry.get("name"))):
                return FileAddress(thing.repository.files, origin, (key, index, "name"))
    return thing.at()
