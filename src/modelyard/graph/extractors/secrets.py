"""Secrets: who makes them, from which store, by which key."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.graph.edges import Definition, End, ObjectRef, Reference
from modelyard.graph.extractors.context import Context
from modelyard.graph.extractors.registry import of
from modelyard.rendering import Path
from modelyard.view.manifests import Manifest
from modelyard.view.secrets import EXTERNAL_SECRETS_GROUP, secret_sources
from modelyard.view.shapes import mapping, numbered, text

_OWN = EXTERNAL_SECRETS_GROUP
_STORES = ((_OWN, "SecretStore"), (_OWN, "ClusterSecretStore"))


@of(("", "ConfigMap"))
def config_maps(manifest: Manifest, context: Context) -> Iterator[Definition | Reference]:
    """Yield the keys of a ConfigMap."""
    for field in ("data", "binaryData"):
        for key in manifest.mapping(field):
            yield Definition(context.end(manifest, (field, key), part=str(key)))


@of(
    ("", "Secret"),
    (_OWN, "ExternalSecret"),
    (_OWN, "ClusterExternalSecret"),
    ("bitnami.com", "SealedSecret"),
    ("cert-manager.io", "Certificate"),
)
def secrets(manifest: Manifest, context: Context) -> Iterator[Definition | Reference]:
    """Yield the Secret that a resource is or makes, with its keys."""
    for source in secret_sources([manifest]):
        spaces = sorted(context.environment.pods_by_namespace) if source.everywhere else [context.namespace(manifest)]
        for namespace in spaces:
            node = ObjectRef("Secret", source.name, namespace)
            if manifest.kind != "Secret":
                yield Definition(End(node, manifest, ("spec",)), open=source.keys is None)
            for key in sorted(source.keys or ()):
                yield Definition(End(node._replace(part=key), manifest, ("spec",) if manifest.kind != "Secret" else ()))


@of((_OWN, "ExternalSecret"), (_OWN, "ClusterExternalSecret"))
def external_secrets(manifest: Manifest, context: Context) -> Iterator[Definition | Reference]:
    """Yield the store that an ExternalSecret reads, and what it reads there."""
    spec: Path = ("spec",) if manifest.kind == "ExternalSecret" else ("spec", "externalSecretSpec")
    value = manifest.mapping(spec)
    store = mapping(value, "secretStoreRef")
    if text(store, "name"):
        kind = text(store, "kind") or "SecretStore"
        node = ObjectRef(kind, text(store, "name"), "" if kind == "ClusterSecretStore" else context.namespace(manifest))
        yield Reference("reads from", context.end(manifest, (*spec, "secretStoreRef", "name")), node)
    elsewhere = "" if context.environment.terraform is not None else "Terraform"
    for index, each in numbered(value, "data"):
        key = text(mapping(each, "remoteRef"), "key")
        if key:
            end = context.end(manifest, (*spec, "data", index, "remoteRef", "key"))
            yield Reference("reads", end, ObjectRef("aws_secretsmanager_secret", key), elsewhere=elsewhere)
    for index, each in numbered(value, "dataFrom"):
        key = text(mapping(each, "extract"), "key")
        if key:
            end = context.end(manifest, (*spec, "dataFrom", index, "extract", "key"))
            yield Reference("reads", end, ObjectRef("aws_secretsmanager_secret", key), elsewhere=elsewhere)


@of(*_STORES)
def stores(manifest: Manifest, context: Context) -> Iterator[Definition | Reference]:
    """Yield the service account that a store reads as."""
    path: Path = ("spec", "provider", "aws", "auth", "jwt", "serviceAccountRef")
    account = manifest.mapping(path)
    if text(account, "name"):
        namespace = text(account, "namespace") or context.namespace(manifest)
        node = ObjectRef("ServiceAccount", text(account, "name"), namespace)
        yield Reference("reads as", context.end(manifest, (*path, "name")), node)
