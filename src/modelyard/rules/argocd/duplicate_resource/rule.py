"""Objects that two Applications claim."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, Manifest, is_namespaced


@rule("argocd/duplicate-resource", error, since="0.1.0")
def duplicate_resource(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Two Applications that render the same object overwrite each other, and removing one deletes it for both."""
    first: dict[tuple[str, str, str, str], Manifest] = {}
    for application in environment.applications:
        for manifest in application.resources:
            namespace = (
                "" if is_namespaced(manifest.group, manifest.kind) is False else environment.namespace_of(manifest)
            )
            key = (manifest.group, manifest.kind, namespace, manifest.name)
            other = first.setdefault(key, manifest)
            if other.application == manifest.application or _generated(manifest):
                continue
            where = f" in namespace {namespace}" if namespace else ""
            if not environment.is_generated and not _of_one_parent(environment, other, manifest):
                yield NotChecked(
                    f"{manifest}{where} of {other.application} and {manifest.application}",
                    "whether both Applications deploy to the same cluster is not known",
                    application=manifest.application,
                )
                continue
            yield Finding(
                at=manifest.at("metadata.name"),
                message=f"{manifest}{where} is rendered by the Applications {other.application} and "
                f"{manifest.application}",
                fix="keep it in one of them, or give each object its own name",
            )


def _of_one_parent(environment: Environment, one: Manifest, other: Manifest) -> bool:
    """Return whether one Application, ApplicationSet or folder brings the Applications of two objects."""
    parents = set()
    for each in (one, other):
        application = environment.application_by_name[each.application].manifest
        folder = (application.resource.origin or "").rpartition("/")[0]
        parents.add(application.application or application.resource.generated_by or folder)
    return len(parents) == 1


def _generated(manifest: Manifest) -> bool:
    """Return whether a generator named it by a hash, which `kustomize/shared-generated-name` is about."""
    origin = manifest.resource.origin
    return origin is not None and origin.rpartition("/")[2].lower().startswith("kustomization")
