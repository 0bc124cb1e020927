"""Pods that ask for more than one share of a GPU."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.placement import placements, plugin_configurations, sharing_of
from modelyard.rules import rule
from modelyard.view import Environment

GPU = "nvidia.com/gpu"


@rule("devices/multiple-shared-gpus", error, since="0.1.0")
def multiple_shared_gpus(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Two shares of a GPU give no more compute, and the device plugin rejects a pod that requests several."""
    configurations = plugin_configurations(environment)
    told = {pool.name: sharing_of(pool, configurations) for pool in environment.pools}
    shared = {name: sharing for name, sharing in told.items() if sharing.pods > 1}
    if not shared:
        return
    for found in placements(environment):
        amount = found.template.accelerators.get(GPU, 0)
        taking = next((each.pool for each in found.accepting if each.pool in shared), "")
        if amount < 2 or not taking or found.daemon:
            continue
        container = next(each for each in found.template.containers if each.requested(GPU) is not None)
        yield Finding(
            at=container.at("resources", "limits", GPU),
            message=f"{found.template} request {amount} {GPU}; on node pool {taking} that is {amount} of "
            f"{shared[taking].pods} shares, possibly of one GPU ({shared[taking].strategy})",
            fix=f"request 1 {GPU}, or select a node pool with whole GPUs",
        )
