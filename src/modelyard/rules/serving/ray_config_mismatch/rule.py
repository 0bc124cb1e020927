"""Parts of a Ray cluster, and of what it serves, that contradict each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.findings import Finding, NotChecked, error, note, warning
from modelyard.rendering import split_image
from modelyard.rules import rule
from modelyard.rules.wording import nearest, plural
from modelyard.view import (
    ACCELERATORS,
    Environment,
    Manifest,
    ServeApplication,
    Workload,
    entries,
    mapping,
    numbered,
    serve_applications,
    text,
    version_in,
)

_CLUSTER = {"RayService": ("spec", "rayClusterConfig"), "RayCluster": ("spec",)}
# Options of @serve.deployment, of which num_replicas and autoscaling_config exclude each other (python/ray/serve/api.py
# of ray-project/ray): https://docs.ray.io/en/latest/serve/configure-serve-deployment.html
_OPTIONS = frozenset({
    "name", "num_replicas", "max_ongoing_requests", "max_queued_requests", "user_config", "autoscaling_config",
    "graceful_shutdown_wait_loop_s", "graceful_shutdown_timeout_s", "health_check_period_s", "health_check_timeout_s",
    "ray_actor_options", "placement_group_bundles", "placement_group_strategy", "max_replicas_per_node",
    "logging_config", "request_router_config", "version", "route_prefix",
})  # fmt: skip
_PATIENCE = 10
_DEVICES = {"num-gpus": "nvidia.com/gpu"}


@rule("serving/ray-config-mismatch", error, since="0.1.0")
def ray_config_mismatch(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Ray trusts its configuration: wrong device counts, versions or replica limits stop it from placing replicas."""
    for workload in environment.own_workloads:
        path = _CLUSTER.get(workload.kind)
        if path is not None:
            yield from _versions(workload, path)
            yield from _devices(workload)
            yield from _bounds(workload, path)
            yield from _replicas(workload, path)


def _versions(workload: Workload, path: tuple[str, ...]) -> Iterator[Finding]:
    manifest = workload.manifest
    told = str(manifest.get((*path, "rayVersion"), ""))
    for container in workload.containers if told else ():
        if not container.image_basename.startswith("ray"):
            continue  # the tag of an image of somebody's own is not Ray's version
        image = version_in(split_image(container.image)[1])
        if container.name.startswith("ray") and image and version_in(told) not in (image, None):
            yield Finding(
                at=manifest.at((*path, "rayVersion")),
                message=f"{manifest} has rayVersion {told}, but its image {container.image} has {image}",
                fix=f"write {image}, or use the image of {told}",
            )
            return


def _devices(workload: Workload) -> Iterator[Finding]:
    for template in workload.templates:
        path = (*template.path[:-1], "rayStartParams")
        parameters = mapping(workload.manifest.get(path))
        for parameter, resource in _DEVICES.items():
            told, has = text(parameters, parameter), template.accelerators.get(resource, 0)
            if told.isdigit() and int(told) != has and (int(told) > has or "headGroupSpec" not in template.path):
                yield Finding(
                    at=workload.manifest.at((*path, parameter)),
                    message=f"Ray of {template} is configured with {told} GPUs, but its containers have {has}",
                    fix=f'write "{has}", or remove {parameter}: KubeRay reads it from the limits',
                )


def _bounds(workload: Workload, path: tuple[str, ...]) -> Iterator[Finding]:
    """Yield worker groups whose replicas are outside of their own bounds."""
    manifest = workload.manifest
    for index, group in numbered(manifest.value, *path, "workerGroupSpecs"):
        least, now, most = (group.get(each) for each in ("minReplicas", "replicas", "maxReplicas"))
        name = text(group, "groupName")
        for low, high, field, other in (
            (least, most, "minReplicas", "maxReplicas"),
            (now, most, "replicas", "maxReplicas"),
            (least, now, "minReplicas", "replicas"),
        ):
            if isinstance(low, int) and isinstance(high, int) and low > high:
                yield Finding(
                    at=manifest.at((*path, "workerGroupSpecs", index, field)),
                    message=f"worker group {name} of {manifest} has {field} {low}, but {other} {high}",
                    fix=f"set {field} to at most {high}, or raise {other}",
                    severity=error if other == "maxReplicas" and field == "minReplicas" else warning,
                )
                break


def _options(
    manifest: Manifest, application: ServeApplication, base: tuple[str | int, ...], deployment: Mapping[str, Any]
) -> Iterator[Finding]:
    """Yield options of a deployment that Serve does not know, and a health check that a busy engine misses."""
    for name in deployment:
        if name not in _OPTIONS:
            near = nearest(str(name), _OPTIONS, cutoff=0.8)
            yield Finding(
                at=application.at(*base, str(name)),
                message=f"{manifest} sets {name} of a deployment, which Serve does not know",
                fix=f"write {near}" if near else "write the option as Serve's documentation has it",
                severity=None if near else warning,
            )
    if isinstance(deployment.get("num_replicas"), int) and deployment.get("autoscaling_config"):
        yield Finding(
            at=application.at(*base, "num_replicas"),
            message=f"{manifest} sets num_replicas beside autoscaling_config, which Serve refuses",
            fix="remove num_replicas, or autoscaling_config",
        )
    patience = deployment.get("health_check_timeout_s")
    if isinstance(patience, int | float) and not isinstance(patience, bool) and patience < _PATIENCE:
        yield Finding(
            at=application.at(*base, "health_check_timeout_s"),
            message=f"Serve gives up a replica of {manifest} whose health check takes {patience:g} s, as it does "
            "under a burst of requests",
            fix="leave it out: the default is 30 s",
            severity=note,
        )


def _replicas(workload: Workload, path: tuple[str, ...]) -> Iterator[Finding]:
    manifest = workload.manifest
    groups = [
        (_number(group.get("maxReplicas"), group.get("replicas")), devices)
        for _, group in numbered(manifest.value, *path, "workerGroupSpecs")
        if (devices := _gpus(group))
    ]
    for application in serve_applications(manifest):
        prefix = application.value.get("route_prefix")
        if isinstance(prefix, str) and not prefix.startswith("/"):
            yield Finding(
                at=application.at("route_prefix"),
                message=f"{manifest} has route_prefix {prefix}, but Ray requires a leading slash",
                fix=f"write /{prefix}",
            )
        for number, config in numbered(application.value, "args", "llm_configs"):
            deployment = mapping(config, "deployment_config")
            scaling = mapping(deployment, "autoscaling_config")
            base = ("args", "llm_configs", number, "deployment_config")
            yield from _options(manifest, application, base, deployment)
            fewest, most_of_all = scaling.get("min_replicas"), scaling.get("max_replicas")
            if isinstance(fewest, int) and isinstance(most_of_all, int) and fewest > most_of_all:
                yield Finding(
                    at=application.at(*base, "autoscaling_config", "min_replicas"),
                    message=f"{manifest} has min_replicas {fewest}, but max_replicas {most_of_all}",
                    fix=f"set min_replicas to at most {most_of_all}, or raise max_replicas",
                )
            wanted = _number(scaling.get("max_replicas"), deployment.get("num_replicas"))
            kwargs = mapping(config, "engine_kwargs")
            ranks = max(1, _number(kwargs.get("tensor_parallel_size"))) * max(
                1, _number(kwargs.get("pipeline_parallel_size"))
            )
            places = sum(pods * (devices // ranks) for pods, devices in groups)
            target, most = scaling.get("target_ongoing_requests"), deployment.get("max_ongoing_requests")
            if isinstance(target, int | float) and isinstance(most, int | float) and most < target:
                yield Finding(
                    at=application.at(*base, "max_ongoing_requests"),
                    message=f"a replica of {manifest} accepts {most} concurrent requests, but Ray adds a "
                    f"replica only above an average of {target}, which is never reached",
                    fix="set max_ongoing_requests above target_ongoing_requests",
                )
            whole = sum(pods * devices for pods, devices in groups) + _gpus(manifest.mapping((*path, "headGroupSpec")))
            if groups and whole < ranks:
                yield Finding(
                    at=application.at("args", "llm_configs", number, "engine_kwargs", "tensor_parallel_size")
                    if ranks > 1 and whole
                    else manifest.at((*path, "workerGroupSpecs", 0, "maxReplicas")),
                    message=f"a replica of {manifest} needs {plural(ranks, 'GPU')}, but its workers have at most "
                    f"{whole}",
                    fix="raise maxReplicas of the worker group, or use fewer ranks",
                )
            # A replica over several pods, or several models on the same workers, is not counted.
            if places and wanted > places and scaling.get("max_replicas") is not None:
                yield Finding(
                    at=application.at(*base, "autoscaling_config", "max_replicas"),
                    message=f"{manifest} may have {wanted} replicas, but its workers hold at most {places}",
                    fix=f"write {places}, or raise maxReplicas of the worker group",
                    severity=warning,
                )


def _gpus(group: Any) -> int:
    """Return the devices of a worker's pod."""
    total = 0
    for container in entries(group, "template", "spec", "containers"):
        limits = mapping(container, "resources", "limits")
        total += sum(int(str(limits[name])) for name in ACCELERATORS if str(limits.get(name, "")).isdigit())
    return total


def _number(*values: Any) -> int:
    return next((each for each in values if isinstance(each, int) and not isinstance(each, bool)), 0)
