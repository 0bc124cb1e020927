"""Into how many ranks a model can be split."""

from __future__ import annotations

from modelyard.catalog import ModelShape


def tensor_parallel_problem(shape: ModelShape, ranks: int, *, expert_parallel: bool = False) -> str:
    """Return why vLLM refuses to split the model over so many tensor-parallel ranks; empty when it does not.

    Checks of vLLM: attention heads (`vllm/config/model.py`), key-value heads (`QKVParallelLinear` in
    `vllm/model_executor/layers/linear.py`), and the blocks of block-quantised weights. The vocabulary is padded and
    never stands in the way.
    """
    if ranks < 1:
        return f"{ranks} ranks are none"
    heads, kv_heads = shape.attention_heads, shape.key_value_heads
    if heads % ranks:
        return f"{heads} attention heads cannot be shared evenly by {ranks} ranks"
    if shape.latent_attention is None and (kv_heads % ranks if ranks < kv_heads else ranks % kv_heads):
        return f"{kv_heads} key-value heads cannot be shared or repeated evenly by {ranks} ranks"
    block = shape.quantization.block if shape.quantization else None
    if block and ranks > 1:
        widths = {"the MLP": shape.intermediate_size or 0}
        if shape.experts is not None:
            widths = {"the shared experts": shape.experts.shared_intermediate_size}
            widths["the dense MLP"] = shape.experts.dense_intermediate_size
            if not expert_parallel:
                widths["an expert"] = shape.experts.intermediate_size
        for part, width in widths.items():
            if width and (width % ranks or (width // ranks) % block):
                return f"{part} is {width} wide, which {ranks} ranks cannot share in blocks of {block}"
    return ""


def legal_tensor_parallel_sizes(shape: ModelShape, most: int = 64, *, expert_parallel: bool = False) -> tuple[int, ...]:
    """Return the tensor-parallel sizes up to `most` that vLLM accepts for a model, smallest first."""
    return tuple(
        ranks
        for ranks in range(1, most + 1)
        if not tensor_parallel_problem(shape, ranks, expert_parallel=expert_parallel)
    )


def stage_layers(layers: int, stages: int) -> tuple[int, ...]:
    """Return the layers of each pipeline stage (`get_pp_indices`): the rest goes to the stages before the last."""
    counts = [layers // stages] * stages
    for at in range(2, layers % stages + 2):
        counts[-at] += 1
    return tuple(counts)
