"""`modelyard.yaml`: the checker's settings, cost ceilings, waivers and accepted gaps."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from modelyard.findings import UserError
from modelyard.repository.addresses import FileAddress
from modelyard.repository.files import Files
from modelyard.repository.layout import SETTINGS
from modelyard.repository.yaml import one_mapping

Reason = Annotated[str, Field(min_length=10, description="Why this is right here; at least ten characters.")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Waiver(_Strict):
    """A finding that the team has decided to live with, until a day."""

    rule: str = Field(description="Rule that is waived, `area/name`; `*` matches within a part, as in `network/*`.")
    path: str = Field(description="File or folder that it is waived in; `*` matches within a name, `**` across.")
    reason: Reason
    expires: date = Field(description="Last day on which the waiver holds.")


class AcceptedGap(_Strict):
    """Something that cannot be checked and is accepted as such, until a day."""

    subject: str = Field(description="What is not checked, as the report names it; `*` matches any text.")
    reason: Reason
    expires: date = Field(description="Last day on which the gap is accepted.")
    optional: bool = Field(False, description="Whether the gap is there with some answers only, and may cover nothing.")


class Ceiling(_Strict):
    """The most that an environment may cost at full scale."""

    usd_per_month: float | None = Field(
        None, alias="usd-per-month", gt=0, le=1e9, description="Most USD a month for the whole environment."
    )
    models: dict[str, Annotated[float, Field(gt=0, le=1e9)]] = Field(
        default_factory=dict, description="Most USD a month by model."
    )


class Settings(_Strict):
    """The whole file."""

    version: int = Field(default=1, ge=1, le=1, description="Version of this file's format.")
    waivers: tuple[Waiver, ...] = Field((), description="Findings that the team lives with until a day.")
    accepted_gaps: tuple[AcceptedGap, ...] = Field(
        (), alias="accepted-gaps", description="What need not be checked until a day."
    )
    severities: dict[str, Literal["error", "warning", "note", "off"]] = Field(
        default_factory=dict, description="How bad findings are, by rule or area; `off` leaves them out."
    )
    crds: tuple[str, ...] = Field((), description="Files, folders or URLs with CustomResourceDefinitions of your own.")
    engine_versions: dict[str, str] = Field(
        default_factory=dict, alias="engine-versions", description="Engine version by image, where the tag is none."
    )
    ceilings: dict[str, Ceiling] = Field(
        default_factory=dict, description="The most that environments, and models in them, may cost at full scale."
    )

    @field_validator("engine_versions", mode="before")
    @classmethod
    def _versions_are_text(cls, value: Any) -> Any:
        if isinstance(value, dict):
            for image, version in value.items():
                if not isinstance(version, str):
                    raise ValueError(f"the version of {image} should be quoted text")
        return value


def load_settings(files: Files) -> Settings:
    """Return the settings, or the defaults when the file is absent.

    Raises:
        UserError: The file is not what it should be; names the first wrong field with its place.
    """
    if not files.is_file(SETTINGS):
        return Settings.model_validate({})
    content = files.documents(SETTINGS)
    if not content:
        return Settings.model_validate({})
    mapping = one_mapping(SETTINGS, content)
    try:
        return Settings.model_validate(mapping)
    except ValidationError as fault:
        first = fault.errors()[0]
        path = tuple(first["loc"])
        name = ".".join(str(part) for part in path)
        message = first["msg"].removeprefix("Value error, ")
        message = "unknown field" if first["type"] == "extra_forbidden" else message[:1].lower() + message[1:]
        raise UserError(
            f"{SETTINGS}: {name}: {message}",
            fix="see docs/reference/modelyard-yaml.md for the fields",
            at=FileAddress(files, SETTINGS, path, key=first["type"] == "extra_forbidden"),
        ) from None
