"""Manifests that name another cluster, or what another cluster has."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.graph import Edge, State, graph
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of
from modelyard.view import Environment, Manifest, Terraform

DISCOVERY = "karpenter.sh/discovery"
_TERMS = ("subnetSelectorTerms", "securityGroupSelectorTerms", "capacityReservationSelectorTerms")


@rule("environment/cluster-name-mismatch", error, since="0.1.0")
def cluster_name_mismatch(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A controller with another cluster's name creates nodes for that cluster, or finds no subnets."""
    cluster = environment.facts.get("cluster")
    if isinstance(cluster, str) and cluster:
        for edge in graph(environment).of("works on", State.DANGLING):
            if edge.source.node.kind != "chart values":
                continue  # terraform/facts-mismatch says so of its variables
            yield from _told(
                edge,
                f"chart {edge.source.node.name} is configured for cluster {edge.wanted.name}, "
                f"but {environment.folder.facts_file} says {cluster}",
                f"write {cluster}",
            )
        for manifest in environment.node_classes:
            yield from _terms(environment, manifest, cluster)
    if environment.terraform is not None:
        yield from _names(environment, environment.terraform)


def _names(environment: Environment, terraform: Terraform) -> Iterator[Finding]:
    queues = {each.text("name") for each in terraform.resources("aws_sqs_queue")} - {""}
    for edge in graph(environment).of("listens to", State.DANGLING):
        if queues:
            fix = f"write {nearest(edge.wanted.name, queues) or one_of(queues)}"
            yield from _told(edge, f"Karpenter uses queue {edge.wanted.name}, which Terraform does not create", fix)
    roles = _node_roles(terraform)
    for edge in graph(environment).of("has role", State.DANGLING):
        if roles:
            # Without the node class's name, since one patch mostly writes all of them.
            fix = f"write {nearest(edge.wanted.name, roles) or one_of(roles)}"
            yield from _told(edge, f"node classes use role {edge.wanted.name}, which Terraform does not create", fix)


def _node_roles(terraform: Terraform) -> set[str]:
    """Return the names of the roles with which Terraform lets nodes in."""
    found = set()
    for entry in terraform.resources("aws_eks_access_entry"):
        role = terraform.named(entry.values.get("principal_arn"))
        if entry.text("type").startswith("EC2") and role is not None:
            found.add(role.text("name"))
    return found - {""}


def _told(edge: Edge, message: str, fix: str) -> Iterator[Finding]:
    at = edge.source.at
    if at is not None:
        yield Finding(at=at, message=message, fix=fix)


def _terms(environment: Environment, manifest: Manifest, cluster: str) -> Iterator[Finding]:
    for field in _TERMS:
        for index, term in enumerate(manifest.entries(("spec", field))):
            tags = term.get("tags")
            tag = tags.get(DISCOVERY) if isinstance(tags, dict) else None
            if tag is not None and tag != cluster:
                yield Finding(
                    at=manifest.at(("spec", field, index, "tags", DISCOVERY)),
                    message=f"node classes select {DISCOVERY}={tag} in {field}, "
                    f"but {environment.folder.facts_file} says {cluster}",
                    fix=f"write {cluster}, which is how Terraform tags what belongs to the cluster",
                )
