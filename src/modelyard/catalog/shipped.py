"""Models of the package's own data, made without the checks that what people write goes through.

Loading those checks takes longer than a preview has; a test holds every shipped model against the checked way.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from modelyard.catalog.encoders import Encoder
from modelyard.catalog.loading import kebab
from modelyard.catalog.recurrences import Recurrence
from modelyard.catalog.shapes import (
    Experts,
    LatentAttention,
    LayerGroup,
    LayerKind,
    ModelShape,
    Quantization,
    QuantizedPart,
)
from modelyard.catalog.weight_parts import PartWeights, Split, WeightPart

_OF_FIELD: Mapping[str, Callable[[Any], Any]] = {
    "shape": lambda raw: shipped(ModelShape, raw),
    "groups": lambda raw: tuple(shipped(LayerGroup, each) for each in raw),
    "experts": lambda raw: shipped(Experts, raw),
    "latent_attention": lambda raw: shipped(LatentAttention, raw),
    "quantization": lambda raw: shipped(Quantization, raw),
    "weights": lambda raw: tuple(shipped(PartWeights, each) for each in raw),
    "recurrence": lambda raw: shipped(Recurrence, raw),
    "encoder": lambda raw: shipped(Encoder, raw),
    "components_billion": lambda raw: {name: float(each) for name, each in raw.items()},
}

_OF_TYPE: Mapping[str, Callable[[Any], Any]] = {
    "LayerKind": LayerKind,
    "QuantizedPart": QuantizedPart,
    "WeightPart": WeightPart,
    "Split": Split,
}


def shipped(kind: type[Any], raw: Mapping[str, Any]) -> Any:
    """Return an entry of a kind from what a data file says, field by field.

    Args:
        kind: One of the catalogue's dataclasses about models.
        raw: What the file says, under names with hyphens.
    """
    types = {kebab(field.name): str(field.type) for field in dataclasses.fields(kind)}
    values: dict[str, Any] = {}
    for key, value in raw.items():
        name = key.replace("-", "_")
        if value is None:
            values[name] = None
        elif name in _OF_FIELD:
            values[name] = _OF_FIELD[name](value)
        elif types[key] in _OF_TYPE:
            values[name] = _OF_TYPE[types[key]](value)
        elif isinstance(value, list):
            values[name] = tuple(value)
        else:
            values[name] = float(value) if types[key].startswith("float") else value
    return kind(**values)
