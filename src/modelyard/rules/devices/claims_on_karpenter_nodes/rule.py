"""Pods that claim devices, on nodes that Karpenter would have to start."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.placement import cluster, placements
from modelyard.rules import rule
from modelyard.view import OF_AUTO_MODE, Environment, NodeRequirement, alternatives

# Labels that only Karpenter's nodes have.
_KARPENTER = ("karpenter.sh/", "karpenter.k8s.aws/", *OF_AUTO_MODE)


@rule("devices/claims-on-karpenter-nodes", error, since="0.1.0")
def claims_on_karpenter_nodes(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Karpenter ignores pods with resource claims, so it never starts the nodes that they require."""
    if not environment.pools or not cluster(environment).settings.ignore_claims:
        return
    for found in placements(environment):
        if not found.shape.claims or found.daemon:
            continue
        groups = [[each for each in group if _is_karpenters(each)] for group in alternatives(found.template)]
        if groups and all(groups):
            demand = groups[0][0]
            yield Finding(
                at=found.template.at(*demand.path),
                message=f"{found.template} have resource claims and require {demand}, which only Karpenter's "
                "nodes have; this version of Karpenter starts no nodes for pods with claims",
                fix="require a label of a managed node group instead (device_node_groups of Terraform), or request "
                "devices under resources.limits",
            )


def _is_karpenters(demand: NodeRequirement) -> bool:
    return demand.key.startswith(_KARPENTER) and demand.operator not in ("NotIn", "DoesNotExist")
