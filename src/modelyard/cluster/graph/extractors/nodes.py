"""Node pools and node classes, of Karpenter and of EKS Auto Mode."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.cluster.graph.edges import Definition, Node, Reference, Selection
from modelyard.cluster.graph.extractors.context import Context
from modelyard.cluster.graph.extractors.registry import of
from modelyard.cluster.labels import written_labels
from modelyard.cluster.shapes import numbered, text
from modelyard.cluster.things import Thing

_TERMS = (
    ("subnetSelectorTerms", "aws_subnet", "looks for subnets"),
    ("securityGroupSelectorTerms", "aws_security_group", "looks for security groups"),
)


@of(("karpenter.sh", "NodePool"))
def node_pools(thing: Thing, context: Context) -> Iterator[Definition | Reference]:
    """Yield the node class that a pool takes its nodes from."""
    reference = thing.mapping("spec.template.spec.nodeClassRef")
    if text(reference, "name"):
        node = Node(text(reference, "kind") or "EC2NodeClass", text(reference, "name"))
        yield Reference("is of", context.end(thing, ("spec", "template", "spec", "nodeClassRef", "name")), node)


@of(("karpenter.k8s.aws", "EC2NodeClass"), ("eks.amazonaws.com", "NodeClass"))
def node_classes(thing: Thing, context: Context) -> Iterator[Definition | Reference]:
    """Yield the role of a class's nodes, and the tags by which subnets and security groups are found."""
    terraform = context.environment.terraform
    elsewhere = "" if terraform is not None else "Terraform"
    role = text(thing.mapping("spec"), "role")
    if role:
        end = context.end(thing, ("spec", "role"))
        yield Reference("has role", end, Node("aws_iam_role", role), elsewhere=elsewhere)
    for field, kind, relation in _TERMS:
        for index, term in numbered(thing.value, "spec", field):
            tags = term.get("tags")
            if isinstance(tags, dict) and tags:
                matched = {
                    "matchLabels": {key: value for key, value in tags.items() if value != "*"},
                    "matchExpressions": [
                        {"key": key, "operator": "Exists"} for key, value in tags.items() if value == "*"
                    ],
                }
                chosen = Selection(kind, ("",), matched, written_labels(tags))
                end = context.end(thing, ("spec", field, index, "tags"))
                yield Reference(relation, end, chosen, elsewhere=elsewhere)
