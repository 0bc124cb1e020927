"""Pods that count as ready before their load balancer sends to them."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment
from modelyard.view.times.answer import backends

LABELS = ("elbv2.k8s.aws/pod-readiness-gate-inject", "eks.amazonaws.com/pod-readiness-gate-inject")
"""Of the AWS Load Balancer Controller, and of EKS Auto Mode."""

TARGET_TYPE = "alb.ingress.kubernetes.io/target-type"


@rule("network/missing-readiness-gate", warning, since="0.1.0")
def missing_readiness_gate(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A rollout deletes the old pod when the new one is ready, before the load balancer sends requests to it."""
    namespaces = {manifest.name: manifest for manifest in environment.of_kind("Namespace", "")}
    for ingress in environment.of_kind("Ingress", "networking.k8s.io"):
        namespace = environment.namespace_of(ingress)
        manifest = namespaces.get(namespace)
        if ingress.annotations.get(TARGET_TYPE) != "ip" or manifest is None or not environment.is_ours(ingress):
            continue
        served = {each.name for each in environment.services if each.namespace == namespace}
        if served & backends(ingress) and not any(manifest.labels.get(label) == "enabled" for label in LABELS):
            yield Finding(
                at=manifest.at("metadata.labels", key=True),
                message=f"pods of namespace {namespace} are ready before the load balancer of {ingress} uses them, "
                "so each rollout of a single replica has an outage",
                fix=f"label the namespace {LABELS[0]}: enabled (the choice readiness-gates of model-namespace)",
            )
