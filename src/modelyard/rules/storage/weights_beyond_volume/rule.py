"""Volumes that are smaller than the weights that are fetched into them."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Container, Environment, PodTemplate, ServedModel, entries, numbered, quantity, text, workload
from modelyard.view.times.start import HOOK, weights_gb

FETCHERS = ("snapshot_download", "hf download", "huggingface-cli download")
"""What fetches a whole model, as a script says it."""


@rule("storage/weights-beyond-volume", error, since="0.1.0")
def weights_beyond_volume(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A pod whose volume outgrows its limit is evicted; a hook that fetches a model too large fails every sync."""
    for model in environment.models:
        weights = weights_gb(model)
        if weights is None:
            continue  # probes/startup-budget-too-short says that they are not known
        for template, container in _fetching(model):
            for index, limit, told in _limits(template, container):
                if limit < weights * 1e9:
                    yield Finding(
                        at=template.at("volumes", index, "emptyDir", "sizeLimit"),
                        message=f"{container} fetches {weights:.1f} GB of weights of {model.name} into {told}",
                        fix=f"sizeLimit {-(-int(weights * 1e9) // 2**30) + 4}Gi or more, and ephemeral-storage for it, "
                        "on nodes with such a disk",
                    )


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
