"""Zones that the environment does not have."""

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import either
from modelyard.view import Environment, NodeRequirement, alternatives, requirements

ZONE = "topology.kubernetes.io/zone"
_NAME = re.compile(r"([a-z]{2}(?:-[a-z]+)+-\d)[a-z]")


@rule("environment/zone-outside-region", error, since="0.1.0")
def zone_outside_region(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Karpenter cannot start nodes in a zone of another region, or in one without subnets."""
    region, zones = environment.facts.get("region"), environment.facts.get("zones")
    if not isinstance(region, str) or not region:
        return
    listed = [str(zone) for zone in zones] if isinstance(zones, list) else []
    for index, zone in enumerate(listed):
        if not _is_in(zone, region):
            yield Finding(
                at=environment.folder.at("zones", index),
                message=f"{environment.name} lists zone {zone}, which is not in {region}",
                fix=f"use zones of {region}, such as {region}a",
            )
    own = [zone for zone in listed if _is_in(zone, region)]
    for pool in environment.pools:
        for each in requirements(pool.requirements, ("spec", "template", "spec", "requirements")):
            for index, zone in _foreign(each, region, own):
                yield Finding(
                    at=pool.manifest.at((*each.path, "values", index)),
                    message=f"{pool} may use zone {zone}, but {environment.name} is in {either(own) or region}",
                    fix=f"use {either(own) or f'zones of {region}'}",
                )
    for workload in environment.workloads:
        for template in workload.templates:
            for each in (demand for group in alternatives(template) for demand in group):
                for index, zone in _foreign(each, region, own):
                    path = each.path if each.path[0] == "nodeSelector" else (*each.path, "values", index)
                    yield Finding(
                        at=template.at(*path),
                        message=f"{template} require zone {zone}, but {environment.name} is in {either(own) or region}",
                        fix=f"use {either(own) or f'zones of {region}'}",
                    )


def _is_in(zone: str, region: str) -> bool:
    match = _NAME.fullmatch(zone)
    # Local and wavelength zones have longer names that begin with their region's.
    return match[1] == region if match else zone.startswith(f"{region}-")


def _foreign(demand: NodeRequirement, region: str, own: list[str]) -> Iterator[tuple[int, str]]:
    if demand.key == ZONE and demand.operator == "In":
        for index, zone in enumerate(demand.values):
            if not _is_in(zone, region) or (own and zone not in own):
                yield index, zone
