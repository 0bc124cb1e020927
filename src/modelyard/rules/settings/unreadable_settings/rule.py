"""Settings that the engine cannot read."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment


@rule("settings/unreadable-settings", error, since="0.1.0")
def unreadable_settings(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The engine exits at start-up if the `--config` file is missing or is not a YAML mapping."""
    for model in environment.models:
        settings = model.settings
        if settings.problem and settings.problem_at is not None and not environment.is_generated:
            yield NotChecked(model, settings.problem)
            continue
        if settings.problem and settings.problem_at is not None:
            yield Finding(
                at=settings.problem_at,
                message=f"{model} reads its settings from a file that cannot be read: {settings.problem}",
                fix="make it one YAML mapping of flags to values, mounted where --config points",
                application=model.application.name,
            )
