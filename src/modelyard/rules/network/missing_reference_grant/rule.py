"""Routes to Services of namespaces that do not permit it."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.graph import graph
from modelyard.rules import rule
from modelyard.view import Environment, Manifest, entries, text

_GROUP = "gateway.networking.k8s.io"


@rule("network/missing-reference-grant", error, since="0.1.0", absence="object")
def missing_reference_grant(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A gateway does not send to a Service of another namespace without a ReferenceGrant there."""
    for edge in graph(environment).of("routes to"):
        manifest, wanted = edge.source.holder, edge.wanted
        if not isinstance(manifest, Manifest) or manifest.group != _GROUP or edge.source.at is None:
            continue
        own = environment.namespace_of(manifest)
        if wanted.namespace == own or not edge.targets:
            continue
        grants = (each for each in environment.of_kind("ReferenceGrant", _GROUP))
        if not any(
            environment.namespace_of(each) == wanted.namespace and _permits(each, manifest.kind, own, wanted.name)
            for each in grants
        ):
            yield Finding(
                at=edge.source.at,
                message=f"{edge.source.node} routes to {wanted.whole}, but no ReferenceGrant "
                f"in {wanted.namespace} permits it",
                fix=f"add a ReferenceGrant to {wanted.namespace}, or move the route there",
            )


def _permits(grant: Manifest, kind: str, namespace: str, service: str) -> bool:
    sources = any(
        text(each, "kind") == kind and text(each, "namespace") == namespace
        for each in entries(grant.value, "spec", "from")
    )
    targets = any(
        text(each, "kind") == "Service" and text(each, "name") in ("", service)
        for each in entries(grant.value, "spec", "to")
    )
    return sources and targets
