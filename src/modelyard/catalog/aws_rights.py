"""What known callers of AWS must be allowed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from modelyard.catalog.loading import DATA, read_yaml


@dataclass(frozen=True, slots=True)
class AwsRights:
    """What is asked of IAM.

    Attributes:
        karpenter: Actions of Karpenter's controller.
        node: Managed policies of a node's role: one of each group.
        addon_accounts: Service accounts of EKS's add-ons, in kube-system.
    """

    karpenter: tuple[str, ...]
    node: tuple[tuple[str, ...], ...]
    addon_accounts: frozenset[str]


@cache
def aws_rights() -> AwsRights:
    """Return what known callers must be allowed."""
    raw = read_yaml(DATA / "aws" / "rights.yaml")
    return AwsRights(
        tuple(raw["karpenter"]["actions"]),
        tuple(tuple(group) for group in raw["node"]["any-of"]),
        frozenset(raw["addon-accounts"]["names"]),
    )
