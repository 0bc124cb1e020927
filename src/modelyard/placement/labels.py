"""Labels that Karpenter and its AWS provider know, and what they are on each instance type.

Sources: `pkg/apis/v1/labels.go` of sigs.k8s.io/karpenter v1.14.1 and of github.com/aws/karpenter-provider-aws v1.14.1.
EKS Auto Mode has names of its own for some of them: latest/ug/automode/create-node-pool.adoc of
awsdocs/amazon-eks-user-guide at 01385604 (read 2026-11-26).
"""

from __future__ import annotations

from types import MappingProxyType

POOL = "karpenter.sh/nodepool"
NODE_CLASS = "karpenter.k8s.aws/ec2nodeclass"
CAPACITY_TYPE = "karpenter.sh/capacity-type"
ZONE = "topology.kubernetes.io/zone"
ZONE_ID = "topology.k8s.aws/zone-id"
REGION = "topology.kubernetes.io/region"
INSTANCE_TYPE = "node.kubernetes.io/instance-type"
HOSTNAME = "kubernetes.io/hostname"
ARCHITECTURE = "kubernetes.io/arch"
OPERATING_SYSTEM = "kubernetes.io/os"
WINDOWS_BUILD = "node.kubernetes.io/windows-build"
ON_DEMAND, SPOT, RESERVED = "on-demand", "spot", "reserved"

AWS = "karpenter.k8s.aws/"
RESERVATION_ID = AWS + "capacity-reservation-id"
RESERVATION_TYPE = AWS + "capacity-reservation-type"
RESERVATION_INTERRUPTIBLE = AWS + "capacity-reservation-interruptible"
TENANCY = AWS + "instance-tenancy"

AUTO_MODE = "eks.amazonaws.com/"
AUTO_MODE_NODE_CLASS = AUTO_MODE + "nodeclass"
COMPUTE_TYPE = AUTO_MODE + "compute-type"

# Labels that nodes of some instance types have, and others do not: those that both know, then Karpenter's own.
_OF_BOTH = (
    "instance-category",
    "instance-family",
    "instance-generation",
    "instance-size",
    "instance-local-nvme",
    "instance-cpu",
    "instance-cpu-manufacturer",
    "instance-memory",
    "instance-ebs-bandwidth",
    "instance-network-bandwidth",
    "instance-gpu-name",
    "instance-gpu-manufacturer",
    "instance-gpu-count",
    "instance-gpu-memory",
    "instance-hypervisor",
    "instance-encryption-in-transit-supported",
)
_OF_KARPENTER = (
    "instance-capability-flex",
    "instance-cpu-sustained-clock-speed-mhz",
    "instance-accelerator-name",
    "instance-accelerator-manufacturer",
    "instance-accelerator-count",
)
OF_INSTANCE_TYPES = tuple(AWS + name for name in (*_OF_BOTH, *_OF_KARPENTER))
OF_AUTO_MODE_TYPES = tuple(AUTO_MODE + name for name in _OF_BOTH)

WELL_KNOWN = frozenset(
    {
        POOL,
        ZONE,
        ZONE_ID,
        REGION,
        INSTANCE_TYPE,
        ARCHITECTURE,
        OPERATING_SYSTEM,
        CAPACITY_TYPE,
        WINDOWS_BUILD,
        RESERVATION_ID,
        RESERVATION_TYPE,
        RESERVATION_INTERRUPTIBLE,
        TENANCY,
        AWS + "placement-group-id",
        AWS + "placement-group-partition",
        *OF_INSTANCE_TYPES,
        *OF_AUTO_MODE_TYPES,
    }
)
"""Labels that may be asked for though a pool says nothing of them."""

NORMALIZED = MappingProxyType(
    {
        "failure-domain.beta.kubernetes.io/zone": ZONE,
        "failure-domain.beta.kubernetes.io/region": REGION,
        "beta.kubernetes.io/arch": ARCHITECTURE,
        "beta.kubernetes.io/os": OPERATING_SYSTEM,
        "beta.kubernetes.io/instance-type": INSTANCE_TYPE,
    }
)
"""Old names of labels, and today's."""

_KNOWN_VALUES = {
    CAPACITY_TYPE: frozenset({ON_DEMAND, SPOT, RESERVED}),
    TENANCY: frozenset({"default", "dedicated"}),
}
_RESTRICTED_DOMAINS = ("karpenter.sh", "karpenter.k8s.aws")
_OPERATORS = frozenset({"In", "NotIn", "Exists", "DoesNotExist", "Gt", "Gte", "Lt", "Lte"})


def refusal(key: str, operator: str, values: tuple[str, ...]) -> str:
    """Return why Karpenter ignores pods with a demand; empty where it does not.

    The rules are those of `ValidateRequirement` in `pkg/apis/v1/nodeclaim_validation.go`; syntax that the API server
    refuses first is left to it.
    """
    key = NORMALIZED.get(key, key)
    if operator not in _OPERATORS:
        return f"the operator {operator} is none that Karpenter knows"
    domain = key.partition("/")[0] if "/" in key else ""
    reserved = any(domain == each or domain.endswith("." + each) for each in _RESTRICTED_DOMAINS)
    if key not in WELL_KNOWN and (key == HOSTNAME or reserved):
        return f"Karpenter ignores pods that ask for the label {key}"
    known = _KNOWN_VALUES.get(key)
    if operator == "In" and known is not None and not known.intersection(values):
        return f"{key} is never {' or '.join(values)}"
    if operator == "In" and not values:
        return f"the demand on {key} lists no values"
    if operator in ("Gt", "Gte", "Lt", "Lte") and not (len(values) == 1 and values[0].isdigit()):
        return f"the demand on {key} compares with no whole number"
    return ""
