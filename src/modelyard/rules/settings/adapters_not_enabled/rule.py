"""LoRA adapters of an engine that takes none."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment

_MODULES, _ENABLED = "lora-modules", "enable-lora"
_ENGINES = frozenset({"vllm"})


@rule("settings/adapters-not-enabled", error, since="0.3.0")
def adapters_not_enabled(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Adapters are loaded when the server starts, which ends where the engine was not told to take any."""
    for model in environment.models:
        settings = model.settings
        if model.engine.core not in _ENGINES or settings.problem or not settings.get(_MODULES):
            continue
        if settings.get(_ENABLED) is not True:
            yield Finding(
                at=settings.at(_MODULES),
                message=f"{model.name} is given adapters ({_MODULES}), and {_ENABLED} is not set",
                fix=f"set {_ENABLED}, and max-lora-rank where an adapter has a rank above 16",
            )
