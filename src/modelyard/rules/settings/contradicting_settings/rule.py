"""Settings of one engine that exclude each other, or that need another one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelyard.findings import Finding, NotChecked, error, warning
from modelyard.repository.json import MalformedJSON, parsed
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of
from modelyard.view import DeclaredSettings, Environment
from modelyard.view.settings import is_location

_ENGINES = frozenset({"vllm"})
# A switch, and the one that it needs: `_validate_parallel_config` and `__post_init__` of vllm/config/parallel.py;
# `validate_parsed_serve_args` of vllm/entrypoints/openai/cli_args.py.
_NEEDED = (
    ("enable-auto-tool-choice", "tool-call-parser"),
    ("enable-log-outputs", "enable-log-requests"),
    ("enable-eplb", "enable-expert-parallel"),
    ("enable-elastic-ep", "enable-eplb"),
    ("numa-bind-nodes", "numa-bind"),
    ("numa-bind-cpus", "numa-bind"),
)
# A number, the one that it must reach or must not exceed, and the default of that one.
_AT_LEAST = (("max-cpu-loras", "max-loras", 1),)
_AT_MOST = (("data-parallel-size-local", "data-parallel-size", 1),)
_EXTRA = "model-loader-extra-config"
# What each loader reads of that mapping: model_executor/model_loader of vllm 0.16.0 and 0.33.0. The loader of files
# refuses any other key in both, the streamer in 0.33.0.
_OF_FILES = frozenset({"enable_multithread_load", "enable_weights_track", "num_threads"})
_FILES = frozenset({"auto", "hf", "mistral", "npcache", "pt", "safetensors"})
_STREAMER = frozenset({"concurrency", "distributed", "memory_limit"})
_STREAMERS = frozenset({"runai_streamer", "runai_streamer_sharded"})
# What makes tensorizer_loader.py look elsewhere than beside the model for tensors of its own form.
_TENSORS = frozenset({"tensorizer_uri", "tensorizer_dir", "tensorizer_config"})


@rule("settings/contradicting-settings", error, since="0.3.0")
def contradicting_settings(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The engine exits at start-up on settings that exclude each other, or on one whose condition is not set."""
    for model in environment.models:
        if model.engine.core not in _ENGINES or model.settings.problem:
            continue
        settings, name = model.settings, model.name
        for flag, needed in _NEEDED:
            if settings.get(flag) not in (None, False) and settings.get(needed) in (None, False):
                yield Finding(
                    at=settings.at(flag),
                    message=f"{name} sets {flag}, which needs {needed}",
                    fix=f"set {needed}, or remove {flag}",
                )
        for flag, other, default in (*_AT_LEAST, *_AT_MOST):
            value, bound = settings.get(flag), settings.get(other, default)
            if not _are_numbers(value, bound) or value == bound:
                continue
            if (value < bound) == ((flag, other, default) in _AT_LEAST):
                least = "or more" if value < bound else "or less"
                yield Finding(
                    at=settings.at(flag),
                    message=f"{name} sets {flag} to {value}, {other} ({bound}) {least} is expected",
                    fix=f"change {flag} or {other}",
                )
        if settings.get("data-parallel-external-lb") is True and settings.data_parallel_size <= 1:
            yield Finding(
                at=settings.at("data-parallel-external-lb"),
                message=f"{name} sets data-parallel-external-lb with one copy of the model",
                fix="set data-parallel-size, or remove data-parallel-external-lb",
            )
        if settings.get("enable-elastic-ep") is True and settings.pipeline_parallel_size > 1:
            yield Finding(
                at=settings.at("enable-elastic-ep"),
                message=f"{name} sets enable-elastic-ep with {settings.pipeline_parallel_size} pipeline stages",
                fix="set pipeline-parallel-size to 1, or remove enable-elastic-ep",
            )
        yield from _loader(settings, name)


def _are_numbers(*values: Any) -> bool:
    return all(isinstance(each, int) and not isinstance(each, bool) for each in values)


def _loader(settings: DeclaredSettings, name: str) -> Iterator[Finding]:
    value, form = settings.get(_EXTRA), str(settings.get("load-format") or "auto")
    if isinstance(value, str):
        try:
            value = parsed(value)
        except MalformedJSON:
            return  # settings/wrong-type says so
    keys = {str(key) for key in value} if isinstance(value, dict) else set()
    if form == "tensorizer" and settings.model and not is_location(settings.model) and not keys & _TENSORS:
        yield Finding(
            at=settings.at("load-format"),
            message=f"{name} sets load-format tensorizer, and nothing says where the tensors of {settings.model} lie, "
            "which is no repository of that form",
            fix=f"set tensorizer_uri in {_EXTRA}, or remove load-format",
        )
    if not isinstance(value, dict) or form not in _FILES | _STREAMERS:
        return
    known = _STREAMER if form in _STREAMERS else _OF_FILES
    for key in value:
        if key not in known:
            near = nearest(str(key), known)
            yield Finding(
                at=settings.at(_EXTRA),
                message=f"{name} sets {key} in {_EXTRA}, which load-format {form} does not know",
                fix=f"write {near}" if near else f"use {one_of(known)}, or remove it",
                severity=warning if form in _STREAMERS else None,
            )
