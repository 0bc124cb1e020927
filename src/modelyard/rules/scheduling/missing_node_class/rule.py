"""Node pools of a node class that is not there."""

from collections.abc import Iterator

from modelyard.cluster import Environment
from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of


@rule("scheduling/missing-node-class", error, since="0.1.0")
def missing_node_class(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Karpenter ignores a node pool whose EC2NodeClass does not exist."""
    known = {thing.name for thing in environment.of_kind("EC2NodeClass")}
    for pool in environment.pools:
        reference = pool.thing.mapping("spec.template.spec.nodeClassRef")
        if pool.node_class is None and reference.get("kind", "EC2NodeClass") == "EC2NodeClass":
            name = str(reference.get("name") or "")
            yield Finding(
                at=pool.thing.at("spec.template.spec.nodeClassRef.name"),
                message=f"{pool} takes its nodes from EC2NodeClass {name or '(none)'}, which is not defined",
                fix=f"name {nearest(name, known) or one_of(known)}",
            )
