"""Autoscalers of workloads that are not there."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rendering import Path
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of
from modelyard.schemas.bundle import served_versions as schema_versions
from modelyard.view import Environment, Manifest, numbered, text

# Who scales, with where it names its target, and the kind of a target that names none.
_SCALERS: dict[tuple[str, str], tuple[Path, str]] = {
    ("autoscaling", "HorizontalPodAutoscaler"): (("spec", "scaleTargetRef"), ""),
    ("keda.sh", "ScaledObject"): (("spec", "scaleTargetRef"), "Deployment"),
    ("autoscaling.aibrix.ai", "PodAutoscaler"): (("spec", "scaleTargetRef"), ""),
}


@rule("autoscaling/unknown-scale-target", error, since="0.1.0", absence="object")
def unknown_scale_target(environment: Environment) -> Iterator[Finding | NotChecked]:
    """An autoscaler whose target does not exist scales nothing, and the model keeps its initial replicas."""
    for (group, kind), (path, default) in _SCALERS.items():
        for manifest in environment.of_kind(kind, group):
            if not environment.is_ours(manifest):
                continue
            reference = manifest.mapping(path)
            wanted = str(reference.get("kind") or default)
            name = str(reference.get("name") or "")
            namespace = environment.namespace_of(manifest)
            there = [each for each in environment.resources if environment.namespace_of(each) == namespace]
            found = next((each for each in there if (each.kind, each.name) == (wanted, name)), None)
            if found is not None:
                yield from _of_version(environment, manifest, path, found)
                yield from _containers(environment, manifest, found)
            if not name or found is not None:
                continue
            elsewhere = environment.unrendered_in(namespace)
            if elsewhere:
                yield NotChecked(manifest, f"{elsewhere} may create {wanted} {name}")
                continue
            other = next((each for each in environment.workloads if each.manifest in there and each.name == name), None)
            names = {each.name for each in there if each.kind == wanted}
            yield Finding(
                at=manifest.at((*path, "kind" if other else "name")),
                message=f"{manifest} scales {wanted} {name}, which does not exist in namespace {namespace}",
                fix=f"kind: {other.kind}, apiVersion: {other.manifest.identity.api_version}"
                if other
                else f"name {nearest(name, names) or one_of(names)}",
            )


def _of_version(environment: Environment, scaler: Manifest, path: Path, target: Manifest) -> Iterator[Finding]:
    """Yield a version of the target's API that is not served; an autoscaler asks for the target by it."""
    told = str(scaler.mapping(path).get("apiVersion") or "")
    own = target.identity.api_version
    if not told or told == own:
        return
    served = schema_versions(target.kind, target.group, str(environment.facts.get("kubernetes") or ""))
    if own in served and told not in served:
        yield Finding(
            at=scaler.at((*path, "apiVersion")),
            message=f"{scaler} scales {target} as {told}, and {target.kind} is served as {one_of(served)}",
            fix=f"write {own}",
        )


def _containers(environment: Environment, scaler: Manifest, target: Manifest) -> Iterator[Finding]:
    """Yield containers whose use an autoscaler measures, and that the pods of its target do not have."""
    workload = next((each for each in environment.workloads if each.manifest == target), None)
    known = {each.name for each in workload.containers} if workload is not None else set()
    named: list[tuple[Path, str]] = [
        (("spec", "metrics", index, "containerResource", "container"), text(metric, "containerResource", "container"))
        for index, metric in numbered(scaler.value, "spec", "metrics")
    ]
    named += [
        (("spec", "triggers", index, "metadata", "containerName"), text(trigger, "metadata", "containerName"))
        for index, trigger in numbered(scaler.value, "spec", "triggers")
        if text(trigger, "type") in ("cpu", "memory")
    ]
    for path, name in named:
        if name and known and name not in known:
            yield Finding(
                at=scaler.at(path),
                message=f"{scaler} measures the container {name}, which the pods of {target} do not have",
                fix=f"name {nearest(name, known) or one_of(known)}",
            )
