"""Flags that are set twice on the command line."""

from collections import defaultdict
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment, Setting

# vLLM collects these.
_REPEATED = ("lora-modules", "middleware", "allowed-origins", "disable-log-requests")


@rule("settings/duplicate-flag", warning, since="0.1.0")
def duplicate_flag(environment: Environment) -> Iterator[Finding | NotChecked]:
    """If a flag is given twice, only the last one applies, although the other looks effective."""
    for model in environment.models:
        made: dict[str, list[Setting]] = defaultdict(list)
        for setting in model.settings.all:
            if setting.source == "args":
                made[setting.name].append(setting)
        for name, settings in made.items():
            if len(settings) > 1 and name not in _REPEATED:
                # Values of such flags are never shown.
                hidden = any(word in name for word in ("key", "token", "secret", "password"))
                values = "values not shown" if hidden else " and ".join(str(each.value) for each in settings)
                yield Finding(
                    at=settings[-1].at,
                    message=f"{model.name} is given --{name} {len(settings)} times ({values}); "
                    "only the last one applies",
                    fix=f"keep one; an environment that must differ from a feature replaces /args/{settings[0].index}",
                )
