"""Tool-call parsers of another family of models."""

from collections.abc import Iterator

from modelyard.catalog.tools import tool_family
from modelyard.findings import Finding, NotChecked, to_set, warning
from modelyard.rules import rule
from modelyard.rules.wording import one_of
from modelyard.view import Environment


@rule("settings/tool-parser-mismatch", warning, since="0.1.0")
def tool_parser_mismatch(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A parser for another format returns the model's tool calls as plain text, with status 200."""
    for model in environment.models:
        parser = model.settings.get("tool-call-parser")
        family = tool_family(model.settings.model_id)
        if family is None or not isinstance(parser, str) or parser in family.parsers:
            continue
        if "tool-parser-plugin" in model.settings or "chat-template" in model.settings:
            continue  # another template may ask the model for another form
        yield Finding(
            at=model.settings.at("tool-call-parser"),
            message=f"{model.name} has the tool-call-parser {parser}; vLLM's documentation recommends "
            f"{one_of(family.parsers)} for {model.settings.model_id}",
            fix=f"write {family.parsers[0]}",
            edits=(to_set(model.settings.at("tool-call-parser"), family.parsers[0]),),
        )
