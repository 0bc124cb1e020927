"""How a checkpoint stores each of its matrices: the `quantization_config` of every scheme that is modelled.

Each scheme lists what it leaves alone in its own way; the readers here follow vLLM 0.33.0: `fp8.py` and
`fbgemm_fp8.py` (`ignored_layers`, `modules_to_not_convert`), `auto_awq.py` (a name holds an entry), `auto_gptq.py`
(`dynamic`, `modules_in_block_to_quantize`, `lm_head`), `inc.py` for AutoRound (`extra_config`,
`block_name_to_quantize`), `compressed_tensors/` (`config_groups` with targets, `ignore`), `modelopt.py`
(`exclude_modules`, `quantized_layers`), `quark/` (`exclude`, `layer_quant_config`), `bitsandbytes.py`
(`llm_int8_skip_modules`), `mxfp4.py`, all under `vllm/model_executor/layers/quantization`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelyard.catalog.module_names import PREFIXES, Names, beginning, listed_name, names_of, plain_name
from modelyard.catalog.weight_parts import Matrix, WeightPart
from modelyard.linear import UnreadablePattern

NEVER = (WeightPart.EMBEDDINGS, WeightPart.ROUTER, WeightPart.ENCODER)
"""Parts that vLLM builds without a quantisation, or whose towers these schemes leave alone."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """How a checkpoint stores its matrices.

    Attributes:
        method: vLLM's name, such as `fp8`, `awq`, `nvfp4`.
        bits: Bits of most quantised parameters, scales included.
        bits_of: Bits of a matrix; None for the model's own type.
        block: Parameters along a row that share a scale, where a rank's share must be a multiple of it.
        listed: Modules that it names one by one as quantised; empty where it names them by a rule.
    """

    method: str
    bits: float
    bits_of: Callable[[Matrix], float | None]
    block: int | None = None
    listed: tuple[str, ...] = ()


class UnknownSchemeError(ValueError):
    """A quantisation that is not modelled; its text names it."""


def scheme_of(stored: Mapping[str, Any]) -> Scheme:
    """Return how a checkpoint stores its matrices.

    Args:
        stored: Its `quantization_config`.

    Raises:
        UnknownSchemeError: The scheme is not modelled, or its fields are not what it writes.
    """
    method = str(stored.get("quant_method") or stored.get("quant_algo") or "").lower().replace("_", "-")
    reader = _READERS.get(method)
    if reader is None:
        raise UnknownSchemeError(method or "without a method")
    try:
        return reader(stored)
    except (TypeError, AttributeError, ZeroDivisionError, OverflowError, UnreadablePattern):
        raise UnknownSchemeError(f"{method} with fields that it does not write") from None


def _linear(bits: float, ignored: Names, *, head: bool = False) -> Callable[[Matrix], float | None]:
    """Return the usual rule: everything linear but what is listed, and the output layer only where it is asked for."""

    def bits_of(matrix: Matrix) -> float | None:
        if matrix.part in NEVER or (matrix.part is WeightPart.HEAD and not head) or matrix in ignored:
            return None
        return bits

    return bits_of


def _whole(stored: Mapping[str, Any], key: str, default: int) -> int:
    value = stored.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def _grouped(bits: float, size: int, scale: float = 16) -> float:
    """Return bits with the scales of groups along a row; a size of 0 or -1 is one scale for a row."""
    return bits + (scale / size if size > 0 else 0.0)


def _fp8(stored: Mapping[str, Any]) -> Scheme:
    block = stored.get("weight_block_size")
    edge = int(block[0]) if isinstance(block, list) and block else None
    bits = 8 + (32 / edge**2 if edge else 0)
    ignored = Names([*(stored.get("modules_to_not_convert") or ()), *(stored.get("ignored_layers") or ())])
    return Scheme("fp8", bits, _linear(bits, ignored), edge)


def _fbgemm(stored: Mapping[str, Any]) -> Scheme:
    return Scheme("fbgemm_fp8", 8, _linear(8, Names(stored.get("modules_to_not_convert"))))


def _awq(stored: Mapping[str, Any]) -> Scheme:
    bits = _whole(stored, "bits", _whole(stored, "w_bit", 4))
    each = _grouped(bits, _whole(stored, "group_size", _whole(stored, "q_group_size", 128)), 16 + bits)
    return Scheme("awq", each, _linear(each, Names(stored.get("modules_to_not_convert"), anywhere=True)))


def _gptq(stored: Mapping[str, Any]) -> Scheme:
    bits, size = _whole(stored, "bits", 4), _whole(stored, "group_size", 128)
    usual = _grouped(bits, size, 16 + bits)
    dynamic = stored.get("dynamic")
    overrides: list[tuple[Callable[[str], bool], float | None]] = []
    for pattern, changes in dynamic.items() if isinstance(dynamic, Mapping) else ():
        if pattern.startswith("-:"):
            overrides.append((beginning(pattern[2:]), None))
        else:
            of_it = changes if isinstance(changes, Mapping) else {}
            own = _whole(of_it, "bits", bits)
            overrides.append(
                (beginning(pattern.removeprefix("+:")), _grouped(own, _whole(of_it, "group_size", size), 16 + own))
            )
    ignored = Names(stored.get("modules_to_not_convert"))
    inside = stored.get("modules_in_block_to_quantize")
    only = Names([name for row in inside for name in (row if isinstance(row, list) else [row])]) if inside else None
    default = _linear(usual, ignored, head=bool(stored.get("lm_head")))

    def bits_of(matrix: Matrix) -> float | None:
        plain = default(matrix)
        if plain is None or (only is not None and matrix.layer >= 0 and matrix not in only):
            return None
        for matches, own in overrides:
            if any(matches(prefix + name) for name in names_of(matrix) for prefix in PREFIXES):
                return own
        return plain

    return Scheme("gptq", usual, bits_of)


def _auto_round(stored: Mapping[str, Any]) -> Scheme:
    bits, size = _whole(stored, "bits", 4), _whole(stored, "group_size", 128)
    usual = _grouped(bits, size, 16 if stored.get("sym", True) else 16 + bits)
    extra = stored.get("extra_config")
    own: list[tuple[Names, float | None]] = []
    for name, changes in extra.items() if isinstance(extra, Mapping) else ():
        of_it = changes if isinstance(changes, Mapping) else {}
        width = _whole(of_it, "bits", bits)
        entry = f"re:{name}" if re.search(r"[*\\^$|(\[]", str(name)) else name
        each = None if width >= 16 else _grouped(width, _whole(of_it, "group_size", size), 16)
        own.append((Names([entry]), each))
    blocks = stored.get("block_name_to_quantize") or stored.get("to_quant_block_names")
    listed = blocks if isinstance(blocks, list) else str(blocks).split(",") if blocks else []
    ends = tuple(plain_name(f"{str(block).strip()}.") for block in listed)

    def bits_of(matrix: Matrix) -> float | None:
        for names, each in own:
            if matrix in names:
                return each
        if matrix.part in NEVER or matrix.part is WeightPart.HEAD:
            return None
        return usual if not ends or any(matrix.name.startswith(end) for end in ends) else None

    return Scheme("auto-round", usual, bits_of)


def _weight_bits(weights: Any) -> float | None:
    """Return the bits of a group of compressed-tensors; None where its weights are not quantised."""
    if not isinstance(weights, Mapping):
        return None
    bits, size = _whole(weights, "num_bits", 8), _whole(weights, "group_size", 0)
    if str(weights.get("type", "int")) == "float":
        if bits == 4:
            return _grouped(4, size or 16, 8)  # an 8-bit scale for 16 (NVFP4) or 32 (MXFP4)
        block = weights.get("block_structure")
        edge = int(block[0]) if isinstance(block, list) and block else 0
        return bits + 32 / edge**2 if edge else _grouped(bits, size, 8)
    return _grouped(bits, size, 16 if weights.get("symmetric", True) else 16 + bits)


def _compressed(stored: Mapping[str, Any]) -> Scheme:
    groups = stored.get("config_groups")
    if not isinstance(groups, Mapping) or not groups:
        raise UnknownSchemeError("compressed-tensors without config_groups")
    ignored = Names(stored.get("ignore"))
    rules: list[tuple[Names | None, float | None]] = []
    kinds = {str((group.get("weights") or {}).get("type", "int")) for group in groups.values()}
    for group in groups.values():
        targets = group.get("targets") or ["Linear"]
        everything = any(str(target) in ("Linear", "FusedMoE", "MoEGate") for target in targets)
        rules.append((None if everything else Names(targets), _weight_bits(group.get("weights"))))
    # Named targets come before the class of all, which does not reach the output layer (no Linear of vLLM's).
    rules.sort(key=lambda rule: rule[0] is None)
    bits = [each for _, each in rules if each is not None]
    if not bits:
        return Scheme("compressed-tensors", 16, lambda _: None)
    usual = rules[-1][1] or bits[0]
    method = "nvfp4" if usual == 4.5 and kinds == {"float"} else "compressed-tensors"

    def bits_of(matrix: Matrix) -> float | None:
        if matrix.part in NEVER or matrix in ignored:
            return None
        for names, each in rules:
            if (names is None and matrix.part is not WeightPart.HEAD) or (names is not None and matrix in names):
                return each
        return None

    return Scheme(method, usual, bits_of)


_MODELOPT = {
    "FP8": 8.0,
    "FP8_PER_CHANNEL_PER_TOKEN": 8.0,
    "FP8_PB_WO": 8 + 32 / 128**2,
    "NVFP4": 4.5,
    "W4A16_NVFP4": 4.5,
    "W4A8_NVFP4_FP8": 4.5,
    "NVFP4_AWQ": 4.5,
    "MXFP8": 8.25,
    "W4A8_MXFP4_FP8": 4.25,
    "W4A16_AWQ": 4.125,
    "W8A8_SQ_PER_CHANNEL": 8.0,
}
"""Bits of each algorithm of NVIDIA's ModelOpt (`modelopt.py`); the scale of a block of 16 or 32 takes 8 bits."""


def _modelopt(stored: Mapping[str, Any]) -> Scheme:
    inner = stored.get("quantization")
    raw: Mapping[str, Any] = inner if isinstance(inner, Mapping) else stored
    algorithm = str(raw.get("quant_algo") or "").upper()
    ignored = Names([*(raw.get("exclude_modules") or ()), *(raw.get("ignore") or ())])
    layers = raw.get("quantized_layers")
    if isinstance(layers, Mapping) and layers:
        own = {listed_name(str(name)): _algorithm_bits(each) for name, each in layers.items()}
        lowest = min(own.values())

        def bits_of(matrix: Matrix) -> float | None:
            if matrix.part in NEVER or matrix in ignored:
                return None
            for name in names_of(matrix):
                words = name.split(".")
                for end in range(len(words), 0, -1):
                    if (each := own.get(".".join(words[:end]))) is not None:
                        return each
            return None

        return Scheme("nvfp4" if lowest == 4.5 else "modelopt-fp8", lowest, bits_of, listed=tuple(own))
    if algorithm not in _MODELOPT:
        if raw.get("config_groups"):
            return _compressed(raw)
        raise UnknownSchemeError(f"modelopt {algorithm.lower() or 'without an algorithm'}")
    bits = _MODELOPT[algorithm]
    method = {4.5: "nvfp4", 8.0: "modelopt-fp8"}.get(bits, f"modelopt-{algorithm.lower()}")
    return Scheme(method, bits, _linear(bits, ignored))


def _algorithm_bits(layer: Any) -> float:
    algorithm = str(layer.get("quant_algo") or "").upper()
    if algorithm not in _MODELOPT:
        raise UnknownSchemeError(f"modelopt {algorithm.lower()}")
    return _MODELOPT[algorithm]


_QUARK = {"fp8_e4m3": 8.0, "fp8_e5m2": 8.0, "int8": 8.0, "uint8": 8.0, "fp6_e2m3": 6.0, "fp6_e3m2": 6.0}


def _quark_bits(entry: Any) -> float | None:
    weight = entry.get("weight") if isinstance(entry, Mapping) else None
    if isinstance(weight, list):
        weight = weight[0] if weight else None
    if not isinstance(weight, Mapping):
        return None
    kind, size = str(weight.get("dtype", "")).lower(), _whole(weight, "group_size", 0)
    if kind == "fp4":
        return _grouped(4, size or 32, 8)
    if kind in ("int4", "uint4"):
        return _grouped(4, size, 16)
    if kind not in _QUARK:
        raise UnknownSchemeError(f"quark {kind or 'without a type of weights'}")
    scale = 8 if str(weight.get("scale_format", "")) == "e8m0" else 16
    return _grouped(_QUARK[kind], size, scale)


def _quark(stored: Mapping[str, Any]) -> Scheme:
    usual = _quark_bits(stored.get("global_quant_config"))
    ignored = Names(stored.get("exclude"))
    layers = stored.get("layer_quant_config")
    own = [(Names([name]), _quark_bits(each)) for name, each in layers.items()] if isinstance(layers, Mapping) else []
    default = _linear(usual, ignored) if usual is not None else lambda _: None

    def bits_of(matrix: Matrix) -> float | None:
        if matrix in ignored or matrix.part in NEVER:
            return None
        for names, each in own:
            if matrix in names:
                return each
        return default(matrix)

    known = [each for each in (usual, *(each for _, each in own)) if each is not None]
    if not known:
        raise UnknownSchemeError("quark without types of weights")
    return Scheme("quark", known[0], bits_of)


def _bitsandbytes(stored: Mapping[str, Any]) -> Scheme:
    # The scale of 64 values is kept in 32 bits: `bitsandbytes_loader.py` undoes a second quantisation of the scales.
    bits = 8.0 if stored.get("load_in_8bit") else 4.5
    return Scheme("bitsandbytes", bits, _linear(bits, Names(stored.get("llm_int8_skip_modules"))))


def _mxfp4(stored: Mapping[str, Any]) -> Scheme:
    ignored = Names(stored.get("modules_to_not_convert"))

    def bits_of(matrix: Matrix) -> float | None:
        return 4.25 if matrix.part is WeightPart.EXPERTS and matrix not in ignored else None

    return Scheme("mxfp4", 4.25, bits_of)


def _experts_int8(stored: Mapping[str, Any]) -> Scheme:
    del stored
    return Scheme("experts_int8", 8.0, lambda matrix: 8.0 if matrix.part is WeightPart.EXPERTS else None)


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Scheme]] = {
    "fp8": _fp8,
    "fbgemm-fp8": _fbgemm,
    "awq": _awq,
    "awq-marlin": _awq,
    "gptq": _gptq,
    "gptq-marlin": _gptq,
    "auto-round": _auto_round,
    "intel/auto-round": _auto_round,
    "compressed-tensors": _compressed,
    "modelopt": _modelopt,
    "modelopt-fp4": _modelopt,
    "modelopt-mixed": _modelopt,
    "nvfp4": lambda _: Scheme("nvfp4", 4.5, _linear(4.5, Names(()))),
    "quark": _quark,
    "bitsandbytes": _bitsandbytes,
    "mxfp4": _mxfp4,
    "gpt-oss-mxfp4": _mxfp4,
    "experts-int8": _experts_int8,
}


def cache_type(stored: Mapping[str, Any]) -> str:
    """Return the type that a `quantization_config` names for the KV cache, as vLLM calls it; empty where it names none.

    Compressed-tensors and ModelOpt have a `kv_cache_scheme`, ModelOpt a `kv_cache_quant_algo` as well
    (`get_kv_cache_quant_algo_string` in `vllm/utils/torch_utils.py`).
    """
    inner = stored.get("quantization")
    for each in (inner, stored) if isinstance(inner, Mapping) else (stored,):
        named = each.get("kv_cache_scheme") or each.get("kv_cache_quant_algo")
        if isinstance(named, Mapping) and named.get("type") == "float":
            return {8: "fp8", 4: "nvfp4"}.get(_whole(named, "num_bits", 0), "")
        if isinstance(named, str):
            return {"fp8": "fp8_e4m3", "nvfp4": "nvfp4"}.get(named.lower(), "")
    return ""


def schemes() -> Sequence[str]:
    """Return the schemes that are modelled, as `quant_method` calls them."""
    return tuple(_READERS)


def mean_bits(matrices: Iterable[tuple[Matrix, float | None]], plain: float) -> float | None:
    """Return the mean bits of some matrices; None where all have the model's own type of `plain` bits."""
    listed = list(matrices)
    if all(bits is None for _, bits in listed):
        return None
    values = sum(matrix.values for matrix, _ in listed)
    return (
        sum(matrix.values * (plain if bits is None else bits) for matrix, bits in listed) / values if values else None
    )
