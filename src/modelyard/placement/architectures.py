"""Pools of another architecture, for pods that use no device."""

from __future__ import annotations

from dataclasses import replace

from modelyard.placement.labels import ARCHITECTURE, POOL
from modelyard.placement.placements import Placement, PoolCatalog
from modelyard.placement.verdicts import PoolVerdict, verdicts

_TOLERATED = {"key": ARCHITECTURE, "operator": "Exists"}


def other_architecture(found: Placement, seen: PoolCatalog) -> PoolVerdict | None:
    """Return the pool of another architecture whose cheapest type would take the pods, were they to name it.

    None where they use a device, where their nodes are of several architectures, or where no such pool has room.
    Whether their images are built for it is another question.
    """
    own = {option.kind.architecture for verdict in found.accepting for option in verdict.options}
    if len(own) != 1 or found.template.accelerators or found.shape.claims:
        return None
    shape = replace(
        found.shape,
        selector=tuple(each for each in found.shape.selector if each.key not in (ARCHITECTURE, POOL)),
        tolerations=(*found.shape.tolerations, _TOLERATED),
    )
    others = tuple(
        each
        for each in seen.templates
        if each.options and not {option.kind.architecture for option in each.options} & own
    )
    taking = [each for each in verdicts(shape, others) if each.accepted] if others else []
    priced = [(price, each) for each in taking if (price := each.options[0].price(each.requirements)) is not None]
    return min(priced, key=lambda each: each[0])[1] if priced else None
