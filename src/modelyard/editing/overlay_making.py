"""An overlay for a model that has none, from its shape, the environment's pools and the engine's base."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modelyard.catalog import Device, Model, device
from modelyard.checking import CheckOptions
from modelyard.checking.environments import environments
from modelyard.editing.environment_folder import EnvironmentFiles
from modelyard.editing.menu import CONSENT, ENGINES, OVERLAYS, Overlay
from modelyard.editing.readiness import how_to_bring_pool
from modelyard.editing.splicing import Text, scalar
from modelyard.findings import ExitCode, UserError
from modelyard.placement import cluster
from modelyard.repository import Repository
from modelyard.sizing import (
    Assessment,
    FitVerdict,
    assess,
    known_model,
    legal_tensor_parallel_sizes,
    stored_weights_gib,
)
from modelyard.view import version_in

ENGINE = "vllm"
POOL, WHOLE_NODES = "gpu", "gpu-multinode"
"""The base's pool, and the one for models that span nodes, of which a model may also fill one node."""

IMAGE = "vllm/vllm-openai"
LONGEST_UNASKED = 32768
"""Tokens of the longest request where nobody asks for another; the cache grows with it."""

GIB = 2**30 / 1e9
GB_PER_SECOND = {POOL: 0.1, WHOLE_NODES: 0.5}
"""Download that the smallest nodes of a pool exceed; those of the second have 400 Gbit/s and more."""

COLD_START_SECONDS = 300
ENGINE_READY_SECONDS = 600
"""vLLM's own limit, VLLM_ENGINE_READY_TIMEOUT_S."""

PROBE_SECONDS = 10
SMALL_GB = 8.0
"""Weights up to which an engine does with the memory and cores of the smallest nodes."""


@dataclass(frozen=True, slots=True)
class MadeOverlay:
    """An overlay that was written into an edit.

    Attributes:
        overlay: What it says of itself.
        reason: Why its devices were chosen, one sentence without a final stop.
    """

    overlay: Overlay
    reason: str


@dataclass(frozen=True, slots=True)
class _Way:
    pool: str
    device: Device
    memory_mib: int
    ranks: int
    whole_experts: bool
    instance_type: str
    usd_per_hour: float | None
    assessment: Assessment


def make_overlay(environment: EnvironmentFiles, model_id: str, max_model_len: int | None) -> MadeOverlay | None:
    """Write an overlay for a model on the GPUs of an environment, those that cost least among those that it fits.

    Args:
        environment: The environment whose pools and engine version count.
        model_id: A model of the catalogue or of the team.
        max_model_len: Longest request in tokens; when None the model's own, up to 32,768.

    Returns:
        The overlay; None where the model's shape, the engine's version or the pool is not known.

    Raises:
        UserError: The model fits none of the pool's GPUs.
    """
    changes = environment.changes
    model = known_model(changes.files, model_id)
    version = engine_version(environment)
    if model is None or model.shape is None or version is None or not changes.files.is_folder(f"{ENGINES}/{ENGINE}"):
        return None
    length = max_model_len or min(model.shape.max_positions or LONGEST_UNASKED, LONGEST_UNASKED)
    ways = list(_ways(environment, model, version, length))
    if not ways:
        return None
    fitting = [each for each in ways if each.assessment.verdict is FitVerdict.FITS]
    fitting = fitting or [each for each in ways if each.assessment.verdict is FitVerdict.TIGHT]
    if not fitting:
        nearest = max(ways, key=lambda each: each.assessment.budget.margin_gib)
        pools = sorted({each.pool for each in ways})
        bring = "" if WHOLE_NODES in pools else how_to_bring_pool(environment, WHOLE_NODES)
        raise UserError(
            f"{model_id} fits no GPU of pool{'s' if len(pools) > 1 else ''} {' and '.join(pools)} in "
            f"{environment.name} with requests of {length} tokens: on {nearest.ranks} {nearest.device.name}, "
            f"{nearest.assessment.reasons[0]}",
            fix="allow a shorter request with --max-model-len, or larger instance types in the pool"
            + (f"; {bring} brings whole nodes with larger GPUs" if bring else ""),
            exit_code=ExitCode.FINDINGS,
        )
    best = min(
        fitting,
        key=lambda each: (
            each.usd_per_hour is None,
            each.usd_per_hour or 0.0,
            each.ranks,
            -each.assessment.budget.margin_gib,
        ),
    )
    name = _free_name(environment, model_id)
    gated = bool(model.gated)
    overlay = Overlay(
        name,
        f"{model_id} on {_counted(best)}; written from the catalogue",
        model_id,
        ENGINE,
        "gpu",
        best.ranks,
        (CONSENT,) if gated else (),
        gated,
    )
    _write(
        environment,
        overlay,
        model,
        best,
        length,
        smallest=min(each.memory_mib for each in ways if each.pool == best.pool),
    )
    reason = (
        f"overlay {name}: made from the catalogue, for want of one that can be used; {_counted(best)} "
        f"{'costs' if best.ranks == 1 else 'cost'} least in pool {best.pool} among what it fits"
    )
    return MadeOverlay(overlay, reason)


def engine_version(environment: EnvironmentFiles, image: str = IMAGE) -> str | None:
    """Return the version of vLLM that an environment runs in an image, None where its tag is none."""
    file = f"{environment.folder}/versions/kustomization.yaml"
    if not environment.changes.exists(file):
        return None
    images = Text(file, environment.changes.text(file)).items(["images"])
    tag = next((each.get("newTag") for each in images if isinstance(each, dict) and each.get("name") == image), "")
    return version_in(str(tag))


def _ways(environment: EnvironmentFiles, model: Model, version: str, length: int) -> Iterator[_Way]:
    """Yield every number of every GPU of the pools that the model can be split over."""
    assert model.shape is not None  # noqa: S101 - asked for by the caller
    repository = Repository(environment.changes.root)
    (view,) = environments(repository, CheckOptions(environments=(environment.name,))).views
    cheapest: dict[tuple[str, str, int, int], tuple[float | None, str]] = {}
    for template in cluster(view).templates:
        pool = template.pool.name
        for option in template.options if pool in GB_PER_SECOND else ():
            accelerator = option.kind.accelerator
            if accelerator is None or accelerator.kind != "gpu" or accelerator.partition < 1:
                continue
            price = option.price(template.requirements)
            for ranks in legal_tensor_parallel_sizes(model.shape, accelerator.logical_count, expert_parallel=True):
                if pool == WHOLE_NODES and ranks != accelerator.logical_count:
                    continue
                key = (pool, accelerator.name, accelerator.memory_mib or 0, ranks)
                known = cheapest.get(key)
                if known is None or (price is not None and (known[0] is None or price < known[0])):
                    cheapest[key] = (price, option.kind.name)
    shared = legal_tensor_parallel_sizes(model.shape)
    for (pool, name, memory, ranks), (price, instance_type) in cheapest.items():
        found = device(name, memory)
        if found is not None and ranks & (ranks - 1) == 0:
            whole = ranks not in shared
            flags = {"tensor-parallel-size": ranks, "max-model-len": length, "enable-expert-parallel": whole}
            assessment = assess(flags, version, model.shape, found)
            yield _Way(pool, found, memory, ranks, whole, instance_type, price, assessment)


def _write(
    environment: EnvironmentFiles, overlay: Overlay, model: Model, way: _Way, length: int, *, smallest: int
) -> None:
    assert model.shape is not None  # noqa: S101 - asked for by the caller
    weights_gb = round((model.weights_gib or stored_weights_gib(model.shape)) * GIB, 2)
    folder = f"{OVERLAYS}/{overlay.name}"
    write = environment.changes.write
    write(f"{folder}/kustomization.yaml", _kustomization(overlay))
    write(f"{folder}/vllm.yaml", _settings(overlay, model, way, length))
    write(f"{folder}/overlay.yaml", _facts(overlay, model, way, weights_gb))
    write(f"{folder}/devices.yaml", _devices(way, weights_gb, smallest))


def _kustomization(overlay: Overlay) -> str:
    devices = f"{overlay.devices} GPU{'s' if overlay.devices > 1 else ''}"
    return f"""\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - ../../{ENGINES}/{overlay.engine}
configMapGenerator:
  - name: serving-settings
    files:
      - vllm.yaml
    literals:
      - {scalar(f"model={overlay.model}")} # where features find weights
      - revision=main # and under which folder of theirs
patches:
  - path: devices.yaml # {devices}, memory, /dev/shm, probe budget
"""


def _settings(overlay: Overlay, model: Model, way: _Way, length: int) -> str:
    lines = [
        f"# yaml-language-server: $schema=../../bases/schemas/settings-{ENGINE}.schema.json",
        f"model: {scalar(overlay.model)}",
    ]
    if overlay.devices > 1:
        lines.append(f"tensor-parallel-size: {overlay.devices}")
    if way.whole_experts:
        lines += [
            "# Parts of an expert would cut the blocks by which its weights are quantised.",
            "enable-expert-parallel: true",
        ]
    lines.append(f"max-model-len: {length}")
    if model.reasoning_parser:
        lines.append(f"reasoning-parser: {scalar(model.reasoning_parser)}")
    if model.tool_call_parser:
        lines += ["enable-auto-tool-choice: true", f"tool-call-parser: {scalar(model.tool_call_parser)}"]
    if overlay.devices == 1:
        lines.insert(2, "tensor-parallel-size: 1")
    return "\n".join(lines) + "\n"


def _facts(overlay: Overlay, model: Model, way: _Way, weights_gb: float) -> str:
    unverified = [
        each for each in ("license", "gated", "tool-call-parser", "reasoning-parser") if not model.is_verified(each)
    ]
    lists: Mapping[str, Any] = {
        "requires": overlay.requires,
        "sources": model.sources,
        "unverified": ("revision", *unverified),
    }
    lines = [
        "# yaml-language-server: $schema=../../bases/schemas/overlay.schema.json",
        "# What this overlay serves; read by tools, not by Kustomize. Written from the catalogue, and yours to change.",
        f"description: {scalar(overlay.description)}",
        f"model: {scalar(overlay.model)}",
        f"engine: {overlay.engine}",
        f"accelerator: {overlay.accelerator}",
        f"devices: {overlay.devices}",
        f"task: {'embed' if model.family == 'embedding' else 'generate'}",
        f"license: {scalar(model.license)}",
        f"gated: {scalar(overlay.gated)}",
        f"weights-gb: {weights_gb}",
    ]
    if way.pool == WHOLE_NODES:
        lines += [f"gb-per-second: {GB_PER_SECOND[way.pool]}", f"karpenter-choice: {way.pool} # brings the pool"]
    for name, entries in lists.items():
        lines += [f"{name}:", *(f"  - {scalar(each)}" for each in entries)] if entries else [f"{name}: []"]
    return "\n".join(lines) + "\n"


def _devices(way: _Way, weights_gb: float, smallest: int) -> str:
    budget = way.assessment.budget
    small = weights_gb <= SMALL_GB and way.ranks == 1
    whole = way.pool == WHOLE_NODES
    cpu, memory = (2, 10) if small else (8 * way.ranks, 64 * way.ranks) if whole else (4 * way.ranks, 24 * way.ranks)
    cache = 8 * math.ceil((weights_gb / GIB * 1.1 + (4 if small else 12)) / 8)
    speed = GB_PER_SECOND[way.pool]
    seconds = weights_gb / speed + COLD_START_SECONDS
    probes = max(60, 5 * math.ceil(seconds / PROBE_SECONDS / 5))
    ready = probes * PROBE_SECONDS
    lines = [
        f"# {_counted(way)}: {budget.kv_available_gib:.1f} GiB of each are left for the cache; one request needs "
        f"{budget.kv_request_gib:.1f} GiB.",
        f"# Start-up budget: {weights_gb:g} GB of weights at {speed:g} GB/s are "
        f"{weights_gb / speed:.0f} s, and {COLD_START_SECONDS} s for imports,",
        f"# compilation and CUDA graphs make {seconds:.0f} s; {probes} probes x {PROBE_SECONDS} s = {ready} s.",
        "apiVersion: apps/v1",
        "kind: Deployment",
        "metadata:",
        "  name: serving",
        "spec:",
        "  template:",
        "    spec:",
    ]
    if whole:
        lines += ["      nodeSelector:", f"        karpenter.sh/nodepool: {way.pool}"]
    if way.memory_mib > smallest:
        lines += [
            "      affinity:",
            "        nodeAffinity:",
            "          requiredDuringSchedulingIgnoredDuringExecution:",
            "            nodeSelectorTerms:",
            "              - matchExpressions:",
            f"                  # MiB of each GPU: {_article(way.device.name)} has {way.memory_mib}.",
            "                  - key: karpenter.k8s.aws/instance-gpu-memory",
            "                    operator: Gt",
            "                    values:",
            f'                      - "{way.memory_mib - 1}"',
            "              # The same on nodes of EKS Auto Mode.",
            "              - matchExpressions:",
            "                  - key: eks.amazonaws.com/instance-gpu-memory",
            "                    operator: Gt",
            "                    values:",
            f'                      - "{way.memory_mib - 1}"',
        ]
    lines += ["      containers:", "        - name: vllm"]
    if ready > ENGINE_READY_SECONDS:
        lines += [
            "          env:",
            "            # The engine's own limit, 600 s by default, would end before the probe's.",
            "            - name: VLLM_ENGINE_READY_TIMEOUT_S",
            f'              value: "{ready}"',
        ]
    lines += [
        "          resources:",
        "            requests:",
        f'              cpu: "{cpu}"',
        f"              memory: {memory}Gi",
        f"              ephemeral-storage: {cache + 8}Gi",
        "            limits:",
        f"              memory: {memory}Gi",
        f'              nvidia.com/gpu: "{way.ranks}"',
        "          startupProbe:",
        f"            failureThreshold: {probes}",
        "      volumes:",
        "        - name: cache",
        "          emptyDir:",
        f"            sizeLimit: {cache}Gi",
        "        - name: shm",
        "          emptyDir:",
        "            medium: Memory",
        f"            sizeLimit: {1 if way.ranks == 1 else 4 * way.ranks}Gi",
    ]
    return "\n".join(lines) + "\n"


def _counted(way: _Way) -> str:
    return f"one {way.device.name}" if way.ranks == 1 else f"{way.ranks} {way.device.name}"


def _article(name: str) -> str:
    return f"an {name}" if name[:1] in "AHLM" else f"a {name}"


def _free_name(environment: EnvironmentFiles, model_id: str) -> str:
    from modelyard.editing.naming import model_name

    base = f"{model_name(model_id)}-{ENGINE}-gpu"
    name, number = base, 1
    while environment.changes.under(f"{OVERLAYS}/{name}"):
        number += 1
        name = f"{base}-{number}"
    return name
