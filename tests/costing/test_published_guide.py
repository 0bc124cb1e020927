"""The bill that AWS's guide prints for its default cluster comes out of the same prices and the same arithmetic."""

from __future__ import annotations

import pytest

from modelyard.costing import Dimensions, NodeGroup, platform_lines, printed, together

PRINTED = {
    "EKS control plane": "73.00",
    "NAT gateway": "33.75",
    "nodes system": "156.16",
    "volumes of pods": "7.20",
    "network load balancer": "16.46",
    "public address": "3.65",
    "KMS key": "6.00",
}

GUIDE = Dimensions(
    zones=3,
    nat_gateways=1,
    nat_gb_per_month=20,
    # The guide lists one public address, which is that of the NAT gateway.
    nat_addresses=False,
    public_addresses=1,
    node_groups=(NodeGroup("system", "m5.large", 2, 2, 100),),
    volumes_gib=90,
    load_balancers=1,
    load_balancer_unit_hours_per_month=5,
    keys=6,
)


@pytest.mark.parametrize("region", ["us-east-1", "us-west-2"])
def test_every_row_and_both_totals(region: str) -> None:
    lines = platform_lines(GUIDE, region)
    assert {line.name: printed(line.cost.floor.month[0]) for line in lines} == PRINTED
    assert f"{sum(float(text) for text in PRINTED.values()):.2f}" == "296.22"
    total = together(line.cost.floor for line in lines)
    assert total.complete
    # The rows are not rounded before they are added, which is why the total is a cent below the sum of what is printed.
    assert printed(total.month[0], total=True) == "296.21"


def test_every_row_names_its_source() -> None:
    for line in platform_lines(GUIDE, "us-east-1"):
        assert line.source
        assert line.status in ("published", "read", "inferred")
    statuses = {line.name: line.status for line in platform_lines(GUIDE, "us-west-2")}
    assert statuses["EKS control plane"] == "inferred"


def test_another_region_is_unknown_and_not_free() -> None:
    lines = platform_lines(GUIDE, "eu-west-1")
    total = together(line.cost.floor for line in lines)
    assert not total.complete
    assert "EKS control plane" in total.unknown
    plane = next(line for line in lines if line.name == "EKS control plane")
    assert (plane.status, plane.cost.floor.low, plane.cost.floor.complete) == ("unknown", 0.0, False)
