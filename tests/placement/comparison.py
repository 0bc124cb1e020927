"""Karpenter's verdicts and Modelyard's, made comparable."""

from __future__ import annotations

from collections import Counter
from typing import Any

Left = tuple[tuple[str, int], ...]
Nodes = tuple[tuple[str, tuple[tuple[str, int], ...], str], ...]


def counted(pods: list[str]) -> Left:
    """Return pods by workload: which of a workload's equal pods goes where is chance."""
    return tuple(sorted(Counter(name.rpartition("-")[0] for name in pods).items()))


def left_by_karpenter(run: dict[str, Any]) -> Left:
    """Return the pods that Karpenter found no place for."""
    return counted(list(run["errors"]))


def nodes_of_karpenter(run: dict[str, Any]) -> Nodes:
    """Return Karpenter's nodes: pool, pods and the type that it would have launched, the cheapest."""
    return tuple(sorted((node["pool"], counted(node["pods"]), node["launched"][0]) for node in run["nodes"]))


def nodes_of_ours(answer: dict[str, Any]) -> Nodes:
    """Return our nodes in the same form."""
    return tuple(sorted((node["pool"], counted(node["pods"]), node["cheapest"]) for node in answer["nodes"]))
