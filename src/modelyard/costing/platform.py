"""What an environment costs beside the nodes that its pods ask for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from modelyard.catalog import Price, PriceStatus, region
from modelyard.costing.amounts import Amount, CostLine, Scale, known
from modelyard.costing.prices import FREE_IOPS, FREE_THROUGHPUT, HOURS_PER_MONTH, service_prices
from modelyard.costing.variables import Dimensions, NodeGroup
from modelyard.wording import join_and

NOT_COUNTED = (
    "data through NAT gateways, endpoints and load balancers",
    "logs, metrics and traces",
    "requests to and storage in S3, ECR, EFS and Secrets Manager",
    "traffic between zones and out of AWS",
)
"""What is paid by use, of which nothing in a repository tells how much."""


def instance_price(instance_type: str, region_name: str) -> Price:
    """Return the on-demand price of an instance type; unknown where the region or the type is."""
    found = region(region_name)
    offer = found.offers.get(instance_type) if found is not None else None
    if offer is not None:
        return offer.price
    why = f"{region_name or 'no region'} is not in the data" if found is None else f"{region_name} does not offer it"
    return Price(None, PriceStatus.UNKNOWN, "", why)


def price_provenance(region_name: str, types: Iterable[str]) -> str:
    """Return how the prices of instance types are known, on one line.

    Args:
        region_name: The region.
        types: The types whose prices are used.
    """
    prices = {name: instance_price(name, region_name) for name in dict.fromkeys(types)}
    known = [price for price in prices.values() if price.usd_per_hour is not None]
    if not known:
        return f"no instance price is known in {region_name or 'no region'}"
    dates = sorted({price.date for price in known})
    text = f"on-demand list prices of {region_name}, read {join_and(dates)}"
    inferred = [name for name, price in prices.items() if price.status is PriceStatus.INFERRED]
    if len(inferred) == len(known):
        return f"{text}, inferred from older ones"
    return f"{text}; inferred from older ones: {join_and(inferred, most=4)}" if inferred else text


def platform_lines(given: Dimensions, region_name: str) -> tuple[CostLine, ...]:
    """Return the rows of a bill for an environment without the nodes of its pools.

    Args:
        given: What the environment has.
        region_name: Its region.
    """
    return tuple(_lines(given, region_name))


def _lines(given: Dimensions, region_name: str) -> Iterator[CostLine]:
    yield from _steady("EKS control plane", given.control_planes, "", "eks-control-plane", region_name)
    if given.nat_gateways:
        line = _line("NAT gateway", given.nat_gateways, "", "nat-gateway", region_name)
        yield _with_use(line, given.nat_gb_per_month, "GB", "nat-gateway-data")
        if given.nat_addresses:
            yield from _steady("address of NAT gateway", given.nat_gateways, "", "public-ipv4", region_name)
    for group in given.node_groups:
        yield from _group_lines(group, region_name)
    yield from _steady("volumes of pods", given.volumes_gib, "GiB gp3", "gp3", region_name)
    if given.load_balancers:
        line = _line("network load balancer", given.load_balancers, "", "network-load-balancer", region_name)
        hours = given.load_balancer_unit_hours_per_month
        yield _with_use(line, hours, "capacity unit-hours", "network-load-balancer-capacity")
    yield from _steady("public address", given.public_addresses, "", "public-ipv4", region_name)
    if given.interface_endpoints:
        count = given.interface_endpoints * given.zones
        words = f"{given.interface_endpoints} in {given.zones} zones"
        yield _line("VPC endpoint", count, "", "interface-endpoint", region_name, words)
    yield from _steady("KMS key", given.keys, "", "kms-key", region_name)
    for name, amount in given.unpriced.items():
        yield from _steady(name, amount, "GiB" if "lustre" in name else "", name, region_name)


def _steady(name: str, count: float, unit: str, price: str, region_name: str) -> Iterator[CostLine]:
    if count:
        yield _line(name, count, unit, price, region_name)


def _line(name: str, count: float, unit: str, price: str, region_name: str, words: str = "") -> CostLine:
    found = service_prices()[price]
    cost = known(found.per_hour(region_name), name).times(count)
    told = words or f"{count:g} {unit}".strip()
    return CostLine(name, told, Scale.steady(cost), found.status_in(region_name), found.source)


def _with_use(line: CostLine, used: float, unit: str, price: str) -> CostLine:
    """Return a line with what is paid by use beside its hours, where it is said how much."""
    found = service_prices()[price]
    if not used or found.usd is None or line.cost.floor.unknown:
        return line
    extra = Scale.steady(Amount(used * found.usd / HOURS_PER_MONTH, used * found.usd / HOURS_PER_MONTH))
    return CostLine(line.name, f"{line.quantity}, {used:g} {unit}", line.cost + extra, line.status, line.source)


def _group_lines(group: NodeGroup, region_name: str) -> Iterator[CostLine]:
    what = f"nodes {group.name}" if group.name != "management host" else group.name
    disk = Amount()
    for name, amount in (
        ("gp3", group.disk_gib),
        ("gp3-iops", group.disk_iops - FREE_IOPS),
        ("gp3-throughput", group.disk_mib_per_s - FREE_THROUGHPUT),
    ):
        if amount > 0:
            disk += known(service_prices()[name].per_hour(region_name), f"disks of {what}").times(amount)
    if group.reserved:
        price = service_prices()["capacity-block"]
        one, status, source = Amount(unknown=(f"capacity block of {what}",)), price.status, price.source
    else:
        found = instance_price(group.instance_type, region_name)
        one = known(found.usd_per_hour, f"{group.instance_type or 'instances'} of {what}")
        status, source = found.status.value, found.source
    node = one + disk
    count = f"{group.least}" if group.least == group.most else f"{group.least} to {group.most}"
    told = f"{count} x {group.instance_type or 'unknown'}, {group.disk_gib:g} GiB gp3 each"
    least, most = node.times(group.least), node.times(group.most)
    yield CostLine(what, told, Scale(least, most, most), status, source)
