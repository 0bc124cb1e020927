"""Node pools and node classes, of Karpenter and of EKS Auto Mode."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from modelyard.graph.edges import Definition, ObjectRef, Reference, Selection
from modelyard.graph.extractors.context import Context
from modelyard.graph.extractors.registry import of
from modelyard.view.labels import written_labels
from modelyard.view.manifests import Manifest
from modelyard.view.shapes import numbered, text
from modelyard.view.terraform import Terraform

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
                chosen = Selection(kind, ("",), _selector(tags, terraform, kind), written_labels(tags))
                end = context.end(manifest, ("spec", field, index, "tags"))
                yield Reference(relation, end, chosen, elsewhere=elsewhere)


def _selector(tags: Mapping[str, Any], terraform: Terraform | None, kind: str) -> dict[str, Any]:
    """Return how tags choose, as a selector: EC2 takes `*` and `?` in a value for any text and any character.

    A value that Terraform learns at apply only may be any, so that its key alone is asked for.
    """
    given = [block.mapping("tags") for block in terraform.resources(kind)] if terraform is not None else []
    labels: dict[str, Any] = {}
    expressions: list[dict[str, Any]] = []
    for key, value in tags.items():
        pattern = str(value)
        there = [each[key] for each in given if key in each]
        if pattern == "*" or None in there:
            expressions.append({"key": key, "operator": "Exists"})
        elif "*" in pattern or "?" in pattern:
            # Brackets are plain characters to EC2.
            plain = pattern.replace("[", "[[]")
            meant = sorted({str(each) for each in there if fnmatchcase(str(each), plain)})
            expressions.append({"key": key, "operator": "In", "values": meant})
        else:
            labels[key] = value
    return {"matchLabels": labels, "matchExpressions": expressions}
