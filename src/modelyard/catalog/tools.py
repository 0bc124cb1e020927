"""Which tool-call parser reads what a family of models writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache

from modelyard.catalog.loading import DATA, read_yaml

EXAMPLES = "/vllm-workspace/examples"
"""Where vLLM's own image has its examples (docs/features/tool_calling.md, of Apertus)."""


@dataclass(frozen=True, slots=True)
class ToolFamily:
    """Models that write tool calls in the same form.

    Attributes:
        models: Patterns of Hugging Face ids.
        parsers: Tool-call parsers that read the form, the one that vLLM recommends first.
        templates: The chat template of vLLM's examples that a parser needs, by parser; others do with the model's own.
    """

    models: tuple[str, ...]
    parsers: tuple[str, ...]
    templates: Mapping[str, str]


def tool_family(model_id: str) -> ToolFamily | None:
    """Return the family of a model by its Hugging Face id; None where vLLM's documentation names none."""
    return next((each for each in _families() if any(fnmatchcase(model_id, glob) for glob in each.models)), None)


@cache
def _families() -> tuple[ToolFamily, ...]:
    raw = read_yaml(DATA / "engines" / "vllm-tools.yaml")
    return tuple(
        ToolFamily(tuple(each["models"]), tuple(each["parsers"]), dict(each.get("templates") or {}))
        for each in raw["families"]
    )
