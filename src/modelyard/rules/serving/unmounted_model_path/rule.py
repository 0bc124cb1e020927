"""Models that are loaded from a path where nothing is mounted."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import one_of
from modelyard.view import Environment, entries, text


@rule("serving/unmounted-model-path", error, since="0.1.0")
def unmounted_model_path(environment: Environment) -> Iterator[Finding | NotChecked]:
    """An absolute model path outside every volume mount is a folder of the image, which has no weights."""
    for model in environment.models:
        path = model.settings.model
        if not path.startswith("/"):
            continue
        mounted = [text(mount, "mountPath").rstrip("/") for mount in entries(model.container.value, "volumeMounts")]
        if not any(path == mount or path.startswith(f"{mount}/") for mount in mounted):
            yield Finding(
                at=model.settings.at("model"),
                message=f"{model.name} loads {path}, but no volume is mounted there",
                fix=f"load from a path below {one_of(mounted)}, or mount the volume with the weights",
            )
