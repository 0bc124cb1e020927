"""Bars of text, which every host shows as they are: a picture in a comment would have to be loaded from somewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelyard.diffing.model import ApplicationChange, MemoryUse, MonthlyCost

WIDTH = 32
"""Characters of a device, and of the larger of two costs."""

LEGEND = "█ weights  ▓ activations, graphs, other  ▒ KV cache  · free"

COST_LEGEND = "█ fewest replicas  ░ up to most replicas"

_WEIGHTS, _CACHE = ("weights", "draft", "adapters"), ("KV",)
_MOST_NAME = 40


def memory_bars(changes: Sequence[ApplicationChange]) -> Iterator[str]:
    """Yield a line for each model and side whose memory is known: one rank on the device where it fits worst."""
    rows = []
    for each in changes:
        before, after = each.memory
        if before is not None and after is not None and _visibly_differ(before, after):
            rows += [(f"{_name(each)} before", before), (f"{_name(each)} after", after)]
        elif after is not None:
            rows.append((_name(each), after))
    width = max((len(name) for name, _ in rows), default=0)
    for name, use in rows:
        yield f"{name.ljust(width)}  {_memory(use)}  {_figures(use)}"


def _visibly_differ(before: MemoryUse, after: MemoryUse) -> bool:
    cell = after.total_gib / WIDTH
    parts = {*before.parts, *after.parts}
    return before.device != after.device or any(
        abs(before.parts.get(name, 0.0) - after.parts.get(name, 0.0)) >= cell for name in parts
    )


def cost_bars(cost: MonthlyCost) -> Iterator[str]:
    """Yield a line for each side of a cost that is known: full blocks to its least, light ones to its most."""
    sides = [(name, side) for name, side in (("before", cost.before), ("after", cost.after)) if side is not None]
    most = max((side[1] for _, side in sides), default=0.0)
    if cost.unknown or len(sides) < 2 or not most:
        return
    for name, (low, high) in sides:
        full, whole = round(low / most * WIDTH), round(high / most * WIDTH)
        figures = f"${low:,.0f}" if round(low) == round(high) else f"${low:,.0f} to ${high:,.0f}"
        yield f"{name.ljust(6)}  {('█' * full + '░' * (whole - full)).ljust(WIDTH)}  {figures} a month"


def _memory(use: MemoryUse) -> str:
    weights, cache = (sum(max(0.0, use.parts.get(name, 0.0)) for name in names) for names in (_WEIGHTS, _CACHE))
    other = sum(max(0.0, gib) for name, gib in use.parts.items() if name not in (*_WEIGHTS, *_CACHE))
    ends = [round(part / max(use.total_gib, 0.001) * WIDTH) for part in (weights, weights + other)]
    last = round((weights + other + cache) / max(use.total_gib, 0.001) * WIDTH)
    bar = "█" * ends[0] + "▓" * (ends[1] - ends[0]) + "▒" * (last - ends[1])
    return bar[:WIDTH].ljust(WIDTH, "·")


def _figures(use: MemoryUse) -> str:
    weights = sum(use.parts.get(name, 0.0) for name in _WEIGHTS)
    cache = use.parts.get("KV", 0.0)
    said = f"{cache:.1f} GiB for the KV cache" if cache > 0 else f"{-cache:.1f} GiB too little"
    return f"{use.device} {use.total_gib:.1f} GiB: weights {weights:.1f} GiB, {said}"


def _name(change: ApplicationChange) -> str:
    return change.name if len(change.name) <= _MOST_NAME else f"{change.name[:_MOST_NAME]}…"
