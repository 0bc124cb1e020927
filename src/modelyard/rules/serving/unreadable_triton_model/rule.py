"""Model repositories that Triton cannot load."""

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rendering import Sources
from modelyard.rules import rule
from modelyard.view import Environment, LineAddress, ServedModel, entries, text
from modelyard.view.shapes import listed

_FILE = "config.pbtxt"
_PAIRS = {"{": "}", "[": "]"}
_NAME = re.compile(r'^[ \t]*name[ \t]*:[ \t]*"([^"]*)"', re.MULTILINE)


@rule("serving/unreadable-triton-model", error, since="0.1.0")
def unreadable_triton_model(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Triton loads a model whose config.pbtxt it can read and that is called as its folder; else it serves none."""
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
            named = _NAME.search(content)
            if named and not wrong and named[1] != model.name:
                yield Finding(
                    at=LineAddress(files, file, sought=("name:", named[1])),
                    message=f"{_FILE} calls the model {named[1]}, and its folder is called {model.name}",
                    fix="leave name out: Triton takes the folder's",
                )


def _repository(model: ServedModel) -> Iterator[Finding]:
    """Yield a model repository that nothing mounts or writes."""
    for index, word in enumerate(model.container.args):
        option, equals, path = word.partition("=")
        if option != "--model-repository" or not equals:
            continue
        mounts = [text(each, "mountPath").rstrip("/") for each in entries(model.container.value, "volumeMounts")]
        script = " ".join(str(each) for each in listed(model.container.value, "command"))
        written = re.search(rf"(?<![\w/.-]){re.escape(path.rstrip('/'))}(?![\w.-])", script)
        if not written and not any(path.rstrip("/") == each for each in mounts):
            yield Finding(
                at=model.container.at("args", index),
                message=f"Triton reads models from {path}, which nothing mounts and the command does not write",
                fix="name the folder that the command fills",
            )


def _unbalanced(content: str) -> tuple[int, str] | None:
    """Return line and reason of the first brace, bracket or quote that does not fit."""
    waiting: list[tuple[str, int]] = []
    for number, line in enumerate(content.splitlines(), 1):
        plain = re.sub(r'"(?<!\\")(?:[^"\\]|\\.)*+"', '""', line.partition("#")[0])
        if plain.replace('""', "").count('"'):
            return number, "a text does not end"
        for sign in plain:
            if sign in _PAIRS:
                waiting.append((_PAIRS[sign], number))
            elif sign in _PAIRS.values():
                if not waiting or waiting[-1][0] != sign:
                    return number, f"{sign} closes nothing"
                waiting.pop()
    return (waiting[-1][1], f"{waiting[-1][0]} is missing") if waiting else None
