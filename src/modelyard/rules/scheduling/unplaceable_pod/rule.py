"""Pods for which Karpenter can start no node."""

from collections.abc import Iterator

from modelyard.findings import Address, Finding, NotChecked, error
from modelyard.placement import Placement, PoolVerdict, Step, placements
from modelyard.rules import rule
from modelyard.view import OF_AUTO_MODE, Environment, NodeRequirement, alternatives, mapping


@rule("scheduling/unplaceable-pod", error, since="0.1.0")
def unplaceable_pod(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A pod that no instance type of any node pool can hold stays Pending."""
    if not environment.pools:
        return
    for found in placements(environment):
        if found.daemon:
            continue
        if found.unknown:
            # What needs no device runs on the managed node group if Karpenter does not look at it.
            if found.template.accelerators or found.shape.claims:
                yield NotChecked(found.template, found.unknown)
            continue
        if not found.refused:
            continue
        if not found.verdicts:
            # Claims on nodes of Karpenter have a rule of their own.
            if not all(_names_karpenter(each) for each in alternatives(found.template)):
                yield _on_no_group(found)
            continue
        nearest = found.verdicts[0]
        # Labels and taints that no pool meets are what unselectable-node and untolerated-pool are about.
        if nearest.step > Step.TAINTS:
            yield Finding(
                at=_address(environment, found, nearest),
                message=f"no node pool can hold {found.template}; the closest is {nearest.pool}: "
                + "; ".join(nearest.reasons),
                fix=_fix(nearest),
            )


def _names_karpenter(demands: tuple[NodeRequirement, ...]) -> bool:
    return any(each.key.startswith(("karpenter.sh/", "karpenter.k8s.aws/", *OF_AUTO_MODE)) for each in demands)


def _on_no_group(found: Placement) -> Finding:
    """Return the finding for pods that Karpenter passes over."""
    claims = found.shape.claims
    why = "Karpenter starts no nodes for resource claims" if claims else found.shape.ignored
    said = "; ".join(f"{each.group.name}: {each.reasons[0]}" for each in found.groups)
    return Finding(
        at=found.template.at("resourceClaims" if claims else "affinity"),
        message=f"{why}, and no managed node group takes {found.template} ({said})",
        fix="add a group for them to device_node_groups in terraform.tfvars, or let them select and tolerate "
        "an existing one",
    )


def _address(environment: Environment, found: Placement, nearest: PoolVerdict) -> Address:
    pool = next(each for each in environment.pools if each.name == nearest.pool)
    if nearest.step is Step.EMPTY:
        return pool.manifest.at("spec.template.spec.requirements")
    if nearest.step is Step.LIMITS:
        return pool.manifest.at(("spec", "limits", nearest.about) if nearest.about else "spec.limits")
    if nearest.step is Step.ROOM:
        for container in sorted(found.template.containers, key=lambda each: each.init):
            for field in ("requests", "limits"):
                if nearest.about in mapping(container.value, "resources", field):
                    return container.at("resources", field, nearest.about)
    for demand in (each for group in alternatives(found.template) for each in group):
        if demand.key == nearest.about:
            return found.template.at(*demand.path)
    selects = next((each for each in ("nodeSelector", "affinity") if found.template.spec.get(each)), "containers")
    return found.template.at(selects)


def _fix(nearest: PoolVerdict) -> str:
    if nearest.step is Step.EMPTY:
        return f"change the requirements of node pool {nearest.pool} to instance types of the region"
    if nearest.step is Step.LIMITS:
        return f"raise the limit of node pool {nearest.pool}, or request less"
    if nearest.step is Step.ROOM:
        return f"request no more than that, or let node pool {nearest.pool} use larger instance types"
    return f"require labels that instance types of node pool {nearest.pool} have; `modelyard place` lists them"
