"""Node roles that the cluster does not let in."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.graph import graph
from modelyard.rules import rule
from modelyard.view import Block, Environment, Manifest, Terraform

# Types of access entries under which nodes may register.
_NODES = ("EC2", "EC2_LINUX", "EC2_WINDOWS", "HYBRID_LINUX")


@rule("terraform/nodes-without-access", error, since="0.1.0")
def nodes_without_access(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Nodes whose role has no EKS access entry start, but never join the cluster."""
    terraform = environment.terraform
    if terraform is None or not any(_by_entries(cluster) for cluster in terraform.resources("aws_eks_cluster")):
        return
    roles = {
        end.holder.address: (end.node.name, end.holder)
        for edge in graph(environment).of("has role")
        for end in edge.targets
        if isinstance(end.holder, Block)
    }
    for name, block in roles.values():
        if _of_auto_mode(terraform, block, name):
            continue
        if not _has_entry(terraform, block, name):
            chosen = _of_node_group(environment, terraform, block, name)
            yield Finding(
                at=block.at() if chosen is None else chosen.at("spec.role"),
                message=f"nodes use the role {name}, which has no access entry of type EC2_LINUX"
                if chosen is None
                else f"{chosen} has the role {name} of a managed node group, which Karpenter may not pass and which "
                "has no access entry of type EC2_LINUX",
                fix="add aws_eks_access_entry with the role's ARN and type EC2_LINUX"
                if chosen is None
                else "name the role of Karpenter's nodes",
            )


def _of_node_group(environment: Environment, terraform: Terraform, role: Block, name: str) -> Manifest | None:
    """Return a node class that takes the role of a managed group, for which EKS makes an entry of its own accord."""
    groups = {str(each.values.get("node_role_arn")) for each in terraform.resources("aws_eks_node_group")}
    if role.id not in groups:
        return None
    classes = (each for each in environment.of_kind("EC2NodeClass") if each.get("spec.role") == name)
    return next(classes, None)


def _by_entries(cluster: Block) -> bool:
    return cluster.mapping("access_config").get("authentication_mode") == "API"


def _of_auto_mode(terraform: Terraform, role: Block, name: str) -> bool:
    """Return whether EKS makes the entry itself: for the role that the cluster's own pools have in Auto Mode."""
    clusters = terraform.resources("aws_eks_cluster")
    named = [cluster.mapping("compute_config").get("node_role_arn") for cluster in clusters]
    return any(each is not None and (each == role.id or str(each).endswith(f":role/{name}")) for each in named)


def _has_entry(terraform: Terraform, role: Block, name: str) -> bool:
    for entry in terraform.resources("aws_eks_access_entry"):
        if entry.text("type") not in _NODES:
            continue
        principal = entry.values.get("principal_arn")
        if principal is None or principal == role.id or str(principal).endswith(f":role/{name}"):
            return True
    return False
