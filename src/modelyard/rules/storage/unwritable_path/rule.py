"""Folders that a process must write to, on a file system that it may not write to."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from modelyard.findings import Address, Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import one_of
from modelyard.view import (
    Container,
    Environment,
    PodTemplate,
    ServedModel,
    Workload,
    entries,
    mapping,
    numbered,
    text,
)

# Folders in which the engine, or a library of it, makes files at start. Those of weights may be filled already where
# the volume is a claim or a bucket, and are then read only.
_WRITTEN = frozenset(
    {
        "CUDA_CACHE_PATH",
        "FLASHINFER_WORKSPACE_BASE",
        "HOME",
        "MPLCONFIGDIR",
        "NEURON_COMPILED_ARTIFACTS",
        "NEURON_COMPILE_CACHE_URL",
        "NUMBA_CACHE_DIR",
        "OUTLINES_CACHE_DIR",
        "RAY_TMPDIR",
        "TMPDIR",
        "TORCHINDUCTOR_CACHE_DIR",
        "TORCH_HOME",
        "TRITON_CACHE_DIR",
        "TRITON_HOME",
        "VLLM_CACHE_ROOT",
        "VLLM_CONFIG_ROOT",
        "VLLM_RPC_BASE_PATH",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
    }
)
_WEIGHTS = frozenset({"HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_CACHE"})
_FILES = ("configMap", "secret", "downwardAPI", "projected", "image")
_KEPT = ("persistentVolumeClaim", "csi", "hostPath", "nfs", "image")
_CACHE = "/.cache/"
_ALWAYS = ("/dev/shm",)  # noqa: S108 - a path of the container, not of this machine
# Where Python looks for a temporary folder, after TMPDIR, TEMP and TMP.
_TEMPORARY = ("/tmp", "/var/tmp", "/usr/tmp")  # noqa: S108 - paths of the container


@rule("storage/unwritable-path", error, since="0.1.0")
def unwritable_path(environment: Environment) -> Iterator[Finding | NotChecked]:
    """With a read-only root file system, a process can write only to volumes, and fails on any other path."""
    models = {(each.template, each.container.name): each for each in environment.models}
    for workload in environment.own_workloads:
        if workload.manifest.breaks_schema:
            continue  # a misspelt field may be the mounts; what the schema says comes first
        for template in workload.templates:
            for container in template.containers:
                if mapping(container.value, "securityContext").get("readOnlyRootFilesystem") is not True:
                    continue
                yield from _variables(template, container, _filled(environment, workload))
                model = models.get((template, container.name))
                if model is not None and not container.init:
                    yield from _engine(template, container, model)


def _filled(environment: Environment, workload: Workload) -> Callable[[str], bool]:
    """Return what tells whether a claim may hold files already: one of a volume that is named, or that pods write."""
    namespace = environment.namespace_of(workload.manifest)
    made = {
        claim.name
        for claim in environment.of_kind("PersistentVolumeClaim", "")
        if environment.namespace_of(claim) == namespace and not claim.get("spec.volumeName")
    }
    if environment.unrendered_in(namespace):
        return lambda _: True

    def tells(name: str) -> bool:
        return name not in made or any(
            _is_writable(template, container, text(mount, "mountPath"))
            for template in environment.pods_by_namespace.get(namespace, ())
            for _, volume in numbered(template.spec, "volumes")
            if text(volume, "persistentVolumeClaim", "claimName") == name
            for container in template.containers
            for mount in entries(container.value, "volumeMounts")
            if text(mount, "name") == text(volume, "name")
        )

    return tells


def _variables(template: PodTemplate, container: Container, filled: Callable[[str], bool]) -> Iterator[Finding]:
    empty: set[str] = set()
    for index, variable in numbered(container.value, "env"):
        name, path = text(variable, "name"), text(variable, "value")
        if name not in _WRITTEN | _WEIGHTS:
            continue
        mount = text(_mount(container, path), "name")
        claim = text(_volume(template, mount), "persistentVolumeClaim", "claimName") if mount else ""
        empty_here = "emptyDir" in _volume(template, mount) if mount else False
        never_filled = bool(claim) and name in _WEIGHTS and not filled(claim)
        if (empty_here or never_filled) and not _is_writable(template, container, path):
            if mount not in empty:
                empty.add(mount)
                yield _read_only(container, mount, name, path)
            continue
        yield from _judge(template, container, name, path, container.at("env", index, "value"), name in _WEIGHTS)


def _read_only(container: Container, volume: str, name: str, path: str) -> Finding:
    mounts = list(numbered(container.value, "volumeMounts"))
    number = next(index for index, mount in mounts if text(mount, "name") == volume)
    return Finding(
        at=container.at("volumeMounts", number, "readOnly"),
        message=f"{container} uses {path} for {name}, but volume {volume} is mounted there read-only",
        fix="remove readOnly: the volume is empty until the container writes to it",
    )


def _engine(template: PodTemplate, container: Container, model: ServedModel) -> Iterator[Finding | NotChecked]:
    folder = str(model.settings.get("download-dir") or "")
    if folder:
        at = model.settings.at("download-dir")
        yield from _judge(template, container, "download-dir", folder, at, weights=True)
    variables = {text(each, "name") for each in entries(container.value, "env")}
    if not variables & {"TMPDIR", "TEMP", "TMP"} and not any(_is_writable(template, container, p) for p in _TEMPORARY):
        yield Finding(
            at=container.at("volumeMounts", key=True),
            message=f"the root file system of {container} is read-only, but no volume is mounted at /tmp",
            fix="mount an emptyDir at /tmp, where the engine's processes create their sockets",
        )
    if model.engine.caches_in_home and not variables & {"HOME", "XDG_CACHE_HOME", "HF_HOME"}:
        below = next((path for path in _writable(template, container) if _CACHE in f"{path}/"), "")
        if below:
            yield NotChecked(
                f"caches of {container}",
                f"whether {below} is below the HOME of its image is not known, nor what is beside it",
            )
            return
        yield Finding(
            at=container.at("env", key=True),
            message=f"the root file system of {container} is read-only, but its caches are below the image's HOME",
            fix=f"set HOME to a folder below {one_of(_writable(template, container))}",
        )


def _judge(
    template: PodTemplate, container: Container, name: str, path: str, at: Address, weights: bool
) -> Iterator[Finding]:
    if not path.startswith("/") or _is_writable(template, container, path):
        return  # an address, a folder beside the process, or something that the kubelet puts in
    mount = _mount(container, path)
    if weights and mount and any(kind in _volume(template, text(mount, "name")) for kind in _KEPT):
        return
    where = f"volume {text(mount, 'name')} is mounted there read-only" if mount else "no volume is mounted there"
    places = _writable(template, container)
    yield Finding(
        at=at,
        message=f"{container} uses {path} for {name}, but its root file system is read-only, and {where}",
        fix=f"use a folder below {one_of(places)}" if places else "mount an emptyDir there",
    )


def _writable(template: PodTemplate, container: Container) -> list[str]:
    paths = (text(mount, "mountPath") for mount in entries(container.value, "volumeMounts"))
    return [path for path in paths if path not in _ALWAYS and _is_writable(template, container, path)]


def _is_writable(template: PodTemplate, container: Container, path: str) -> bool:
    if any(path == each or path.startswith(f"{each}/") for each in _ALWAYS):
        return True
    mount = _mount(container, path)
    if not mount or mount.get("readOnly"):
        return False
    volume = _volume(template, text(mount, "name"))
    if any(kind in volume for kind in _FILES):
        return False
    return not any(mapping(volume, kind).get("readOnly") for kind in _KEPT)


def _mount(container: Container, path: str) -> dict[str, object]:
    """Return the innermost mount that a path lies below; an empty one where there is none."""
    found: dict[str, object] = {}
    for mount in entries(container.value, "volumeMounts"):
        folder = text(mount, "mountPath").rstrip("/")
        if folder and (path == folder or path.startswith(f"{folder}/")) and len(folder) > len(text(found, "mountPath")):
            found = mount
    return found


def _volume(template: PodTemplate, name: str) -> dict[str, object]:
    return next((each for each in entries(template.spec, "volumes") if text(each, "name") == name), {})
