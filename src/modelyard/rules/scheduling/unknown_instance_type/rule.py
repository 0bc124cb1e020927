"""Instance types that do not exist, or not in the environment's region."""

from collections.abc import Iterator

from modelyard.catalog import instance_types, region, undescribed_types
from modelyard.findings import Finding, NotChecked, UserError, error, warning
from modelyard.placement import ManagedGroup, groups_of
from modelyard.rules import rule
from modelyard.rules.wording import either, nearest
from modelyard.view import Environment, NodeRequirement, Pool, requirements

ARCHITECTURE = "kubernetes.io/arch"
TYPE = "node.kubernetes.io/instance-type"
FAMILIES = ("karpenter.k8s.aws/instance-family", "eks.amazonaws.com/instance-family")


@rule("scheduling/unknown-instance-type", error, since="0.1.0")
def unknown_instance_type(environment: Environment) -> Iterator[Finding | NotChecked]:
    """No node starts of an instance type or family that EC2 does not have, or not in this region."""
    name = environment.facts.get("region")
    offered = region(name) if isinstance(name, str) else None
    for pool in environment.pools:
        for each in requirements(pool.requirements, ("spec", "template", "spec", "requirements")):
            if each.operator != "In" or each.key not in (TYPE, *FAMILIES):
                continue
            yield from _judge(pool, each, set(offered.offers) if offered else None, str(name))
        yield from _of_architectures(pool)
    try:
        groups = groups_of(environment)
    except UserError as error:
        yield NotChecked("instance types of managed node groups", error.message)
        return
    if offered:
        for group in groups:
            yield from _judge_group(environment, group, set(offered.offers), str(name))


def _of_architectures(pool: Pool) -> Iterator[Finding]:
    """Yield pools whose types are all of another architecture than the pool asks for."""
    asked = {each.key: each for each in requirements(pool.requirements, ("spec", "template", "spec", "requirements"))}
    wanted = asked.get(ARCHITECTURE)
    if wanted is None or wanted.operator != "In":
        return
    for key in (TYPE, *FAMILIES):
        named = asked.get(key)
        if named is None or named.operator != "In":
            continue
        types = [
            each for each in instance_types().values() if (each.name if key == TYPE else each.family) in named.values
        ]
        architectures = {each.architecture for each in types}
        if types and None not in architectures and not architectures & set(wanted.values):
            yield Finding(
                at=pool.manifest.at(wanted.path),
                message=f"{pool.manifest} asks for {ARCHITECTURE} {either(wanted.values)}, and {either(named.values)} "
                f"have {either(sorted(map(str, architectures)))} alone: no type is left",
                fix=f"name types or families for {either(wanted.values)}",
            )


def _judge_group(
    environment: Environment, group: ManagedGroup, offered: set[str], region_name: str
) -> Iterator[Finding]:
    """Yield what EKS refuses: it makes no group that names a type which the region does not have."""
    variable = "system_nodes" if group.name == "system" else "device_node_groups"
    terraform = environment.terraform
    for value in group.instance_types:
        if value in offered or value not in instance_types():
            continue
        told = variable if terraform is not None and variable in terraform.given else "region"
        like = either(_like(value, offered))
        yield Finding(
            at=terraform.variable_at(told, value) if terraform is not None else environment.folder.at("region"),
            message=f"node group {group.name} is of {value}, which {region_name} does not offer",
            fix=f"set instance_types of {variable} to a type that it offers{f', such as {like}' if like else ''}",
        )


def _judge(
    pool: Pool, demand: NodeRequirement, offered: set[str] | None, region_name: str
) -> Iterator[Finding | NotChecked]:
    known = set(instance_types()) if demand.key == TYPE else {each.partition(".")[0] for each in instance_types()}
    here = offered if demand.key == TYPE or offered is None else {each.partition(".")[0] for each in offered}
    unusable = [value for value in demand.values if value not in known or (here is not None and value not in here)]
    nothing_left = len(unusable) == len(demand.values)
    for index, value in enumerate(demand.values):
        at = pool.manifest.at((*demand.path, "values", index))
        if value not in known:
            if any(value in (each, each.partition(".")[0]) for each in undescribed_types()):
                yield NotChecked(f"{value} of {pool}", "EC2 has or had it, but the catalogue does not describe it")
                continue
            sizes = _sizes(value.partition(".")[0]) if demand.key == TYPE else []
            near = sizes or [each for each in (nearest(value, known),) if each]
            if not near:
                yield NotChecked(f"{value} of {pool}", "the catalogue does not have this family")
                continue
            yield Finding(
                at=at,
                message=f"{pool} may use {value}, which EC2 does not have",
                fix=f"name {either(near)}",
                severity=None if nothing_left else warning,
            )
        elif nothing_left:
            # A pool that serves several regions may list more than each of them has.
            like = either(_like(value, here or set()))
            yield Finding(
                at=at,
                message=f"{pool} allows only instance types that {region_name} does not offer, such as {value}",
                fix=f"use a type that it offers{f', such as {like}' if like else ''}, or serve in another region",
            )


def _sizes(family: str) -> list[str]:
    """Return the types of a family, smallest first."""
    types = [each for each in instance_types().values() if each.family == family]
    return [each.name for each in sorted(types, key=lambda each: (each.vcpus, each.name))]


def _like(value: str, here: set[str]) -> list[str]:
    """Return what is offered and begins with the same letters, which stand for the kind of instance."""
    letters = value.rstrip("0123456789").partition(".")[0].rstrip("0123456789")
    begin = "".join(c for c in letters if c.isalpha())[:3]
    return sorted(each for each in here if each.startswith(begin))[:4]
