"""Files and folders that an engine is told to read, where nothing is mounted or the mount has no such file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.findings import Finding, NotChecked, error
from modelyard.rendering import split_image
from modelyard.repository.json import MalformedJSON, parsed
from modelyard.rules import rule
from modelyard.rules.wording import one_of
from modelyard.view import DeclaredSettings, Environment, Manifest, ServedModel, entries, listed, mapping, text

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
# Flags whose value is a file or folder that the engine reads at start-up.
_FILES = (
    "chat-template",
    "hf-config-path",
    "reasoning-parser-plugin",
    "ssl-ca-certs",
    "ssl-certfile",
    "ssl-keyfile",
    "tokenizer",
    "tool-parser-plugin",
)
_ADAPTERS, _DRAFTS = "lora-modules", "speculative-config"
# Folders that images bring files in, such as the chat templates of vLLM's own.
_OF_IMAGES = ("app", "bin", "etc/ssl", "home", "lib", "opt", "root", "srv", "usr", "vllm-workspace", "workspace")


@rule("serving/unmounted-model-path", error, since="0.1.0")
def unmounted_model_path(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A path outside every volume mount is a folder of the image, which has no weights, adapters or templates."""
    for model in environment.models:
        mounts = {
            text(each, "mountPath").rstrip("/"): text(each, "name")
            for each in entries(model.container.value, "volumeMounts")
        }
        for flag, path in _paths(model.settings):
            mount = max((each for each in mounts if path == each or path.startswith(f"{each}/")), key=len, default=None)
            if mount is None:
                if not environment.is_generated and not _is_published(model.container.image):
                    yield NotChecked(
                        model, f"whether {model.container.image} holds {path} is not known: no volume is mounted there"
                    )
                    continue
                yield Finding(
                    at=model.settings.at(flag),
                    message=f"{model.name} loads {path}, but no volume is mounted there"
                    if flag == "model"
                    else f"{model.name} reads {path} ({flag}), but no volume is mounted there",
                    fix=(f"name a path below {one_of(mounts)}, or " if mounts else "") + "mount a volume there"
                    if flag != "model"
                    else (f"load from a path below {one_of(mounts)}, or " if mounts else "")
                    + "mount the volume with the weights",
                )
                continue
            held = _config_map(environment, model, mounts[mount])
            file = path.removeprefix(mount).strip("/")
            if held is not None and file not in held[1]:
                yield Finding(
                    at=model.settings.at(flag),
                    message=f"{model.name} reads {path} ({flag}), but {held[0]}, which is mounted at {mount}, has only "
                    f"{one_of(held[1])}",
                    fix=f"add {file} to it, or name a file that it has",
                )


def _is_published(image: str) -> bool:
    return split_image(image)[0].removeprefix("docker.io/").startswith(_PUBLISHED)


def _paths(settings: DeclaredSettings) -> Iterator[tuple[str, str]]:
    """Yield each flag with an absolute path; of what an image may bring, none in a folder of images."""
    if settings.model.startswith("/"):
        yield "model", settings.model
    named = [(flag, settings.get(flag)) for flag in _FILES]
    named += [(_ADAPTERS, path) for path in _adapters(settings.get(_ADAPTERS))]
    named += [(_DRAFTS, mapping({"it": _parsed(settings.get(_DRAFTS))}, "it").get("model"))]
    named += [(flag, settings[flag]) for flag in settings if flag == f"{_DRAFTS}.model"]
    for flag, path in named:
        inside = isinstance(path, str) and path.lstrip("/").startswith(tuple(f"{each}/" for each in _OF_IMAGES))
        # A template may be written out, of several lines or in braces.
        if isinstance(path, str) and path.startswith("/") and not inside and not set(path) & set("{}\n$"):
            yield flag, path


def _adapters(value: Any) -> Iterator[Any]:
    """Yield the paths of `lora-modules`: `name=path`, or mappings with a path; one of them or a list."""
    for each in value if isinstance(value, list) else [value]:
        content = _parsed(each)
        if isinstance(content, list):
            yield from _adapters(content)
        elif isinstance(content, dict):
            yield content.get("path")
        elif isinstance(content, str):
            for word in content.split():
                yield word.partition("=")[2]


def _parsed(value: Any) -> Any:
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return value
    try:
        return parsed(value)
    except MalformedJSON:
        return None  # settings/wrong-type says so


def _config_map(environment: Environment, model: ServedModel, volume: str) -> tuple[Manifest, list[str]] | None:
    """Return the ConfigMap that is all of a volume, and the files that it makes; None where that is not known."""
    spec = next((each for each in entries(model.template.spec, "volumes") if text(each, "name") == volume), {})
    name = text(spec, "configMap", "name")
    namespace = environment.namespace_of(model.workload.manifest)
    for manifest in environment.of_kind("ConfigMap", ""):
        if name and manifest.name == name and environment.namespace_of(manifest) == namespace:
            items = [text(each, "path") for each in entries(spec, "configMap", "items")]
            keys = [str(key) for field in ("data", "binaryData") for key in manifest.mapping(field)]
            return manifest, items if listed(spec, "configMap", "items") else keys
    return None
