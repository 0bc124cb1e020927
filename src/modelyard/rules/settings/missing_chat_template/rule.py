"""Tool-call parsers of models whose own chat template asks for another form."""

from collections.abc import Iterator

from modelyard.catalog.tools import EXAMPLES, tool_family
from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.rules.wording import one_of
from modelyard.view import Environment


@rule("settings/missing-chat-template", warning, since="0.1.0")
def missing_chat_template(environment: Environment) -> Iterator[Finding | NotChecked]:
    """If the parser does not match the tool-call format of the chat template, tool calls are returned as text."""
    for model in environment.models:
        parser = model.settings.get("tool-call-parser")
        family = tool_family(model.settings.model_id)
        if family is None or not isinstance(parser, str) or model.settings.get("enable-auto-tool-choice") is not True:
            continue
        template = family.templates.get(parser)
        if template is None or "chat-template" in model.settings:
            continue
        without = [each for each in family.parsers if each not in family.templates]
        yield Finding(
            at=model.settings.at("tool-call-parser"),
            message=f"{model.name} has the tool-call-parser {parser}, but {model.settings.model_id} "
            "does not use that format in its own chat template",
            fix=f"set chat-template to {EXAMPLES}/{template} (of vLLM's own image)"
            + (f", or use the parser {one_of(without)}" if without else ""),
        )
