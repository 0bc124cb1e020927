"""Settings that vLLM refuses for this model or device."""

import re
from collections.abc import Iterator

from modelyard import catalog
from modelyard.findings import Finding, NotChecked, error
from modelyard.repository import FileAddress
from modelyard.repository.json import MalformedJSON, parsed
from modelyard.rules import rule
from modelyard.rules.fit.remedies import gaps
from modelyard.rules.wording import either
from modelyard.sizing import Fit, fits, legal_tensor_parallel_sizes, refusals
from modelyard.view import Environment

_DRAFTS = "speculative-config"
# The flag that a refusal is about, by words of it; the first that occurs counts.
_ABOUT = (
    ("gpu-memory-utilization", "gpu-memory-utilization"),
    ("asks for all memory", "gpu-memory-utilization"),
    ("the checkpoint is", "quantization"),
    ("enable-expert-parallel", "enable-expert-parallel"),
    ("attention-backend", "attention-backend"),
    ("runner is", "runner"),
    (_DRAFTS, _DRAFTS),
    ("block-size", "block-size"),
    ("decode-context-parallel-size", "decode-context-parallel-size"),
    ("pipeline stages", "pipeline-parallel-size"),
    ("max-num-batched-tokens", "max-num-batched-tokens"),
    ("max-model-len", "max-model-len"),
    ("fp8 cache", "kv-cache-dtype"),
    ("bfloat16", "dtype"),
    ("weights need compute capability", "quantization"),
    (" ranks", "tensor-parallel-size"),
)
# By the format of a checkpoint, the values of `quantization` that vLLM takes for it.
_SAME_FORMAT = {
    "awq": ("awq", "awq_marlin", "auto-round", "inc"),
    "gptq": ("gptq", "gptq_marlin", "auto-round", "inc"),
    "mxfp4": ("mxfp4", "gpt_oss_mxfp4"),
}
# Formats whose settings vLLM reads from the checkpoint (`get_quant_config`, wheels of vllm 0.16.0 and 0.33.0).
_OF_CHECKPOINTS = frozenset(
    {"awq", "awq_marlin", "compressed-tensors", "gptq", "gptq_marlin"}
    | {"modelopt", "modelopt_fp4", "modelopt_mixed", "modelopt_mxfp8"}
)
# Architectures whose checkpoints have no layers that predict further tokens; `MTPModelTypes` of
# vllm/config/speculative.py has none of their types.
_WITHOUT_PREDICTION = re.compile(
    r"(Llama|Llama4|Mistral|Mixtral|Gemma\d?|Phi\d?|Qwen2|Qwen2Moe|Qwen3|Qwen3Moe|GptOss)For(CausalLM|ConditionalGeneration)"
)
# Attention kernels for GPUs take blocks of a multiple of this (v1/attention/backends of vllm 0.16.0 and 0.33.0).
_BLOCK = 16
# Backends by what they compute: `is_mla` against the model (`validate_configuration`, v1/attention/backend.py).
_LATENT = frozenset({"CUTLASS_MLA", "FLASHINFER_MLA", "FLASHMLA", "FLASH_ATTN_MLA", "TRITON_MLA"})
_PLAIN = frozenset({"FLASHINFER", "FLASH_ATTN", "FLEX_ATTENTION", "TRITON_ATTN"})
_ATTENTION_HEADS = "attention heads cannot be shared"
_MOST = 16


@rule("fit/refused-by-engine", error, since="0.1.0")
def refused_by_engine(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A setting that the model or the device does not support makes vLLM exit before it loads anything."""
    for fit in fits(environment):
        entry = catalog.model(fit.model.settings.model_id)
        if entry is not None and entry.family == "diffusion" and fit.model.engine.core == "vllm":
            yield Finding(
                at=fit.model.container.at("args"),
                message=f"vLLM refuses {fit.model.name}: {entry.id} is a pipeline that makes images, which vLLM-Omni "
                "serves with --omni alone",
                fix="add --omni to the command line of an image of vLLM-Omni",
            )
            continue
        if fit.shape is None or not fit.devices:
            yield from gaps(fit)
            continue
        said: dict[str, list[str]] = {}
        for each in fit.devices:
            for reason in (*_refused(fit), *refusals(fit.shape, each.assessment.settings, each.assessment.device)):
                said.setdefault(reason, []).append(each.eligible.device.name)
        for reason, devices in said.items():
            if _ATTENTION_HEADS in reason:
                continue  # has a rule of its own
            flag = next((flag for words, flag in _ABOUT if words in reason), "model")
            where = "" if len(devices) == len(fit.devices) else f", one of the devices {fit.model.name} can land on"
            yield Finding(
                at=fit.model.settings.at(flag),
                message=f"vLLM refuses {fit.model.name}: {_as_written(fit, flag, reason)}{where}",
                fix=_fix(fit, flag),
            )


def _as_written(fit: Fit, flag: str, reason: str) -> str:
    """Return a reason that names a setting as its file does: by the field of the engine, where that has no flags."""
    at = fit.model.settings.at(flag)
    field = flag.replace("-", "_")
    is_field = isinstance(at, FileAddress) and at.path[-1:] == (field,)
    return reason.replace(flag, field) if is_field else reason


def _refused(fit: Fit) -> Iterator[str]:
    """Yield what stands against the settings alone, whatever the device."""
    settings, shape = fit.model.settings, fit.shape
    share, method = settings.get("gpu-memory-utilization"), settings.get("quantization")
    if isinstance(share, int | float) and share >= 1:
        yield f"gpu-memory-utilization {share} asks for all memory, but the CUDA context already uses some"
    stored = shape.quantization.method if shape is not None and shape.quantization is not None else ""
    if shape is not None and not stored and method in _OF_CHECKPOINTS:
        yield f"quantization is {method}, but the checkpoint is not quantised"
    if shape is not None and settings.get("enable-expert-parallel") is True and shape.experts is None:
        yield "enable-expert-parallel is set, but the model has no experts"
    if shape is not None and settings.get("runner") == "generate" and shape.encodes_only:
        yield "runner is generate, but the model embeds or classifies texts and generates none"
    backend = settings.get("attention-backend")
    if shape is not None and isinstance(backend, str) and backend.upper() in _LATENT | _PLAIN:
        latent = shape.latent_attention is not None
        if latent != (backend.upper() in _LATENT):
            kind = "with" if latent else "without"
            yield f"attention-backend {backend} is not for models {kind} latent attention"
    block = settings.get("block-size")
    if isinstance(block, int) and block % _BLOCK and any(each.eligible.device.kind == "gpu" for each in fit.devices):
        yield f"block-size is {block}, and attention kernels take multiples of {_BLOCK}"
    yield from _refused_draft(fit)
    if stored in _SAME_FORMAT and isinstance(method, str) and method not in _SAME_FORMAT[stored]:
        yield f"quantization is {method}, but the checkpoint is {stored}"


def _refused_draft(fit: Fit) -> Iterator[str]:
    """Yield what the two models of speculative decoding do not share."""
    config = fit.model.settings.get(_DRAFTS)
    if isinstance(config, str):
        try:
            config = parsed(config)
        except MalformedJSON:
            return  # settings/wrong-type says so
    if not isinstance(config, dict) or fit.shape is None:
        return
    method, named = config.get("method"), config.get("model")
    if method == "mtp" and not named and _WITHOUT_PREDICTION.fullmatch(fit.shape.architecture or ""):
        served = fit.model.settings.model_id
        yield f"{_DRAFTS} has the method mtp, but {served} has no layers that predict further tokens"
    draft = catalog.model(str(named)) if method == "draft_model" and named else None
    shape = draft.shape if draft is not None else None
    if shape is not None and shape.vocabulary != fit.shape.vocabulary and not config.get("use_heterogeneous_vocab"):
        yield (
            f"{_DRAFTS} drafts with {named}, whose vocabulary of {shape.vocabulary:,} tokens is not the "
            f"{fit.shape.vocabulary:,} of the model"
        )


def _fix(fit: Fit, flag: str) -> str:
    shape = fit.shape
    if shape is not None and flag == "tensor-parallel-size":
        legal = legal_tensor_parallel_sizes(shape, _MOST)
        return f"use tensor-parallel-size {either(legal)} and as many devices"
    if shape is not None and flag == "max-model-len":
        return f"set max-model-len to {shape.max_positions} or less, or extend the context with hf-overrides"
    if flag == "gpu-memory-utilization":
        return "set gpu-memory-utilization to 0.9, or remove it"
    if flag == "quantization" and shape is not None and shape.quantization is not None:
        return "remove quantization: vLLM reads it from the checkpoint"
    if flag == _DRAFTS:
        return "draft with a model of the same vocabulary, or use the method ngram"
    if flag == "block-size":
        return "remove block-size: vLLM chooses one that the kernels take"
    if flag == "max-num-batched-tokens":
        return "raise max-num-batched-tokens, or remove it"
    if flag == "dtype":
        return "set dtype: half, or require newer devices"
    if flag in ("attention-backend", "enable-expert-parallel", "runner"):
        return f"remove {flag}"
    if flag == "quantization" and shape is not None and shape.quantization is None:
        return "remove quantization, or serve a checkpoint that is stored so"
    if flag in ("kv-cache-dtype", "quantization"):
        return f"change {flag}, or require newer devices"
    return f"change {flag}"
