"""What an environment costs: its nodes at every scale, and what it has beside them."""

from modelyard.costing.amounts import Amount, CostLine, Scale, printed, together
from modelyard.costing.environment import EnvironmentCost, environment_cost
from modelyard.costing.nodes import NodeCosts, Owner, PoolCost, node_costs
from modelyard.costing.platform import NOT_COUNTED, instance_price, platform_lines, price_provenance
from modelyard.costing.prices import HOURS_PER_MONTH, ServicePrice, service_prices
from modelyard.costing.runs import RunCost, run_costs
from modelyard.costing.variables import Dimensions, NodeGroup, dimensions

__all__ = [
    "HOURS_PER_MONTH",
    "NOT_COUNTED",
    "Amount",
    "CostLine",
    "Dimensions",
    "EnvironmentCost",
    "NodeCosts",
    "NodeGroup",
    "Owner",
    "PoolCost",
    "RunCost",
    "Scale",
    "ServicePrice",
    "dimensions",
    "environment_cost",
    "instance_price",
    "node_costs",
    "platform_lines",
    "price_provenance",
    "printed",
    "run_costs",
    "service_prices",
    "together",
]
