"""Autoscalers of workloads that are not there."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rendering import Path
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of
from modelyard.view import Environment

# Who scales, with where it names its target, and the kind of a target that names none.
_SCALERS: dict[tuple[str, str], tuple[Path, str]] = {
    ("autoscaling", "HorizontalPodAutoscaler"): (("spec", "scaleTargetRef"), ""),
    ("keda.sh", "ScaledObject"): (("spec", "scaleTargetRef"), "Deployment"),
    ("autoscaling.aibrix.ai", "PodAutoscaler"): (("spec", "scaleTargetRef"), ""),
}


@rule("autoscaling/unknown-scale-target", error, since="0.1.0", absence="object")
def unknown_scale_target(environment: Environment) -> Iterator[Finding | NotChecked]:
    """An autoscaler whose target does not exist scales nothing, and the model stays at the size that it began with."""
    for (group, kind), (path, default) in _SCALERS.items():
        for manifest in environment.of_kind(kind, group):
            if not environment.is_ours(manifest):
                continue
            reference = manifest.mapping(path)
            wanted = str(reference.get("kind") or default)
            name = str(reference.get("name") or "")
            namespace = environment.namespace_of(manifest)
            there = [each for each in environment.resources if environment.namespace_of(each) == namespace]
            if not name or any((each.kind, each.name) == (wanted, name) for each in there):
                continue
            elsewhere = environment.unrendered_in(namespace)
            if elsewhere:
                yield NotChecked(manifest, f"{elsewhere} may bring {wanted} {name}")
                continue
            other = next((each for each in environment.workloads if each.manifest in there and each.name == name), None)
            names = {each.name for each in there if each.kind == wanted}
            yield Finding(
                at=manifest.at((*path, "kind" if other else "name")),
                message=f"{manifest} scales {wanted} {name}, which namespace {namespace} does not have",
                fix=f"kind: {other.kind}, apiVersion: {other.manifest.identity.api_version}"
                if other
                else f"name {nearest(name, names) or one_of(names)}",
            )
