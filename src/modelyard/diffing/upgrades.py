"""What a change of the cluster's Kubernetes version means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.catalog import minor_version
from modelyard.diffing.model import Hazard
from modelyard.findings import Severity

FACT = "kubernetes"


def kubernetes_hazards(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Hazard]:
    """Yield why EKS refuses to change a cluster's Kubernetes version, or what follows from the change.

    https://docs.aws.amazon.com/eks/latest/userguide/update-cluster.html (read 2026-12-01)

    Args:
        before: Facts of the environment on the base side.
        after: Facts on the head side.
    """
    if str(before.get("cluster")) != str(after.get("cluster")):
        return  # another cluster
    old, new = (minor_version(str(facts.get(FACT) or "")) for facts in (before, after))
    if old is None or new is None or old == new:
        return
    if new < old:
        yield Hazard(
            FACT,
            Severity.ERROR,
            f"EKS takes no cluster back from Kubernetes 1.{old} to 1.{new}; one of 1.{new} has to be made anew",
        )
    elif new > old + 1:
        yield Hazard(
            FACT,
            Severity.ERROR,
            f"EKS takes one minor version at a time, so Kubernetes 1.{old} has to become 1.{old + 1} before 1.{new}",
        )
    else:
        yield Hazard(
            FACT,
            Severity.WARNING,
            f"the control plane goes to Kubernetes 1.{new}, and never back to 1.{old}; then every node is replaced by "
            f"one of 1.{new}, within the disruption budgets of its pool",
        )
