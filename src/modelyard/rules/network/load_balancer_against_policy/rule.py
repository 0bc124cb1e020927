"""Load balancers that the cluster's own policy refuses."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rendering import Path
from modelyard.rules import rule
from modelyard.view import Environment, Manifest
from modelyard.view.services import INTERNAL, MADE_INTERNAL, SCHEME, public_annotation

POLICY = "public-load-balancers"
ALLOWED = "modelyard.dev/public-load-balancers"
_INGRESS = "alb.ingress.kubernetes.io/scheme"


@rule("network/load-balancer-against-policy", error, since="0.1.0")
def load_balancer_against_policy(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The admission policy rejects internet-facing load balancers without an opt-in label, and the sync fails."""
    if not any(manifest.name == POLICY for manifest in environment.of_kind("ValidatingAdmissionPolicy")):
        return
    allowing = {
        manifest.name for manifest in environment.of_kind("Namespace", "") if manifest.labels.get(ALLOWED) == "allowed"
    }
    for manifest in (
        *environment.of_kind("Service", ""),
        *environment.of_kind("Ingress", "networking.k8s.io"),
        *environment.of_kind("LoadBalancerConfiguration", "gateway.k8s.aws"),
        *environment.of_kind("IngressClassParams"),
    ):
        namespace = environment.namespace_of(manifest)
        found = _refused(manifest)
        if found is None or not environment.is_ours(manifest):
            continue
        if manifest.kind == "IngressClassParams":
            # It has no namespace, and carries the label itself.
            if manifest.labels.get(ALLOWED) != "allowed":
                path, said, fix = found
                yield Finding(
                    at=manifest.at(path),
                    message=f"policy {POLICY} rejects {manifest}: {said}, and it is not labelled {ALLOWED}",
                    fix=f"{fix}, or label it {ALLOWED}: allowed, if it is meant to be public",
                )
            continue
        if namespace in allowing:
            continue
        path, said, fix = found
        yield Finding(
            at=manifest.at(path),
            message=f"policy {POLICY} rejects {manifest}: {said}, and namespace {namespace} is not labelled {ALLOWED}",
            fix=f"{fix}, or label the namespace {ALLOWED}: allowed, if it is meant to be public",
        )


def _refused(manifest: Manifest) -> tuple[Path, str, str] | None:
    """Return where it faces the internet, how, and how it would not; None where it does not."""
    if manifest.kind in ("LoadBalancerConfiguration", "IngressClassParams"):
        public = manifest.get("spec.scheme", None) == "internet-facing"
        return (
            (("spec", "scheme"), "its load balancers are internet-facing", "set scheme to internal") if public else None
        )
    if manifest.kind == "Ingress":
        if manifest.annotations.get(_INGRESS) != "internet-facing":
            return None
        return ("metadata", "annotations", _INGRESS), "it is internet-facing", f"set {_INGRESS} to internal"
    if manifest.get("spec.type") != "LoadBalancer":
        return None
    annotation = public_annotation(manifest.annotations)
    if annotation and (annotation == SCHEME or manifest.get("spec.loadBalancerClass", None)):
        path = ("metadata", "annotations", annotation)
        return path, "it is internet-facing", f"set {annotation} to {MADE_INTERNAL[annotation]}"
    # AWS's own controller does not know the scheme.
    if manifest.annotations.get(INTERNAL) != "true" and not manifest.get("spec.loadBalancerClass", None):
        return (
            ("spec", "type"),
            "it has no loadBalancerClass, so AWS's in-tree controller makes it public",
            (f"set a loadBalancerClass, or set {INTERNAL} to true"),
        )
    return None
