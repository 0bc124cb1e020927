"""Gated models without a token."""

from collections.abc import Iterator

from modelyard.catalog import model as catalog_model
from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, ServedModel, entries, text

READ_BY_THE_HUB = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH")
"""Variables in which huggingface_hub looks for a token."""


@rule("secrets/gated-model-without-token", error, since="0.1.0")
def gated_model_without_token(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Hugging Face denies the files of a gated model without a token, and the engine exits."""
    for model in environment.models:
        name = model.settings.model
        if not name or name.startswith(("/", "s3://")):
            continue
        known = catalog_model(name)
        if known is None:
            yield NotChecked(model, f"whether {name} is gated is not in the catalogue")
        elif known.gated and not _variables(model) & set(READ_BY_THE_HUB):
            yield Finding(
                at=model.settings.at("model"),
                message=f"{name} is gated on Hugging Face, but {model.name} has no HF_TOKEN",
                fix="add the feature hf-token to the components of the overlay or the model",
            )


def _variables(model: ServedModel) -> set[str]:
    """Return the names of the container's variables; those of a whole Secret are taken for a token."""
    value = model.container.value
    names = {text(each, "name") for each in entries(value, "env")}
    whole = any(each.get("secretRef") for each in entries(value, "envFrom"))
    return names | (set(READ_BY_THE_HUB) if whole else set())
