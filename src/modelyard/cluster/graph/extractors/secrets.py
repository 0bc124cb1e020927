"""Secrets: who makes them, from which store, by which key."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.cluster.graph.edges import Definition, End, Node, Reference
from modelyard.cluster.graph.extractors.context import Context
from modelyard.cluster.graph.extractors.registry import of
from modelyard.cluster.secrets import EXTERNAL_SECRETS_GROUP, secret_sources
from modelyard.cluster.shapes import mapping, numbered, text
from modelyard.cluster.things import Thing
from modelyard.rendering import Path

_OWN = EXTERNAL_SECRETS_GROUP
_STORES = ((_OWN, "SecretStore"), (_OWN, "ClusterSecretStore"))


@of(("", "ConfigMap"))
def config_maps(thing: Thing, context: Context) -> Iterator[Definition | Reference]:
    """Yield the keys of a ConfigMap."""
    for field in ("data", "binaryData"):
        for key in thing.mapping(field):
            yield Definition(context.end(thing, (field, key), part=str(key)))


@of(
    ("", "Secret"),
    (_OWN, "ExternalSecret"),
    (_OWN, "ClusterExternalSecret"),
    ("bitnami.com", "SealedSecret"),
    ("cert-manager.io", "Certificate"),
)
def secrets(thing: Thing, context: Context) -> Iterator[Definition | Reference]:
    """Yield the Secret that a resource is or makes, with its keys."""
    for source in secret_sources([thing]):
        spaces = sorted(context.environment.pods_by_namespace) if source.everywhere else [context.namespace(thing)]
        for namespace in spaces:
            node = Node("Secret", source.name, namespace)
            if thing.kind != "Secret":
                yield Definition(End(node, thing, ("spec",)), open=source.keys is None)
            for key in sorted(source.keys or ()):
                yield Definition(End(node._replace(part=key), thing, ("spec",) if thing.kind != "Secret" else ()))


@of((_OWN, "ExternalSecret"), (_OWN, "ClusterExternalSecret"))
def external_secrets(thing: Thing, context: Context) -> Iterator[Definition | Reference]:
    """Yield the store that an ExternalSecret reads, and what it reads there."""
    spec: Path = ("spec",) if thing.kind == "ExternalSecret" else ("spec", "externalSecretSpec")
    value = thing.mapping(spec)
    store = mapping(value, "secretStoreRef")
    if text(store, "name"):
        kind = text(store, "kind") or "SecretStore"
        node = Node(kind, text(store, "name"), "" if kind == "ClusterSecretStore" else context.namespace(thing))
        yield Reference("reads from", context.end(thing, (*spec, "secretStoreRef", "name")), node)
    elsewhere = "" if context.environment.terraform is not None else "Terraform"
    for index, each in numbered(value, "data"):
        key = text(mapping(each, "remoteRef"), "key")
        if key:
            end = context.end(thing, (*spec, "data", index, "remoteRef", "key"))
            yield Reference("reads", end, Node("aws_secretsmanager_secret", key), elsewhere=elsewhere)
    for index, each in numbered(value, "dataFrom"):
        key = text(mapping(each, "extract"), "key")
        if key:
            end = context.end(thing, (*spec, "dataFrom", index, "extract", "key"))
            yield Reference("reads", end, Node("aws_secretsmanager_secret", key), elsewhere=elsewhere)


@of(*_STORES)
def stores(thing: Thing, context: Context) -> Iterator[Definition | Reference]:
    """Yield the service account that a store reads as."""
    path: Path = ("spec", "provider", "aws", "auth", "jwt", "serviceAccountRef")
    account = thing.mapping(path)
    if text(account, "name"):
        namespace = text(account, "namespace") or context.namespace(thing)
        node = Node("ServiceAccount", text(account, "name"), namespace)
        yield Reference("reads as", context.end(thing, (*path, "name")), node)
