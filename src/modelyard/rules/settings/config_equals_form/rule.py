"""Settings files that vLLM does not read."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment


@rule("settings/config-equals-form", error, since="0.1.0")
def config_equals_form(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The engine reads its settings file from `--config FILE` and silently ignores `--config=FILE`."""
    for model in environment.models:
        for index, word in enumerate(model.container.args if model.engine.vllm_command else ()):
            if word.startswith("--config="):
                yield Finding(
                    at=model.container.at("args", index),
                    message=f"{model.container} has {word}, which vLLM ignores, so no setting of that file applies",
                    fix=f"write two items: --config and {word.partition('=')[2]}",
                )
