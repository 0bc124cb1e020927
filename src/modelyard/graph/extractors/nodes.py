"""Node pools and node classes, of Karpenter and of EKS Auto Mode."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.graph.edges import Definition, ObjectRef, Reference, Selection
from modelyard.graph.extractors.context import Context
from modelyard.graph.extractors.registry import of
from modelyard.view.labels import written_labels
from modelyard.view.manifests import Manifest
from modelyard.view.shapes import numbered, text

_TERMS = (
    ("subnetSelectorTerms", "aws_subnet", "looks for subnets"),
    ("securityGroupSelectorTerms", "aws_security_group", "looks for security groups"),
)


@of(("karpenter.sh", "NodePool"))
def node_pools(manifest: Manifest, context: Context) -> Iterator[Definition | Reference]:
    """Yield the node class that a pool takes its nodes from."""
    reference = manifest.mapping("spec.template.spec.nodeClassRef")
    if text(reference, "name"):
        node = ObjectRef(text(reference, "kind") or "EC2NodeClass", text(reference, "name"))
        yield Reference("is of", context.end(manifest, ("spec", "template", "spec", "nodeClassRef", "name")), node)


@of(("karpenter.k8s.aws", "EC2NodeClass"), ("eks.amazonaws.com", "NodeClass"))
def node_classes(manifest: Manifest, context: Context) -> Iterator[Definition | Reference]:
    """Yield the role of a class's nodes, and the tags by which subnets and security groups are found."""
    terraform = context.environment.terraform
    elsewhere = "" if terraform is not None else "Terraform"
    role = text(manifest.mapping("spec"), "role")
    if role:
        end = context.end(manifest, ("spec", "role"))
        yield Reference("has role", end, ObjectRef("aws_iam_role", role), elsewhere=elsewhere)
    for field, kind, relation in _TERMS:
        for index, term in numbered(manifest.value, "spec", field):
            tags = term.get("tags")
            if isinstance(tags, dict) and tags:
                matched = {
                    "matchLabels": {key: value for key, value in tags.items() if value != "*"},
                    "matchExpressions": [
                        {"key": key, "operator": "Exists"} for key, value in tags.items() if value == "*"
                    ],
                }
                chosen = Selection(kind, ("",), matched, written_labels(tags))
                end = context.end(manifest, ("spec", field, index, "tags"))
                yield Reference(relation, end, chosen, elsewhere=elsewhere)
