"""Labels and annotations: `ValidateObjectMeta` of apimachinery, and of the pods that an object makes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.rendering import Path
from modelyard.view.shapes import mapping
from modelyard.view.validation.checks import Refused, is_label_value, is_qualified

# TotalAnnotationSizeLimitB in apimachinery's pkg/api/validation/objectmeta.go: bytes of all keys and values.
_MOST_BYTES = 256 * 1024


def metadata(holder: dict[str, Any], at: Path = ()) -> Iterator[Refused]:
    """Yield what the API server refuses of the metadata of an object, or of a template at a path of it."""
    own = (*at, "metadata")
    for key, value in mapping(holder, "metadata", "labels").items():
        if not is_qualified(str(key)):
            yield Refused((*own, "labels", key), f"{key} is no key that a label can have")
        # What is no text is refused by the schema.
        elif isinstance(value, str) and not is_label_value(value):
            yield Refused(
                (*own, "labels", key),
                f"the label {key} is {value}, at most 63 letters, digits, hyphens, dots and underscores are expected",
                "write a value that begins and ends with a letter or digit, or use an annotation",
            )
    annotations = mapping(holder, "metadata", "annotations")
    for key in annotations:
        if not is_qualified(str(key).lower()):
            yield Refused((*own, "annotations", key), f"{key} is no key that an annotation can have")
    size = sum(len(str(key).encode()) + len(str(value).encode()) for key, value in annotations.items())
    if size > _MOST_BYTES:
        yield Refused(
            (*own, "annotations"), f"the annotations have {size:,} bytes, at most {_MOST_BYTES:,} are expected"
        )
