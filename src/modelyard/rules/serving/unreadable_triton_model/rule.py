"""Model repositories that Triton cannot load."""

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rendering import Sources
from modelyard.rules import rule
from modelyard.rules.wording import nearest
from modelyard.view import Environment, LineAddress, ServedModel, entries, text
from modelyard.view.shapes import listed

_FILE = "config.pbtxt"
_PAIRS = {"{": "}", "[": "]"}
# Fields of inference.ModelConfig and kinds of instances: triton-inference-server/common, protobuf/model_config.proto.
_FIELDS = frozenset({
    "name", "platform", "backend", "runtime", "version_policy", "max_batch_size", "input", "output", "batch_input",
    "batch_output", "optimization", "dynamic_batching", "sequence_batching", "ensemble_scheduling",
    "scheduling_choice", "instance_group", "default_model_filename", "cc_model_filenames", "metric_tags",
    "parameters", "model_warmup", "model_operations", "model_transaction_policy", "model_repository_agents",
    "response_cache", "model_metrics",
})  # fmt: skip
_KINDS = frozenset({"KIND_AUTO", "KIND_GPU", "KIND_CPU", "KIND_MODEL"})
_BACKENDS = frozenset(
    {"vllm", "python", "pytorch", "onnxruntime", "tensorrt", "tensorrtllm", "openvino", "dali", "fil"}
)
_WORD = re.compile(r'#[^\n]*|(?<!\\)"(?:[^"\\\n]|\\.)*+"|[{}\[\]]|(?<!\w)([A-Za-z_]\w{0,99})(?=\s{0,99}[:{\[])')
_KIND = re.compile(r"^[^#\n\"]*\bkind[ \t]*:[ \t]*(\w+)", re.MULTILINE)
_COUNT = re.compile(r"^[^#\n\"]*\bcount[ \t]*:[ \t]*(\d{1,4})\b", re.MULTILINE)
# vLLM's default of what its backend passes on (vllm/config/cache.py).
_SHARE = 0.9
_BACKEND = re.compile(r'^[ \t]*backend[ \t]*:[ \t]*"([^"]*)"', re.MULTILINE)
_NAME = re.compile(r'^[ \t]*name[ \t]*:[ \t]*"([^"]*)"', re.MULTILINE)


@rule("serving/unreadable-triton-model", error, since="0.1.0")
def unreadable_triton_model(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Triton does not load a model whose config.pbtxt is invalid or whose name differs from its folder."""
    for model in environment.models:
        if model.engine.name != "triton":
            continue
        yield from _repository(model)
        held = [manifest for manifest in model.application.resources if _FILE in manifest.mapping("data")]
        if not held and any(manifest.kind == "ConfigMap" for manifest in model.application.resources):
            yield Finding(
                at=model.settings.absent_at,
                message=f"{model.name} has no {_FILE} in its settings, which Triton's vLLM backend needs",
                fix=f"add {_FILE} to the ConfigMap",
            )
        for manifest in held:
            content = str(manifest.mapping("data")[_FILE])
            file = (
                Sources(manifest.repository, manifest.target, manifest.resource).generated_file(_FILE)
                or manifest.target
            )
            files = manifest.repository.files
            wrong = _unbalanced(content)
            if wrong:
                yield Finding(
                    at=LineAddress(files, file, wrong[0], wrong[0]),
                    message=f"{_FILE} of {model.name} cannot be parsed: {wrong[1]}",
                    fix="correct the text protobuf",
                )
            for line, word, message, near in _unknown(content, model.name) if not wrong else ():
                yield Finding(
                    at=LineAddress(files, file, line, line, (word,)),
                    message=message,
                    fix=f"write {near}" if near else "remove it",
                )
            crowd = _COUNT.search(content) if not wrong else None
            share = model.settings.get("gpu-memory-utilization", _SHARE)
            if crowd and isinstance(share, int | float) and int(crowd[1]) * share > 1 and int(crowd[1]) > 1:
                yield Finding(
                    at=LineAddress(files, file, sought=("count:", crowd[1])),
                    message=f"{_FILE} of {model.name} starts {crowd[1]} instances (count), each an engine that takes "
                    f"{share:g} of its GPU (gpu_memory_utilization)",
                    fix="write count: 1, or lower gpu_memory_utilization to a share of each",
                )
            named = _NAME.search(content)
            if named and not wrong and named[1] != model.name:
                yield Finding(
                    at=LineAddress(files, file, sought=("name:", named[1])),
                    message=f"{_FILE} names the model {named[1]}, but its folder is {model.name}",
                    fix="remove name: Triton uses the folder's name",
                )


def _unknown(content: str, model: str) -> Iterator[tuple[int, str, str, str]]:
    """Yield fields, kinds and backends that Triton does not have: the line, the word, a message and what is meant."""
    depth = 0
    for found in _WORD.finditer(content):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(found[0], 0)
        if depth == 0 and found[1] and found[1] not in _FIELDS:
            near = nearest(found[1], _FIELDS)
            line = content.count("\n", 0, found.start()) + 1
            yield line, found[1], f"{_FILE} of {model} sets {found[1]}, which Triton does not know", near
    for found in _KIND.finditer(content):
        if found[1] not in _KINDS:
            line = content.count("\n", 0, found.start(1)) + 1
            yield (
                line,
                found[1],
                f"{_FILE} of {model} has instances of {found[1]}, which Triton does not know",
                nearest(found[1], _KINDS),
            )
    backend = _BACKEND.search(content)
    near = nearest(backend[1], _BACKENDS, cutoff=0.5) if backend and backend[1] not in _BACKENDS else ""
    if backend and near:
        line = content.count("\n", 0, backend.start(1)) + 1
        yield (
            line,
            backend[1],
            f"{_FILE} of {model} asks for the backend {backend[1]}, which Triton does not have",
            near,
        )


def _repository(model: ServedModel) -> Iterator[Finding]:
    """Yield a model repository that nothing mounts or writes."""
    given = {text(each, "name"): text(each, "value") for each in entries(model.container.value, "env")}
    for index, word in enumerate(model.container.args):
        option, equals, path = word.partition("=")
        if option != "--model-repository" or not equals:
            continue
        for name, value in given.items():
            path = path.replace(f"$({name})", value)
        if not path.startswith("/"):
            continue  # a bucket, or what is known when it runs
        mounts = [text(each, "mountPath").rstrip("/") for each in entries(model.container.value, "volumeMounts")]
        script = " ".join(str(each) for each in listed(model.container.value, "command"))
        written = re.search(rf"(?<![\w/.-]){re.escape(path.rstrip('/'))}(?![\w.-])", script)
        if not written and not any(f"{path.rstrip('/')}/".startswith(f"{each}/") for each in mounts):
            yield Finding(
                at=model.container.at("args", index),
                message=f"Triton reads models from {path}, which is not a mount and is not created by the command",
                fix="use the folder that the command creates",
            )


def _unbalanced(content: str) -> tuple[int, str] | None:
    """Return line and reason of the first brace, bracket or quote that does not fit."""
    waiting: list[tuple[str, int]] = []
    for number, line in enumerate(content.splitlines(), 1):
        plain = re.sub(r'"(?<!\\")(?:[^"\\]|\\.)*+"', '""', line.partition("#")[0])
        if plain.replace('""', "").count('"'):
            return number, "a string is not closed"
        for sign in plain:
            if sign in _PAIRS:
                waiting.append((_PAIRS[sign], number))
            elif sign in _PAIRS.values():
                if not waiting or waiting[-1][0] != sign:
                    return number, f"{sign} has no opening counterpart"
                waiting.pop()
    return (waiting[-1][1], f"{waiting[-1][0]} is missing") if waiting else None
