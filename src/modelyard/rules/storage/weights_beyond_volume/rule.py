"""Volumes that are smaller than the weights that are fetched into them."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import (
    Container,
    Environment,
    Manifest,
    PodTemplate,
    ServedModel,
    entries,
    is_location,
    numbered,
    quantity,
    text,
    workload,
)
from modelyard.view.times.start import HOOK, weights_gb

FETCHERS = ("snapshot_download", "hf download", "huggingface-cli download")
"""What fetches a whole model, as a script says it."""


@rule("storage/weights-beyond-volume", error, since="0.1.0")
def weights_beyond_volume(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The kubelet evicts a pod whose volume exceeds its size limit; if it is a sync hook, every sync fails."""
    for model in environment.models:
        weights = weights_gb(model)
        if weights is None:
            continue  # probes/startup-budget-too-short says that they are not known
        yield from _of_engine(environment, model, weights)
        for template, container in _fetching(model):
            for index, limit, told in _limits(template, container):
                if limit < weights * 1e9:
                    yield Finding(
                        at=template.at("volumes", index, "emptyDir", "sizeLimit"),
                        message=f"{container} downloads {weights:.1f} GB of weights of {model.name} to {told}",
                        fix=f"set sizeLimit to {-(-int(weights * 1e9) // 2**30) + 4}Gi or more, with "
                        "ephemeral-storage to match, on nodes with enough disk",
                    )


def _of_engine(environment: Environment, model: ServedModel, weights: float) -> Iterator[Finding]:
    """Yield what holds the weights that the engine, or an init container before it, fetches, and is too small."""
    folder = _folder(model)
    mount = _mount(model.container, folder)
    if not mount:
        return
    name = text(mount, "name")
    for index, volume in numbered(model.template.spec, "volumes"):
        if text(volume, "name") != name:
            continue
        limit = quantity(text(volume, "emptyDir", "sizeLimit"))
        if limit is not None and limit < weights * 1e9:
            yield Finding(
                at=model.template.at("volumes", index, "emptyDir", "sizeLimit"),
                message=f"{model.name} stores {weights:.1f} GB of weights in {folder}, on a volume of "
                f"{text(volume, 'emptyDir', 'sizeLimit')}",
                fix=f"set sizeLimit: {_gib(weights)}Gi or more, with ephemeral-storage to match",
            )
        claim = _claim(environment, model, text(volume, "persistentVolumeClaim", "claimName"))
        size = quantity(claim.get("spec.resources.requests.storage")) if claim is not None else None
        if claim is not None and size is not None and size < weights * 1e9 and not _is_elastic(claim):
            yield Finding(
                at=claim.at("spec.resources.requests.storage"),
                message=f"{model.name} stores {weights:.1f} GB of weights in {folder}, on a claim of "
                f"{claim.get('spec.resources.requests.storage')}",
                fix=f"request {_gib(weights)}Gi or more",
            )
        allowed = quantity(text(model.container.value, "resources", "limits", "ephemeral-storage"))
        on_disk = "emptyDir" in volume and text(volume, "emptyDir", "medium") != "Memory"
        if on_disk and allowed is not None and allowed < weights * 1e9:
            yield Finding(
                at=model.container.at("resources", "limits", "ephemeral-storage"),
                message=f"{model.container} downloads {weights:.1f} GB of weights to the node's disk, but it may "
                f"use only {text(model.container.value, 'resources', 'limits', 'ephemeral-storage')}",
                fix=f"write {_gib(weights)}Gi or more",
            )


def _gib(weights: float) -> int:
    return -(-int(weights * 1e9) // 2**30) + 4


def _folder(model: ServedModel) -> str:
    """Return where the weights come to lie: the path that is loaded, else the cache of Hugging Face."""
    path = model.settings.model
    if path.startswith("/"):
        return path
    if is_location(path):
        return ""  # streamed, or not known
    variables = {text(each, "name"): text(each, "value") for each in entries(model.container.value, "env")}
    home = variables.get("HOME", "")
    cache = variables.get("XDG_CACHE_HOME") or (f"{home}/.cache" if home else "")
    return (
        str(model.settings.get("download-dir") or "")
        or variables.get("HF_HUB_CACHE")
        or variables.get("HF_HOME")
        or (f"{cache}/huggingface" if cache else "")
    )


def _mount(container: Container, path: str) -> dict[str, object]:
    found: dict[str, object] = {}
    for mount in entries(container.value, "volumeMounts"):
        folder = text(mount, "mountPath").rstrip("/")
        if folder and f"{path}/".startswith(f"{folder}/") and len(folder) > len(text(found, "mountPath")):
            found = mount
    return found


def _claim(environment: Environment, model: ServedModel, name: str) -> Manifest | None:
    namespace = environment.namespace_of(model.workload.manifest)
    claims = environment.of_kind("PersistentVolumeClaim", "") if name else ()
    return next((each for each in claims if each.name == name and environment.namespace_of(each) == namespace), None)


def _is_elastic(claim: Manifest) -> bool:
    """Return whether the size of a claim bounds nothing: those of EFS and of buckets grow."""
    modes = claim.get("spec.accessModes", [])
    return isinstance(modes, list) and any(str(each).endswith("Many") for each in modes)


def _fetching(model: ServedModel) -> Iterator[tuple[PodTemplate, Container]]:
    """Yield what fetches the model in hooks of its Application."""
    for manifest in model.application.resources:
        found = workload(manifest) if HOOK in manifest.annotations else None
        for template in found.templates if found is not None else ():
            for container in template.containers:
                if any(word in " ".join(container.args) for word in FETCHERS):
                    yield template, container


def _limits(template: PodTemplate, container: Container) -> Iterator[tuple[int, int, str]]:
    """Yield position, bytes and text of the largest limited volume that a container may write to."""
    mounted = {text(mount, "name") for mount in entries(container.value, "volumeMounts") if not mount.get("readOnly")}
    found = []
    for index, volume in numbered(template.spec, "volumes"):
        limit = quantity(text(volume, "emptyDir", "sizeLimit"))
        if text(volume, "name") not in mounted or (limit is None and "emptyDir" not in volume):
            continue
        if limit is None:
            return  # one without a limit may be meant
        found.append((index, int(limit), text(volume, "emptyDir", "sizeLimit")))
    if found:
        yield max(found, key=lambda each: each[1])
