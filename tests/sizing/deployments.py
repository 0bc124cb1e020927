"""Models and devices that the tests of sizing share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from modelyard import catalog
from modelyard.catalog import Device, ModelShape
from modelyard.sizing import EffectiveSettings, effective_settings

VERSION = "0.33.0"


def shape(model: str, **changes: Any) -> ModelShape:
    """Return a shape of the catalogue, with some fields changed."""
    entry = catalog.model(model)
    assert entry is not None and entry.shape is not None, model
    return replace(entry.shape, **changes)


def device(name: str) -> Device:
    """Return a device of the catalogue."""
    found = catalog.device(name)
    assert found is not None, name
    return found


def settings(
    model: str = "Qwen/Qwen3-32B", on: str = "H100", version: str = VERSION, **flags: Any
) -> EffectiveSettings:
    """Return the settings of a deployment; flags in snake case."""
    return effective_settings(flags, version, shape(model), device(on))


LLAMA = "meta-llama/Llama-3.1-8B-Instruct"
QWEN = "Qwen/Qwen3-32B"
SMALL = "Qwen/Qwen3-1.7B"
OSS = "openai/gpt-oss-20b"
DEEPSEEK = "deepseek-ai/DeepSeek-V3"
GEMMA = "google/gemma-3-27b-it"
SCOUT = "meta-llama/Llama-4-Scout-17B-16E-Instruct"
