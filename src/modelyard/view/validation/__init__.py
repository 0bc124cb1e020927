"""What Kubernetes' API server and operators refuse in code, beyond what schemas say.

The checks follow the functions of the API server that each module names, as of v1.35 and v1.36; a value that the server
takes is never refused here, and what is not looked at is said in docs/what-a-green-check-means.md.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.view.manifests import Manifest
from modelyard.view.validation.autoscaling import AUTOSCALER_CHECKS
from modelyard.view.validation.checks import Refused
from modelyard.view.validation.cluster import CLUSTER_CHECKS
from modelyard.view.validation.controllers import CONTROLLER_CHECKS
from modelyard.view.validation.devices import DEVICE_CHECKS
from modelyard.view.validation.jobs import JOB_CHECKS
from modelyard.view.validation.karpenter import KARPENTER_CHECKS
from modelyard.view.validation.metadata import metadata
from modelyard.view.validation.network import NETWORK_CHECKS
from modelyard.view.validation.operators import OPERATOR_CHECKS
from modelyard.view.validation.pods import pod_spec
from modelyard.view.workloads import Workload

__all__ = ["Refused", "refused"]

_CHECKS = {
    **AUTOSCALER_CHECKS,
    **CLUSTER_CHECKS,
    **CONTROLLER_CHECKS,
    **DEVICE_CHECKS,
    **JOB_CHECKS,
    **KARPENTER_CHECKS,
    **NETWORK_CHECKS,
    **OPERATOR_CHECKS,
}


def refused(manifest: Manifest, workload: Workload | None) -> Iterator[Refused]:
    """Yield what the API server refuses of a manifest.

    Args:
        manifest: The manifest.
        workload: The same, where it makes pods.
    """
    yield from metadata(manifest.value)
    if workload is not None:
        for template in workload.templates:
            if template.spec_path != ("spec",):
                yield from metadata(manifest.mapping(template.spec_path[:-1]), template.spec_path[:-1])
            yield from pod_spec(template.spec, template.spec_path)
    check = _CHECKS.get((manifest.group, manifest.kind))
    if check is not None:
        yield from check(manifest.value)
