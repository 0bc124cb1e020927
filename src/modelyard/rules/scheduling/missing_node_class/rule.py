"""Node pools of a node class that is not there."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of
from modelyard.view import AUTO_MODE, NODE_CLASSES, Environment

OWN_OF_EKS = (AUTO_MODE, "default")
"""What EKS brings with the built-in pools of Auto Mode."""


@rule("scheduling/missing-node-class", error, since="0.1.0", absence="cluster")
def missing_node_class(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Karpenter starts no nodes for a node pool whose node class does not exist."""
    for pool in environment.pools:
        kind = pool.class_kind
        name = str(pool.manifest.get("spec.template.spec.nodeClassRef.name") or "")
        group = str(pool.manifest.get("spec.template.spec.nodeClassRef.group") or "")
        if kind in NODE_CLASSES and group and group != NODE_CLASSES[kind]:
            yield Finding(
                at=pool.manifest.at("spec.template.spec.nodeClassRef.group"),
                message=f"{pool} references {kind} of group {group}, but {kind} is in {NODE_CLASSES[kind]}",
                fix=f"write {NODE_CLASSES[kind]}",
            )
            continue
        if kind not in NODE_CLASSES and group in NODE_CLASSES.values():
            kinds = [each for each, of in NODE_CLASSES.items() if of == group]
            yield Finding(
                at=pool.manifest.at("spec.template.spec.nodeClassRef.kind"),
                message=f"{pool} references a {kind}, and group {group} has {one_of(kinds)} only",
                fix=f"write {one_of(kinds)}",
            )
            continue
        known = {manifest.name for manifest in environment.node_classes if manifest.kind == kind}
        if pool.node_class is None and kind in NODE_CLASSES and (kind, name) != OWN_OF_EKS:
            yield Finding(
                at=pool.manifest.at("spec.template.spec.nodeClassRef.name"),
                message=f"{pool} references {kind} {name or '(none)'}, which does not exist",
                fix=f"name {nearest(name, known) or one_of(known)}",
            )
