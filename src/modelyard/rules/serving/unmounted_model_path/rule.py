"""Models that are loaded from a path where nothing is mounted."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rendering import split_image
from modelyard.rules import rule
from modelyard.rules.wording import one_of
from modelyard.view import Environment, entries, text

# Images of engines as their makers publish them, by the beginnings of their names: they hold no weights. Teams build
# others with the weights in them.
_PUBLISHED = (
    "vllm/vllm-",
    "lmsysorg/sglang",
    "ghcr.io/huggingface/text-generation-inference",
    "nvcr.io/nvidia/tritonserver",
    "public.ecr.aws/deep-learning-containers/",
    "rayproject/ray",
    "rocm/vllm",
    "seldonio/mlserver",
)


@rule("serving/unmounted-model-path", error, since="0.1.0")
def unmounted_model_path(environment: Environment) -> Iterator[Finding | NotChecked]:
    """An absolute model path outside every volume mount is a folder of the image, which has no weights."""
    for model in environment.models:
        path = model.settings.model
        if not path.startswith("/"):
            continue
        mounted = [text(mount, "mountPath").rstrip("/") for mount in entries(model.container.value, "volumeMounts")]
        if not any(path == mount or path.startswith(f"{mount}/") for mount in mounted):
            if not environment.is_generated and not _is_published(model.container.image):
                yield NotChecked(
                    model, f"whether {model.container.image} holds {path} is not known: no volume is mounted there"
                )
                continue
            below = f"load from a path below {one_of(mounted)}, or " if mounted else ""
            yield Finding(
                at=model.settings.at("model"),
                message=f"{model.name} loads {path}, but no volume is mounted there",
                fix=f"{below}mount the volume with the weights",
            )


def _is_published(image: str) -> bool:
    return split_image(image)[0].removeprefix("docker.io/").startswith(_PUBLISHED)
