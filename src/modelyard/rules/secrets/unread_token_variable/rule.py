"""Tokens under a name that nobody reads."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error, to_set
from modelyard.rules import rule
from modelyard.view import Environment, numbered, text

READ = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
UNREAD = frozenset({"HF_API_TOKEN", "HUGGINGFACE_TOKEN", "HUGGINGFACEHUB_API_TOKEN", "HUGGINGFACE_API_TOKEN"})
"""Names that other programs use for the same token, which huggingface_hub does not look at."""


@rule("secrets/unread-token-variable", error, since="0.1.0")
def unread_token_variable(environment: Environment) -> Iterator[Finding | NotChecked]:
    """huggingface_hub does not read this variable, so the download has no token although the Secret exists."""
    for model in environment.models:
        listed = [(index, text(each, "name")) for index, each in numbered(model.container.value, "env")]
        if any(name in READ for _, name in listed):
            continue
        for index, name in listed:
            if name.upper() in (*READ, *UNREAD):
                at = model.container.at("env", index, "name")
                yield Finding(
                    at=at,
                    message=f"{model.container} has a token in {name}, which huggingface_hub does not read",
                    fix="rename the variable to HF_TOKEN",
                    edits=(to_set(at, READ[0]),),
                )
