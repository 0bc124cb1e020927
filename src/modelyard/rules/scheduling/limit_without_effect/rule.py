"""Limits of node pools on resources that no node has."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import nearest
from modelyard.view import Environment

# What Karpenter sums up of its nodes: https://karpenter.sh/docs/concepts/nodepools/#speclimits (1.14).
_KNOWN = (
    "nvidia.com/gpu",
    "amd.com/gpu",
    "aws.amazon.com/neuron",
    "aws.amazon.com/neuroncore",
    "cpu",
    "ephemeral-storage",
    "habana.ai/gaudi",
    "memory",
    "nodes",
    "pods",
    "vpc.amazonaws.com/efa",
    "vpc.amazonaws.com/pod-eni",
)


@rule("scheduling/limit-without-effect", error, since="0.1.0")
def limit_without_effect(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A limit on a resource that no node has is never reached, so the pool is unlimited."""
    for pool in environment.pools:
        for name in pool.limits:
            if str(name) in _KNOWN:
                continue
            near = next((each for each in _KNOWN if each.endswith(f"/{name}")), "") or nearest(str(name), _KNOWN)
            yield Finding(
                at=pool.manifest.at(("spec", "limits", str(name)), key=True),
                message=f"{pool} limits {name}, which no node has",
                fix=f"use {near}" if near else "limit cpu, memory or a device",
            )
