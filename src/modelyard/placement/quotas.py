"""vCPUs of nodes by the EC2 quotas that they count against.

`terraform/quotas.tf` asks the account for the same quotas' values; a repository does not know them unless
`environment.yaml` states them under `vcpu-quotas`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from modelyard.catalog import AwsNameKind, InstanceType, aws_names
from modelyard.placement.labels import ON_DEMAND
from modelyard.view import Environment

FACT = "vcpu-quotas"
"""Key of `environment.yaml`: vCPUs that the account may run on demand, by the short names below."""


@dataclass(frozen=True, slots=True)
class Quota:
    """A quota of EC2 for running on-demand instances, in vCPUs.

    Attributes:
        key: Its short name.
        code: Its code in Service Quotas.
        families: Letters with which the names of its instance types begin.
    """

    key: str
    code: str
    families: tuple[str, ...]

    @property
    def name(self) -> str:
        """Return its name in Service Quotas."""
        return aws_names(AwsNameKind.QUOTA).names[self.code].meaning


QUOTAS = (
    Quota("standard", "L-1216C47A", ("a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z")),
    Quota("g", "L-DB2E81BA", ("g", "gr", "vt")),
    Quota("p", "L-417A185B", ("p",)),
    Quota("inf", "L-1945791B", ("inf",)),
    Quota("trn", "L-2C3B7624", ("trn",)),
)

_OF_FAMILY = {family: quota for quota in QUOTAS for family in quota.families}


def quota_of(kind: InstanceType) -> Quota | None:
    """Return the quota that on-demand instances of a type count against; None where it is not one of those here."""
    letters = re.match(r"[a-z]+", kind.name)
    return _OF_FAMILY.get(letters[0]) if letters else None


def vcpus(nodes: Iterable[tuple[InstanceType, str]]) -> dict[str, int]:
    """Return the vCPUs of on-demand nodes by the short name of their quota.

    Spot capacity has quotas of its own, and so have families that are not listed here; neither is counted.

    Args:
        nodes: Instance type and capacity type of each.
    """
    found: dict[str, int] = {}
    for kind, capacity_type in nodes:
        quota = quota_of(kind)
        if quota is not None and capacity_type == ON_DEMAND:
            found[quota.key] = found.get(quota.key, 0) + kind.vcpus
    return found


def stated_quotas(environment: Environment) -> dict[str, int]:
    """Return the quotas that an environment states, by short name; what is no whole number is left out."""
    stated: Any = environment.facts.get(FACT)
    known = {quota.key for quota in QUOTAS}
    return {
        str(key): value
        for key, value in (stated.items() if isinstance(stated, dict) else ())
        if str(key) in known and isinstance(value, int) and not isinstance(value, bool) and value >= 0
    }
