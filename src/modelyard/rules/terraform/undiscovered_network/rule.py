"""Networks that Karpenter does not find."""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from modelyard.findings import Address, Finding, NotChecked, error
from modelyard.graph import State, graph
from modelyard.rules import rule
from modelyard.rules.wording import both
from modelyard.view import Block, Environment, Terraform, mapping

_WHAT = {"aws_subnet": "subnet", "aws_security_group": "security group"}
_DISCOVERY = "karpenter.sh/discovery"


@rule("terraform/undiscovered-network", error, since="0.1.0")
def undiscovered_network(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Without a subnet and a security group with its tags, a node class is not ready and no node starts."""
    terraform = environment.terraform
    if terraform is None or not terraform.resources("aws_subnet"):
        return
    if terraform.resources("aws_vpc"):
        yield from _by_name(environment, terraform)
        yield from _by_all_tags(environment, terraform)
    told = set()
    for relation in ("looks for subnets", "looks for security groups"):
        for edge in graph(environment).of(relation, State.DANGLING):
            wanted = edge.wanted
            key, _, value = wanted.name.partition("=")
            if wanted in told or (key == _DISCOVERY and value != environment.facts.get("cluster")):
                continue  # another cluster's name is told where it is written
            told.add(wanted)
            # The cluster's own tag is the right one to ask for, and Terraform lost it; any other is asked for wrongly.
            at = _where(terraform, wanted.kind) if key == _DISCOVERY else edge.source.at
            own = f"{_DISCOVERY}: {environment.facts.get('cluster') or 'the name of the cluster'}"
            yield Finding(
                at=at or _where(terraform, wanted.kind),
                message=f"node classes select a {_WHAT[wanted.kind]} with {wanted.name}, but Terraform does "
                "not set that tag",
                fix=f"tag the nodes' {_WHAT[wanted.kind]} with {key}"
                + ("" if key == _DISCOVERY else f", or select {own}"),
            )


def _by_name(environment: Environment, terraform: Terraform) -> Iterator[Finding]:
    """Yield security groups that node classes choose by a name that no group of the environment has."""
    groups = [block.values.get("name") for block in terraform.resources("aws_security_group")]
    if not all(isinstance(each, str) for each in groups):
        return  # a name that is known when Terraform runs
    # EKS names the group that control plane and nodes share; what follows the name is random.
    of_cluster = f"eks-cluster-sg-{environment.facts.get('cluster')}-"
    for manifest in environment.of_kind("EC2NodeClass"):
        for index, term in enumerate(manifest.entries("spec.securityGroupSelectorTerms")):
            name = str(term.get("name") or "")
            known = [str(each) for each in groups]
            if not name or name.startswith(of_cluster) or any(fnmatchcase(each, name) for each in known):
                continue
            if "*" in name and fnmatchcase(f"{of_cluster}0", name):
                continue
            yield Finding(
                at=manifest.at(("spec", "securityGroupSelectorTerms", index, "name")),
                message=f"node classes select a security group with the name {name}, which Terraform does not make",
                fix=f"select {_DISCOVERY}: {environment.facts.get('cluster')} by its tag",
            )


def _by_all_tags(environment: Environment, terraform: Terraform) -> Iterator[Finding]:
    """Yield terms of which each tag is that of some subnet, but all of them of none."""
    subnets = [block.values.get("tags") for block in terraform.resources("aws_subnet")]
    if not all(isinstance(each, dict) and None not in each.values() for each in subnets):
        return  # tags that are known when Terraform runs
    held = [
        {str(key): str(value) for key, value in mapping(block.values, "tags").items()}
        for block in (terraform.resources("aws_subnet"))
    ]
    for manifest in environment.of_kind("EC2NodeClass"):
        for index, term in enumerate(manifest.entries("spec.subnetSelectorTerms")):
            tags = {str(key): str(value) for key, value in mapping(term, "tags").items()}
            if len(tags) < 2 or any(all(_has(each, *tag) for tag in tags.items()) for each in held):
                continue
            if all(any(_has(each, *tag) for each in held) for tag in tags.items()):
                wanted = both([f"{key}: {value}" for key, value in tags.items()])
                yield Finding(
                    at=manifest.at(("spec", "subnetSelectorTerms", index, "tags")),
                    message=f"node classes select subnets that have {wanted}; each is the tag of some subnet, and no "
                    "subnet has all of them",
                    fix="select by the tag that the nodes' subnets have, or write one term for each tag",
                )


def _has(tags: dict[str, str], key: str, value: str) -> bool:
    return key in tags and (value == "*" or fnmatchcase(tags[key], value))


def _where(terraform: Terraform, kind: str) -> Address:
    """Return where the tag belongs: with subnets of internal load balancers, which are those of nodes."""
    if kind == "aws_security_group" and (tags := terraform.resources("aws_ec2_tag")):
        return tags[0].at(("key",))  # the group that EKS makes is tagged apart
    blocks: list[Block] = terraform.resources(kind) or terraform.resources("aws_eks_cluster")
    inner = [each for each in blocks if "kubernetes.io/role/internal-elb" in each.mapping("tags")]
    return (inner or blocks)[0].at(("tags",))
