"""Objects that two Applications claim."""

from collections.abc import Iterator

from modelyard.cluster import Environment, Thing, is_namespaced
from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule


@rule("argocd/duplicate-resource", error, since="0.1.0")
def duplicate_resource(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Two Applications that render one object undo each other's changes, and each may delete it for the other."""
    first: dict[tuple[str, str, str, str], Thing] = {}
    for application in environment.applications:
        for thing in application.resources:
            namespace = "" if is_namespaced(thing.group, thing.kind) is False else environment.namespace_of(thing)
            key = (thing.group, thing.kind, namespace, thing.name)
            other = first.setdefault(key, thing)
            if other.application == thing.application or _generated(thing):
                continue
            where = f" in namespace {namespace}" if namespace else ""
            yield Finding(
                at=thing.at("metadata.name"),
                message=f"{thing}{where} is rendered by the Applications {other.application} and {thing.application}",
                fix="leave it to one of them, or give each its own name",
            )


def _generated(thing: Thing) -> bool:
    """Return whether a generator named it by a hash, which `kustomize/shared-generated-name` is about."""
    origin = thing.resource.origin
    return origin is not None and origin.rpartition("/")[2].lower().startswith("kustomization")
