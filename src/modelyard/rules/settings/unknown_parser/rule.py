"""Parsers that the engine does not have."""

from collections.abc import Iterator

from modelyard.catalog import engine
from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import nearest
from modelyard.view import Environment

_PLUGINS = {"tool-call-parser": "tool-parser-plugin", "reasoning-parser": "reasoning-parser-plugin"}


@rule("settings/unknown-parser", error, since="0.1.0")
def unknown_parser(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The engine exits at start-up on a tool-call or reasoning parser that it does not have."""
    for model in environment.models:
        known = engine(model.engine.core, model.engine_version) if model.engine_version else None
        if known is None:
            continue  # settings/unknown-flag says that this version is not in the catalogue
        for flag, names in (
            ("tool-call-parser", known.tool_call_parsers),
            ("reasoning-parser", known.reasoning_parsers),
        ):
            written = model.settings.get(flag)
            if written is None or written in names or _PLUGINS[flag] in model.settings:
                continue
            near = nearest(str(written), names)
            yield Finding(
                at=model.settings.at(flag),
                message=f"{model.name} has the {flag} {written}, which {known.name} {known.version} does not have",
                fix=f"write {near}" if near else f"use one of its {len(names)} parsers: `vllm serve --help={flag}`",
            )
