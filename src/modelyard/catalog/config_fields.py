"""Reading single fields of a `config.json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelyard.findings import UserError

LIMITS = {
    "num_hidden_layers": 1_000,
    "hidden_size": 1_000_000,
    "num_attention_heads": 4_096,
    "num_key_value_heads": 4_096,
    "head_dim": 8_192,
    "vocab_size": 10_000_000,
    "intermediate_size": 10_000_000,
    "max_position_embeddings": 1_000_000_000,
    "num_experts": 65_536,
}
"""Upper ends of what is taken for a real model; a config beyond them is refused as damaged."""


def count(config: Mapping[str, Any], key: str, default: int | None = None) -> int:
    """Return a whole number of a config.

    Raises:
        UserError: It is missing and has no default, is no number, or is beyond what a real model has.
    """
    value = config.get(key)
    if value is None:
        if default is None:
            raise UserError(f"config.json has no {key}", fix="give the config.json of a transformer model")
        return default
    lowest = 0 if default == 0 else 1
    highest = LIMITS.get(key, 1_000_000_000)
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise UserError(
            f"config.json has {key}: {value!r}, expected a whole number from {lowest} to {highest}",
            fix="take the config.json from the model's repository again",
        )
    return value


def first_count(config: Mapping[str, Any], *keys: str) -> int:
    """Return the first of several spellings that a config has, 0 where it has none."""
    return next((count(config, key, 0) for key in keys if config.get(key)), 0)


def listed(config: Mapping[str, Any], key: str, length: int) -> list[Any] | None:
    """Return a list with one entry for each layer, None where the config has none of that length."""
    value = config.get(key)
    return value if isinstance(value, list) and len(value) == length else None


def whole_numbers(config: Mapping[str, Any], key: str) -> frozenset[int]:
    """Return the whole numbers of a list, such as the layers that are of one kind."""
    value = config.get(key)
    listed_ = value if isinstance(value, list) else []
    return frozenset(each for each in listed_ if isinstance(each, int) and not isinstance(each, bool))
