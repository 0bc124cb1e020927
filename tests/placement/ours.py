"""Modelyard's answers to the cases that Karpenter is asked about."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from modelyard.catalog import InstanceType
from modelyard.placement.instance_options import InstanceOption, Offer, instance_options
from modelyard.placement.node_classes import KarpenterSettings, node_class
from modelyard.placement.pods import PodShape, pod_shape
from modelyard.placement.scheduling import Scheduler
from modelyard.placement.templates import NodeTemplate, in_order, node_pool, node_template


def options(
    kinds: Iterable[InstanceType], region: str, case: dict[str, Any], manifest: dict[str, Any]
) -> list[InstanceOption]:
    """Return the instance types of a case on the terms of one of its node classes."""
    settings = KarpenterSettings(case["vmMemoryOverheadPercent"], case["reservedENIs"])
    ids = {zone["name"]: zone["id"] for zone in case["zones"]}
    offers = {
        name: Offer(
            tuple(offer["zones"]),
            offer.get("onDemand"),
            offer.get("spot"),
            # Here a price that is missing means that Karpenter has none either, and then it starts nothing.
            tuple(
                kind for kind, price in (("on-demand", offer["onDemand"]), ("spot", offer["spot"])) if price is not None
            ),
            tuple(ids[zone] for zone in offer["zones"]),
            ids,
            len(offer["zones"]),
        )
        for name, offer in case["offers"].items()
    }
    return instance_options({kind.name: kind for kind in kinds}, node_class(manifest), settings, offers, region)


def templates(kinds: Iterable[InstanceType], region: str, case: dict[str, Any]) -> list[NodeTemplate]:
    """Return the pools of a case in Karpenter's order."""
    listed = list(kinds)
    classes = {each["metadata"]["name"]: options(listed, region, case, each) for each in case["nodeClasses"]}
    read = {each["metadata"]["name"]: node_class(each) for each in case["nodeClasses"]}
    daemons = [
        (each["metadata"]["name"], pod_shape(each["spec"]["template"], each["metadata"]["namespace"]))
        for each in case["daemonSets"]
    ]
    references = {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]["nodeClassRef"]["name"] for each in case["pools"]
    }
    return [
        node_template(pool, read[references[pool.name]], classes[references[pool.name]], daemons)
        for pool in in_order(node_pool(each) for each in case["pools"])
    ]


def shapes(case: dict[str, Any]) -> list[PodShape]:
    """Return the pods of a case."""
    return [pod_shape(pod, pod["metadata"]["namespace"]) for pod in case["pods"]]


def answer(kinds: Iterable[InstanceType], region: str, case: dict[str, Any]) -> dict[str, Any]:
    """Return which pods find no place, and each node with its pool, pods and types."""
    names = [pod["metadata"]["name"] for pod in case["pods"]]
    solution = Scheduler(templates(kinds, region, case)).solve(shapes(case))
    nodes = []
    for node in solution.nodes:
        launched = node.launched
        nodes.append(
            {
                "pool": node.template.pool.name,
                "pods": [names[number] for number in node.pods],
                "types": sorted(option.name for option in node.options),
                "cheapest": launched[0].name,
                "price": launched[0].price(node.requirements),
            }
        )
    return {"left": [names[number] for number in solution.left], "nodes": nodes}
