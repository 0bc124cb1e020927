"""A budget as a line of bars."""

from __future__ import annotations

from modelyard.sizing.budget import MemoryBudget
from modelyard.sizing.fit import Assessment

WIDTH = 30
"""Characters of all bars together where they fit; a part that is more than the device has as many alone."""


def budget_parts(budget: MemoryBudget) -> tuple[tuple[str, float], ...]:
    """Return what lies in the memory of a rank, in GiB, in the order of a bar; a cache that is missing is negative."""
    return (
        ("weights", budget.weights_gib),
        ("draft", budget.draft_gib),
        ("activation", budget.activation_gib),
        ("graphs", budget.cuda_graphs_gib),
        ("adapters", budget.lora_gib),
        ("other", budget.non_torch_gib),
        ("KV", budget.kv_available_gib),
    )


def bars(assessment: Assessment) -> str:
    """Return the budget of a rank on one line, such as `weights 61.0 ▓▓▓▓  KV 5.6 ▓   of 72.8 GiB (H100)`.

    A part that is missing (the cache when nothing is left) is printed with its negative figure and no bar.
    """
    budget, settings = assessment.budget, assessment.settings
    whole = max(budget.requested_gib, 0.001)
    cells = []
    for name, gib in budget_parts(budget):
        if name in ("adapters", "draft", "graphs") and gib == 0:
            continue
        bar = "▓" * min(WIDTH, max(0, round(gib / whole * WIDTH)))
        cells.append(f"{name} {gib:.1f} {bar}".rstrip())
    share = (
        assessment.device.name
        if settings.kv_cache_memory_bytes is not None
        else f"{assessment.device.name} \u00d7 {settings.gpu_memory_utilization:g}"
    )
    if settings.sharers > 1:
        share = f"{share}, shared by {settings.sharers} pods"
    outside = "" if settings.cuda_graphs_subtracted or not budget.cuda_graphs_gib else ", graphs outside"
    return f"{'  '.join(cells)}   of {budget.requested_gib:.1f} GiB ({share}{outside})"
