"""What charts bring that objects of other Applications wait for: definitions, controllers, classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from modelyard.catalog.loading import DATA, read_yaml


@dataclass(frozen=True, slots=True)
class Operator:
    """What one chart brings.

    Attributes:
        definitions: API groups whose CustomResourceDefinitions it brings.
        works_on: Group and kind, as `group/Kind`, of objects whose status its controller sets and whose definitions
            another chart brings.
        load_balancers: Values of `loadBalancerClass` that its controller answers to.
        ingress_classes: IngressClasses that its controller answers to.
    """

    definitions: frozenset[str] = frozenset()
    works_on: frozenset[str] = frozenset()
    load_balancers: frozenset[str] = frozenset()
    ingress_classes: frozenset[str] = frozenset()


@cache
def operators() -> Mapping[str, Operator]:
    """Return what charts bring, by the chart's name. A chart that is not listed may bring anything."""
    return MappingProxyType(
        {
            chart: Operator(**{key.replace("-", "_"): frozenset(values) for key, values in content.items()})
            for chart, content in read_yaml(DATA / "operators.yaml").items()
        }
    )
