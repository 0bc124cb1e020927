"""Manifests that name another cluster."""

from collections.abc import Iterator

from modelyard.cluster import Environment, Thing
from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule

DISCOVERY = "karpenter.sh/discovery"
_TERMS = ("subnetSelectorTerms", "securityGroupSelectorTerms")

# Where charts that work on one cluster are told its name.
_CHARTS = {
    "karpenter": "settings.clusterName",
    "aws-load-balancer-controller": "clusterName",
    "aws-cloudwatch-metrics": "clusterName",
}


@rule("environment/other-cluster", error, since="0.1.0")
def other_cluster(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A controller that is told another cluster's name makes nodes for that one, or finds no network."""
    cluster = environment.facts.get("cluster")
    if not isinstance(cluster, str) or not cluster:
        return
    for values in environment.chart_values:
        path = _CHARTS.get(values.source.chart)
        found = values.get(path) if path else None
        if path and isinstance(found, str) and found != cluster:
            yield Finding(
                at=values.at(path),
                message=f"chart {values.source.chart} works on cluster {found}, "
                f"while {environment.folder.facts_file} says {cluster}",
                fix=f"write {cluster}",
            )
    for thing in environment.of_kind("EC2NodeClass"):
        yield from _terms(environment, thing, cluster)


def _terms(environment: Environment, thing: Thing, cluster: str) -> Iterator[Finding]:
    for field in _TERMS:
        for index, term in enumerate(thing.entries(("spec", field))):
            tags = term.get("tags")
            tag = tags.get(DISCOVERY) if isinstance(tags, dict) else None
            if tag is not None and tag != cluster:
                # Without the node class's name, since one patch mostly writes all of them.
                yield Finding(
                    at=thing.at(("spec", field, index, "tags", DISCOVERY)),
                    message=f"node classes look for {DISCOVERY}={tag} in {field}, "
                    f"while {environment.folder.facts_file} says {cluster}",
                    fix=f"write {cluster}, which Terraform gives to subnets and security groups",
                )
