"""Where pods can run: node pools, instance types and zones, by Karpenter's rules.

What is decided here is held against Karpenter's own scheduler in a test. Pods are judged alone by `placements`, and
together, with the nodes that they need, by `fleet`.
"""

from modelyard.placement.architectures import other_architecture
from modelyard.placement.demand import Demand, demand_by_template, demands, is_run
from modelyard.placement.disks import DiskUse, disk_use
from modelyard.placement.fleets import Fleet, FleetNode, fleet, scale
from modelyard.placement.instance_options import InstanceOption, Offering
from modelyard.placement.labels import SPOT
from modelyard.placement.node_classes import AL2023, BOTTLEROCKET, ami_family
from modelyard.placement.node_groups import (
    GroupVerdict,
    ManagedGroup,
    group_verdicts,
    groups_of,
    managed_groups,
    variables,
)
from modelyard.placement.placements import Placement, PoolCatalog, cluster, placement_by_template, placements
from modelyard.placement.pods import PodShape
from modelyard.placement.quotas import FACT as QUOTA_FACT
from modelyard.placement.quotas import QUOTAS, Quota, quota_of, stated_quotas, vcpus
from modelyard.placement.resources import Resources, written
from modelyard.placement.scales import Scales, Units, scales, units
from modelyard.placement.shares import (
    MIG,
    MPS,
    TIME_SLICING,
    WHOLE_DEVICES,
    Sharing,
    plugin_configurations,
    sharing_of,
)
from modelyard.placement.shortfalls import Remainder, Shortfall, shortfalls
from modelyard.placement.verdicts import PoolVerdict, Step

__all__ = [
    "AL2023",
    "BOTTLEROCKET",
    "MIG",
    "MPS",
    "QUOTAS",
    "QUOTA_FACT",
    "SPOT",
    "TIME_SLICING",
    "WHOLE_DEVICES",
    "Demand",
    "DiskUse",
    "Fleet",
    "FleetNode",
    "GroupVerdict",
    "InstanceOption",
    "ManagedGroup",
    "Offering",
    "Placement",
    "PodShape",
    "PoolCatalog",
    "PoolVerdict",
    "Quota",
    "Remainder",
    "Resources",
    "Scales",
    "Sharing",
    "Shortfall",
    "Step",
    "Units",
    "ami_family",
    "cluster",
    "demand_by_template",
    "demands",
    "disk_use",
    "fleet",
    "group_verdicts",
    "groups_of",
    "is_run",
    "managed_groups",
    "other_architecture",
    "placement_by_template",
    "placements",
    "plugin_configurations",
    "quota_of",
    "scale",
    "scales",
    "sharing_of",
    "shortfalls",
    "stated_quotas",
    "units",
    "variables",
    "vcpus",
    "written",
]
