"""ExternalSecrets of stores that are not there."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rendering import Path
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of
from modelyard.view import Environment, Manifest, text

GROUP = "external-secrets.io"


@rule("secrets/unknown-store", error, since="0.1.0", absence="object")
def unknown_store(environment: Environment) -> Iterator[Finding | NotChecked]:
    """An ExternalSecret whose store does not exist never creates its Secret."""
    for manifest in environment.of_kind("ExternalSecret", GROUP):
        yield from _judge(environment, manifest, ("spec", "secretStoreRef"), environment.namespace_of(manifest))
    for manifest in environment.of_kind("ClusterExternalSecret", GROUP):
        yield from _judge(environment, manifest, ("spec", "externalSecretSpec", "secretStoreRef"), None)


def _judge(environment: Environment, manifest: Manifest, path: Path, namespace: str | None) -> Iterator[Finding]:
    reference = manifest.mapping(path)
    name, kind = text(reference, "name"), text(reference, "kind") or "SecretStore"
    if not name or kind not in ("SecretStore", "ClusterSecretStore") or (namespace is None and kind == "SecretStore"):
        return
    stores = {
        (each.kind, each.name)
        for each in (*environment.of_kind("SecretStore", GROUP), *environment.of_kind("ClusterSecretStore", GROUP))
        if each.kind == "ClusterSecretStore" or environment.namespace_of(each) == namespace
    }
    if (kind, name) in stores:
        return
    same_name = next((other for other, each in stores if each == name), None)
    names = {each for other, each in stores if other == kind}
    where = f" in namespace {namespace}" if kind == "SecretStore" else ""
    yield Finding(
        at=manifest.at((*path, "kind" if same_name else "name")),
        message=f"{manifest} reads from {kind} {name}, which does not exist{where}",
        fix=f"kind: {same_name}" if same_name else f"name {nearest(str(name), names) or one_of(names)}",
    )
