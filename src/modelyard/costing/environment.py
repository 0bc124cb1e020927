"""What one environment costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from modelyard.costing.amounts import CostLine, Scale
from modelyard.costing.nodes import NodeCosts, node_costs
from modelyard.costing.platform import platform_lines
from modelyard.costing.runs import RunCost, run_costs
from modelyard.costing.variables import dimensions
from modelyard.findings import UserError
from modelyard.placement import variables
from modelyard.repository import derived
from modelyard.view import Environment, Manifest, mapping, quantity
from modelyard.view.services import public_annotation

GIB = 2**30
NOTHING = Scale()
FILE = "terraform.tfvars"


@dataclass(frozen=True, slots=True)
class EnvironmentCost:
    """What an environment costs.

    Attributes:
        name: The environment.
        region: Its region; empty where it names none.
        nodes: Nodes that pods ask for.
        platform: Everything else, row by row.
        gaps: What is in none of the figures, subject and reason.
        runs: What runs cost that are not there all month; in none of the other figures.
    """

    name: str
    region: str
    nodes: NodeCosts
    platform: tuple[CostLine, ...]
    gaps: tuple[tuple[str, str], ...]
    runs: tuple[RunCost, ...] = ()

    @property
    def total(self) -> Scale:
        """Return everything together."""
        total = NOTHING
        for pool in self.nodes.pools:
            total = total + pool.cost
        for line in self.platform:
            total = total + line.cost
        return total

    def of_model(self, name: str) -> Scale | None:
        """Return what a model's share of the nodes costs, nothing between its runs; None when it is on no node."""
        found = [owner.cost for owner in self.nodes.models if owner.name == name]
        total = NOTHING
        for each in found:
            total = total + each
        return total if found or any(each.application == name for each in self.runs) else None


@derived
def environment_cost(environment: Environment) -> EnvironmentCost:
    """Return what an environment costs."""
    region = str(environment.facts.get("region") or "")
    nodes = node_costs(environment)
    gaps = list(nodes.gaps)
    platform: tuple[CostLine, ...] = ()
    try:
        given = variables(environment.folder)
    except UserError as error:
        gaps.append((FILE, error.message))
        given = {}
    else:
        if not given:
            gaps.append((FILE, "the environment has none, so what Terraform makes is not priced"))
    volumes, unpriced = _volumes(environment)
    gaps += unpriced
    if given:
        balancers = list(_balancers(environment))
        platform = platform_lines(
            dimensions(
                given,
                load_balancers=len(balancers),
                public_load_balancers=sum(balancers),
                volumes_gib=volumes,
            ),
            region,
        )
    gaps += [
        (str(each), f"{each.unrendered} is not rendered here, so its pods are not counted")
        for each in environment.applications
        if each.unrendered
    ]
    runs = run_costs(environment)
    return EnvironmentCost(environment.name, region, nodes, platform, tuple(dict.fromkeys(gaps)), runs)


def _balancers(environment: Environment) -> Iterator[bool]:
    """Yield for each load balancer that a Service asks for whether the internet reaches it."""
    for service in environment.services:
        if service.manifest.get("spec.type") == "LoadBalancer":
            yield bool(public_annotation(service.manifest.annotations))


def _volumes(environment: Environment) -> tuple[float, list[tuple[str, str]]]:
    """Return the gp3 volumes that pods claim, in GiB, and the claims that have no price."""
    gib, unpriced = 0.0, []
    gp3 = {
        manifest.name
        for manifest in environment.of_kind("StorageClass", "storage.k8s.io")
        if str(manifest.get("provisioner", "")) in ("ebs.csi.aws.com", "ebs.csi.eks.amazonaws.com")
        and manifest.get("parameters.type", "gp3") == "gp3"
    }
    for claim, spec, count in _claims(environment):
        size = quantity(mapping(spec, "resources", "requests").get("storage"))
        name = str(spec.get("storageClassName") or "")
        if size is None:
            continue
        if name in gp3 or name == "gp3":
            gib += float(size) / GIB * count
        else:
            kind = f"storage class {name}" if name else "the default storage class"
            unpriced.append((str(claim), f"the price of {kind} is not known"))
    return gib, unpriced


def _claims(environment: Environment) -> Iterator[tuple[Manifest, dict[str, Any], int]]:
    for manifest in environment.of_kind("PersistentVolumeClaim", ""):
        # What names a volume binds one that is there; file systems are billed by use.
        if not manifest.get("spec.volumeName"):
            yield manifest, manifest.mapping("spec"), 1
    for manifest in environment.of_kind("StatefulSet", "apps"):
        replicas = manifest.get("spec.replicas", 1)
        for template in manifest.entries("spec.volumeClaimTemplates"):
            spec = template.get("spec")
            if isinstance(spec, dict):
                yield manifest, spec, replicas if isinstance(replicas, int) else 1
