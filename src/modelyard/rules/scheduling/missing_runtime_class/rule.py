"""Runtime classes that nobody defines."""

from collections.abc import Iterator

from modelyard.cluster import Environment, text
from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import one_of

# Charts that bring the class `nvidia` among others.
_BRING_CLASSES = ("gpu-operator", "nvidia-device-plugin")


@rule("scheduling/missing-runtime-class", error, since="0.1.0")
def missing_runtime_class(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A pod with a runtime class that does not exist is refused."""
    known = {thing.name for thing in environment.of_kind("RuntimeClass", "node.k8s.io")}
    charts = {source.chart for application in environment.applications for source in application.sources}
    bringing = sorted(charts.intersection(_BRING_CLASSES))
    for workload in environment.workloads:
        for template in workload.templates:
            name = text(template.spec, "runtimeClassName")
            if not name or name in known:
                continue
            if bringing:
                yield NotChecked(template, f"chart {bringing[0]} may bring the runtime class {name}")
                continue
            yield Finding(
                at=template.at("runtimeClassName"),
                message=f"{template} have the runtime class {name}, which this environment does not define",
                fix="remove it: the accelerated AMIs of EKS use the NVIDIA runtime by default"
                if not known
                else f"name {one_of(known)}",
            )
