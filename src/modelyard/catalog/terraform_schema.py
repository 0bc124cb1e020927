"""What resources and data sources of AWS's Terraform provider take: names, types, and the values that AWS knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from modelyard.catalog.loading import DATA, read_json

PROVIDER_MAJOR = 6
"""The major version of the provider whose arguments the data hold."""


@dataclass(frozen=True, slots=True)
class TerraformArgument:
    """One argument, or what is only read.

    Attributes:
        required: Whether the provider refuses a block without it.
        read_only: Whether it can only be read.
        type: `string`, `number` or `bool`, alone or after `list of`, `set of` or `map of`; `any`; empty for a block.
        values: What AWS takes; empty where that is not known, or anything.
        lowest: The least number that AWS takes; None where that is not known.
        highest: The greatest.
        block: The arguments of a nested block; None for a value.
    """

    required: bool
    read_only: bool
    type: str
    values: tuple[Any, ...] = ()
    lowest: float | None = None
    highest: float | None = None
    block: Mapping[str, TerraformArgument] | None = None


def _of_terraform(type_: str = "any", *, required: bool = False, **block: TerraformArgument) -> TerraformArgument:
    return TerraformArgument(required, read_only=False, type="" if block else type_, block=block or None)


_CONDITION = _of_terraform(condition=_of_terraform(required=True), error_message=_of_terraform(required=True))
# https://developer.hashicorp.com/terraform/language/block/variable, .../output and .../module, read 2026-12-01.
LANGUAGE_BLOCKS: Mapping[str, Mapping[str, TerraformArgument]] = {
    "variable": {
        **dict.fromkeys(("type", "default", "description", "deprecated"), _of_terraform()),
        **dict.fromkeys(("sensitive", "nullable", "ephemeral", "const"), _of_terraform("bool")),
        "validation": _CONDITION,
    },
    "output": {
        "value": _of_terraform(required=True),
        **dict.fromkeys(("description", "depends_on", "deprecated", "type"), _of_terraform()),
        **dict.fromkeys(("sensitive", "ephemeral"), _of_terraform("bool")),
        "precondition": _CONDITION,
    },
}
"""What blocks of Terraform's own language take."""


def terraform_arguments(kind: str, type_: str) -> Mapping[str, TerraformArgument] | None:
    """Return the arguments of a type by name; None for one that the data do not have.

    Args:
        kind: `resource` or `data`.
        type_: The type, such as `aws_eks_cluster`.
    """
    provider, _, rest = type_.partition("_")
    found = _family(rest.partition("_")[0]).get((kind, type_)) if provider == "aws" else None
    return _arguments(found) if found is not None else None


@cache
def _family(name: str) -> Mapping[tuple[str, str], Any]:
    if not name.isalnum() or not (DATA / "aws" / "terraform" / f"{name}.json").is_file():
        return {}
    raw = read_json("aws", "terraform", f"{name}.json")
    return {(kind, type_): _Raw(each) for kind in ("data", "resource") for type_, each in raw[kind].items()}


class _Raw:
    """An entry of the data, hashable by identity."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self.entry = entry


@cache
def _arguments(raw: _Raw) -> Mapping[str, TerraformArgument]:
    return _read(raw.entry)


def _read(entry: Mapping[str, Any]) -> Mapping[str, TerraformArgument]:
    return {name: _argument(each) for name, each in entry.items() if name}


def _argument(each: str | Mapping[str, Any]) -> TerraformArgument:
    if not isinstance(each, str) and "" in each:
        return TerraformArgument(each[""].startswith("required"), each[""] == "read", "", block=_read(each))
    entry: Mapping[str, Any] = {"type": each} if isinstance(each, str) else each
    need, _, type_ = entry["type"].removesuffix(" sensitive").replace("optional read", "optional").partition(" ")
    return TerraformArgument(
        need == "required",
        need == "read",
        type_,
        tuple(entry.get("values", ())),
        entry.get("min"),
        entry.get("max"),
    )
