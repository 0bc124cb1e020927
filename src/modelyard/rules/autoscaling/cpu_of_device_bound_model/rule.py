"""Autoscalers that look at the processor of what an accelerator limits."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.graph import graph
from modelyard.rendering import Path
from modelyard.rules import rule
from modelyard.view import Environment, Manifest, mapping, numbered, text


@rule("autoscaling/cpu-of-device-bound-model", warning, since="0.1.0")
def cpu_of_device_bound_model(environment: Environment) -> Iterator[Finding | NotChecked]:
    """On an accelerator, the engine's CPU usage is the same for one request as for a hundred."""
    bound = {
        (environment.namespace_of(each.manifest), each.kind, each.name)
        for each in environment.workloads
        if any(template.accelerators for template in each.templates)
    }
    for edge in graph(environment).of("scales"):
        manifest = edge.source.holder
        wanted = edge.wanted
        if not isinstance(manifest, Manifest) or (wanted.namespace, wanted.kind, wanted.name) not in bound:
            continue
        for path in _of_cpu(manifest):
            yield Finding(
                at=manifest.at(path),
                message=f"{manifest} scales {wanted.kind} {wanted.name}, which runs on an accelerator, by its CPU",
                fix="scale on waiting requests, with the feature scale-on-queue",
            )


def _of_cpu(manifest: Manifest) -> Iterator[Path]:
    for index, metric in numbered(manifest.value, "spec", "metrics"):
        for field in ("resource", "containerResource"):
            if text(mapping(metric, field), "name") == "cpu":
                yield ("spec", "metrics", index, field, "name")
    for index, trigger in numbered(manifest.value, "spec", "triggers"):
        if text(trigger, "type") == "cpu":
            yield ("spec", "triggers", index, "type")
