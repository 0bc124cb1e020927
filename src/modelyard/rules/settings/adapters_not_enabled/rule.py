"""LoRA adapters of an engine that takes none."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment

_MODULES, _ENABLED = "lora-modules", "enable-lora"
_ENGINES = frozenset({"vllm"})


@rule("settings/adapters-not-enabled", error, since="0.3.0")
def adapters_not_enabled(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Without `enable-lora`, vLLM exits when it loads the adapters at start-up."""
    for model in environment.models:
        settings = model.settings
        if model.engine.core not in _ENGINES or settings.problem or not settings.get(_MODULES):
            continue
        if settings.get(_ENABLED) is not True:
            yield Finding(
                at=settings.at(_MODULES),
                message=f"{model.name} has adapters ({_MODULES}), but {_ENABLED} is not set",
                fix=f"set {_ENABLED}, and max-lora-rank if an adapter has a rank above 16",
            )
