"""What a start takes, and who gives up on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.catalog import Model
from modelyard.catalog import model as catalog_model
from modelyard.findings import Address
from modelyard.view.environment import Environment
from modelyard.view.models import ServedModel
from modelyard.view.overlays import overlay_facts
from modelyard.view.shapes import entries, mapping, text
from modelyard.view.times.model import Phase, TimeLimit
from modelyard.view.times.probes import allowed_seconds

READ_GB_PER_SECOND = 0.1
"""Weights over the network from a hub, on a bad day; a local disk or S3 streaming is several times as fast."""

FIXED_SECONDS = 300
"""Imports, compilation and CUDA graphs, which hardly depend on the weights."""

NODE_AND_IMAGE_SECONDS = 900
"""A node that Karpenter makes, and the image that is pulled on it."""

LAST_NODE_SECONDS = 300
"""Time between the first and the last node of a group."""

READY_VARIABLE = "VLLM_ENGINE_READY_TIMEOUT_S"
READY_SECONDS = 600
"""Default of `VLLM_ENGINE_READY_TIMEOUT_S` (vllm/envs.py of 0.33.0)."""

RANK_TIMEOUTS = {
    "distributed-timeout-seconds": (600, "PyTorch's default for NCCL"),
    "cpu-distributed-timeout-seconds": (1800, "PyTorch's default for Gloo"),
}
"""After how long ranks give up on each other, by flag: what holds without it (vllm/config/parallel.py of 0.33.0)."""

PROGRESS_SECONDS = 600
"""Kubernetes' own `progressDeadlineSeconds`."""

COPY = "copy of the weights by init container"

HOOK = "argocd.argoproj.io/hook"
WAVE = "argocd.argoproj.io/sync-wave"
SYNC_TIMEOUT = "controller.sync.timeout.seconds"


def weights_gb(model: ServedModel) -> float | None:
    """Return the weights of a model in GB (10^9 bytes) as they are stored; None where nobody told."""
    known = catalog_model(model.settings.model_id)
    found = _catalogued(known) if known else None
    told = overlay_facts(model.application)
    if found is None and told.get("model") == model.settings.model_id:
        return _positive(told.get("weights-gb"))
    return found


def loading_seconds(model: ServedModel) -> float | None:
    """Return how long a node may take from an empty disk to loaded weights; None where the weights are unknown."""
    weights = weights_gb(model)
    if weights is None:
        return None
    return weights / (_positive(overlay_facts(model.application).get("gb-per-second")) or READ_GB_PER_SECOND)


def starting(environment: Environment, model: ServedModel) -> Iterator[TimeLimit]:
    """Yield what a start takes and who gives up on it."""
    yield from _needs(model)
    yield from _engine_limits(model)
    if model.workload.kind == "Deployment":
        manifest = model.workload.manifest
        seconds = manifest.get("spec.progressDeadlineSeconds")
        yield _limit(
            "rollout",
            "Deployment (progressDeadlineSeconds)",
            seconds,
            (PROGRESS_SECONDS, "Kubernetes' default"),
            manifest.at("spec.progressDeadlineSeconds"),
        )
    yield from _syncs(environment, model)


def _needs(model: ServedModel) -> Iterator[TimeLimit]:
    told = overlay_facts(model.application)
    yield TimeLimit("rollout", "a node and the image", NODE_AND_IMAGE_SECONDS, "assumed", need=True)
    loading, at = loading_seconds(model), model.settings.at("model")
    for container in model.template.containers:
        if container.init and not container.sidecar and _shares_weights(model, container.value):
            name = f"{COPY} {container.name}"
            yield TimeLimit("rollout", name, loading, _rate(told), container.at("name"), need=True)
    yield TimeLimit("start", "weights", loading, _rate(told), at, need=True)
    yield TimeLimit("start", "imports, compilation and CUDA graphs", FIXED_SECONDS, "assumed", need=True)
    if extra := _positive(told.get("compile-seconds")):
        yield TimeLimit("start", "further compilation", extra, "overlay.yaml", need=True)
    if spans_nodes(model):
        yield TimeLimit("start", "the node of the group that comes last", LAST_NODE_SECONDS, "assumed", need=True)


def _rate(told: dict[str, Any]) -> str:
    speed = _positive(told.get("gb-per-second"))
    return f"at {speed or READ_GB_PER_SECOND:g} GB/s, {'overlay.yaml' if speed else 'assumed'}"


def _shares_weights(model: ServedModel, init: dict[str, Any]) -> bool:
    """Return whether an init container writes to the volume that the engine loads from."""
    path = model.settings.model
    holding = {
        text(mount, "name")
        for mount in entries(model.container.value, "volumeMounts")
        if path.startswith(f"{text(mount, 'mountPath').rstrip('/')}/")
    }
    return bool(holding & {text(mount, "name") for mount in entries(init, "volumeMounts") if not mount.get("readOnly")})


def spans_nodes(model: ServedModel) -> bool:
    """Return whether a replica is a group of several pods."""
    return model.workload.group_size > 1


def _engine_limits(model: ServedModel) -> Iterator[TimeLimit]:
    probe = mapping(model.container.value, "startupProbe")
    if probe:
        at = model.container.at("startupProbe", "failureThreshold")
        yield TimeLimit("start", "start-up probe", allowed_seconds(probe), "set", at)
    if not model.engine.vllm_ready_limit:
        return
    index, value = next(
        (
            (index, text(each, "value"))
            for index, each in enumerate(entries(model.container.value, "env"))
            if text(each, "name") == READY_VARIABLE
        ),
        (None, ""),
    )
    yield _limit(
        "start",
        f"engine ({READY_VARIABLE})",
        int(value) if value.isdigit() else None,
        (READY_SECONDS, "vLLM's default"),
        model.container.at("env") if index is None else model.container.at("env", index, "value"),
    )
    for flag, default in RANK_TIMEOUTS.items() if spans_nodes(model) else ():
        name, told = f"ranks on each other ({flag})", model.settings.get(flag)
        yield _limit("start", name, told, default, model.settings.at(flag))


def _syncs(environment: Environment, model: ServedModel) -> Iterator[TimeLimit]:
    steps = [manifest for manifest in model.application.resources if {HOOK, WAVE} & set(manifest.annotations)]
    for manifest in steps:
        seconds = manifest.get("spec.activeDeadlineSeconds")
        if manifest.kind == "Job" and isinstance(seconds, int):
            yield TimeLimit("rollout", f"hook {manifest}", seconds, "set", manifest.at("spec.activeDeadlineSeconds"))
    if steps:  # Argo CD waits for health between steps only
        for seconds, at in sync_timeouts(environment):
            yield TimeLimit("rollout", f"sync ({SYNC_TIMEOUT})", seconds or None, "set", at)


def sync_timeouts(environment: Environment) -> Iterator[tuple[int, Address]]:
    """Yield how long Argo CD waits for one sync, and where that is set; 0 is no limit, which is its default."""
    for values in environment.chart_values:
        told = str(values.get(("configs", "params", SYNC_TIMEOUT), ""))
        if told.isdigit():
            yield int(told), values.at(("configs", "params", SYNC_TIMEOUT))
    for manifest in environment.of_kind("ConfigMap", ""):
        told = str(manifest.mapping("data").get(SYNC_TIMEOUT, ""))
        if told.isdigit() and environment.is_ours(manifest):
            yield int(told), manifest.at(("data", SYNC_TIMEOUT))


def _limit(phase: Phase, name: str, seconds: Any, default: tuple[int, str], at: Address) -> TimeLimit:
    if isinstance(seconds, int) and not isinstance(seconds, bool):
        return TimeLimit(phase, name, seconds, "set", at)
    return TimeLimit(phase, name, *default, at)


def _positive(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None


def _catalogued(known: Model) -> float | None:
    if known.weights_gib is not None:
        return known.weights_gib * 1.073741824
    if known.parameters_billion is None:
        return None
    quantised = known.shape.quantization if known.shape else None
    return known.parameters_billion * (quantised.bits / 8 if quantised else 2)
