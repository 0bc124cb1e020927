"""How fast a deployment answers: a roofline with few parameters, which a script fits on published measurements.

    step(n)    = |weights(n) / (T B y), n F / (T P x)| + n cache / (B y') + exchange(n) + overhead
    prefill    = |p F / (T P x'), weights(p) / (T B y)| + exchange(p) + overhead
    ITL(n)     = step(n) + m (n - 1) / o (prefill's operations and exchange)
    R          = prefill (1 + q (n - 1) R / (R + o step(n)))
    TTFT(n)    = R + b prefill (n - 1) / 2 + step(n) (n - 1) / n + w + p t

with n requests at once, p tokens of a prompt, o tokens of an answer, T ranks, B bandwidth, P peak, F operations of a
token. |a, b| is the norm of two times, (a^k + b^k)^(1/k): weights are read and multiplied by at the same time, and
k = 1 would be one after the other, a large k the longer of both. A request that comes alone finds no step under way;
its host takes w, and t for each token of the prompt. Engines that schedule before the device computes, and not beside
it, have a longer step. What a request waits for is the prefill of others. R is its time at prefill: of the n - 1 others
the share R / (R + o step) is there at any time (mean value analysis of a closed network of one server, prefill, and a
delay, decoding), and q says how much of their work is ahead of it. A share b of the requests starts together, as the
first ones of a load test do; they stand in one queue. In a closed load every token of an answer is delayed by the
prompts that arrive while it is written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from math import log2, sqrt
from pathlib import Path
from typing import Any

from modelyard.catalog import Device
from modelyard.planning.work import ModelWork, computing_bits

DATA = Path(__file__).parent / "data" / "speed.json"

ASYNCHRONOUS = (0, 14)
"""Version of the engine from which on its host schedules a step while the device computes the one before."""

NEWER = (10, 0)
"""Compute capability from which on published points show a smaller share of the peak: kernels are younger."""


@dataclass(frozen=True, slots=True)
class SpeedParameters:
    """Parameters of the roofline; shares are of a device's peak.

    Attributes:
        decode_compute: Share of the tensor peak in decode steps.
        prefill_compute: Share of the tensor peak in prefill.
        eight_bits: What remains of that share where 8-bit numbers are multiplied.
        four_bits: What remains of it where 4-bit numbers are multiplied.
        attention_compute: Share of the 16-bit peak in attention over a prompt.
        expert_compute: What remains of the share for models with experts, whose matrices are small.
        weight_bandwidth: Share of the bandwidth for weights.
        expert_bandwidth: Share of the bandwidth for experts' weights.
        unpacked_experts: What remains of that share where 4-bit integers are unpacked to 16 bits first.
        cache_bandwidth: Share of the bandwidth for the KV cache.
        step_ms: Milliseconds of a step whatever it does.
        layer_us: Microseconds of a layer whatever it does.
        expert_layer_us: Microseconds more of a layer of a model with experts.
        prefill_layer_us: Microseconds more of a layer in prefill, whose kernels are launched one by one.
        exchange_us: Microseconds of an exchange among two ranks; times log2 of the ranks.
        link_bandwidth: Share of the link's bandwidth.
        request_ms: Milliseconds around a request.
        newer_compute: What remains of the shares of tensor peaks on devices of compute capability 10 and above.
        queue: Share of the prompts that are being computed which a request waits for.
        together: Share of the requests that start together.
        interleaving: Share of others' prefill that delays the tokens of an answer.
        overlap: How far reading weights and multiplying by them go on at the same time: the exponent of their norm, 1
            for one after the other, many for the longer of both.
        prompt_us: Microseconds of the host for each token of a prompt.
        host_ms: Milliseconds more of a step of engines whose host works before the device does, and not beside it.
    """

    decode_compute: float
    prefill_compute: float
    eight_bits: float
    four_bits: float
    attention_compute: float
    expert_compute: float
    weight_bandwidth: float
    expert_bandwidth: float
    unpacked_experts: float
    cache_bandwidth: float
    step_ms: float
    layer_us: float
    expert_layer_us: float
    prefill_layer_us: float
    exchange_us: float
    link_bandwidth: float
    request_ms: float
    newer_compute: float
    queue: float
    together: float
    interleaving: float
    overlap: float
    prompt_us: float
    host_ms: float


@dataclass(frozen=True, slots=True)
class Machine:
    """A model on the ranks of one copy.

    Attributes:
        work: What the model makes a device do.
        device: The device of each rank.
        ranks: Tensor-parallel ranks.
        engine: The engine's version; empty where it is not known, and one of today is meant.
    """

    work: ModelWork
    device: Device
    ranks: int
    engine: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Lengths:
    """The lengths of requests in tokens.

    Attributes:
        prompt: Tokens of a prompt.
        output: Tokens of an answer.
        reuse: Share of a prompt that lies in the prefix cache already.
    """

    prompt: float
    output: float
    reuse: float = 0.0

    @property
    def computed(self) -> float:
        """Tokens of a prompt that must be computed; the last one always is."""
        return max(1.0, self.prompt * (1 - self.reuse))

    @property
    def context(self) -> float:
        """Tokens that a request has in the cache in the mean of its answer."""
        return self.prompt + self.output / 2


@dataclass(frozen=True, slots=True)
class Speed:
    """Medians at a number of requests at once.

    Attributes:
        ttft_ms: Time to the first token in milliseconds.
        itl_ms: Time between tokens in milliseconds.
        requests: Requests at once.
        output: Tokens of an answer.
    """

    ttft_ms: float
    itl_ms: float
    requests: float
    output: float

    @property
    def seconds(self) -> float:
        """Return how long a request takes, in seconds."""
        return (self.ttft_ms + self.itl_ms * max(0.0, self.output - 1)) / 1e3

    @property
    def rate(self) -> float:
        """Return the requests a second that so many at once finish (Little's law)."""
        return self.requests / self.seconds

    @property
    def output_tokens_per_s(self) -> float:
        """Return the tokens a second of all answers together."""
        return self.rate * self.output


def speed(machine: Machine, lengths: Lengths, requests: float, told: SpeedParameters | None = None) -> Speed | None:
    """Return how fast a deployment answers when so many requests are in it; None where a fact of the device is missing.

    Args:
        machine: The model on its ranks.
        lengths: The lengths of requests.
        requests: Requests at once, all of which the cache holds; at least 1.
        told: Parameters; the fitted ones when not given.
    """
    found = told or parameters()
    work, device, ranks = machine.work, machine.device, machine.ranks
    bandwidth, per_token = device.memory_gb_per_s, _token_ms(machine, found)
    peak = device.peak_tflops("fp16")
    if bandwidth is None or per_token is None or peak is None or (ranks > 1 and device.link_gb_per_s is None):
        return None
    requests = max(1.0, requests)
    others = requests - 1
    bytes_per_ms = bandwidth * 1e6
    link = (device.link_gb_per_s or 1.0) * 1e6 * found.link_bandwidth
    newer = found.newer_compute if (device.compute_capability or (0, 0)) >= NEWER else 1.0
    share = newer * (found.expert_compute if work.experts else 1.0)
    experts_read = found.expert_bandwidth * (found.unpacked_experts if work.unpacked else 1.0)
    hop = 2 * work.layers * found.exchange_us / 1e3 * log2(ranks)
    wire = 2 * work.layers * 2 * (ranks - 1) / ranks * work.hidden_size * 2 / link
    host = found.host_ms if machine.engine and machine.engine < ASYNCHRONOUS else 0.0
    overhead = (
        found.step_ms + host + work.layers * (found.layer_us + (found.expert_layer_us if work.experts else 0.0)) / 1e3
    )

    def weights(tokens: float) -> float:
        read = work.weight_bytes(tokens) - work.dense_bytes
        return (work.dense_bytes / found.weight_bandwidth + read / experts_read) / ranks / bytes_per_ms

    head = work.head_operations / (peak * 1e9)
    kept = work.cache_bytes(lengths.context, ranks) / bytes_per_ms / found.cache_bandwidth
    step = _both(weights(requests), requests * (per_token + head) / ranks / found.decode_compute / share, found)
    step += requests * kept + hop + requests * wire + overhead
    tokens = lengths.computed
    attended = _attended(work, lengths) / (peak * 1e9) / found.attention_compute / newer
    computed = (tokens * per_token / found.prefill_compute / share + attended) / ranks
    launched = work.layers * found.prefill_layer_us / 1e3
    prefill = _both(computed, weights(tokens), found) + hop + tokens * wire + overhead + launched
    itl = step + found.interleaving * others / max(1.0, lengths.output) * (computed + tokens * wire)
    decoding = max(1.0, lengths.output) * step
    # The root of R^2 + (decoding - prefill - q others prefill) R - prefill decoding = 0 that is above nought.
    half = (decoding - prefill * (1 + found.queue * others)) / 2
    served = sqrt(half * half + prefill * decoding) - half
    waited = served + found.together * prefill * others / 2 + step * others / requests
    ttft = waited + found.request_ms + tokens * found.prompt_us / 1e3
    return Speed(ttft, itl, requests, lengths.output)


def at_rate(
    machine: Machine, lengths: Lengths, rate: float, most: float, told: SpeedParameters | None = None
) -> Speed | None:
    """Return how fast a deployment answers requests that arrive at a rate; None where it cannot keep up.

    The requests at once follow from the rate and from how long each takes (Little's law); the smallest number that
    agrees with itself is found by halving.

    Args:
        machine: The model on its ranks.
        lengths: The lengths of requests.
        rate: Requests a second for this copy.
        most: Requests that it holds at once.
        told: Parameters; the fitted ones when not given.
    """
    highest = speed(machine, lengths, most, told)
    if highest is None or highest.rate < rate:
        return None
    low, high = 0.0, most
    for _ in range(24):
        middle = (low + high) / 2
        found = speed(machine, lengths, middle, told)
        # Below one request the deployment waits: the work of a request is that of one alone.
        if found is None or middle / found.seconds < rate:
            low = middle
        else:
            high = middle
    return speed(machine, lengths, high, told)


def _both(one: float, other: float, found: SpeedParameters) -> float:
    """Return how long two things take that go on at the same time, as far as they do."""
    longest = max(one, other)
    return float(longest * (1 + (min(one, other) / longest) ** found.overlap) ** (1 / found.overlap))


def _token_ms(machine: Machine, found: SpeedParameters) -> float | None:
    """Return the milliseconds of a token's operations at the peak of one device, before shares of it."""
    total = 0.0
    for bits, operations in machine.work.operations:
        used = computing_bits(bits, machine.work.method, machine.device)
        peak = machine.device.peak_tflops({4.0: "fp4", 8.0: "fp8"}.get(used, "fp16"))
        if peak is None:
            return None
        remains = {4.0: found.four_bits, 8.0: found.eight_bits}.get(used, 1.0)
        total += operations / (peak * 1e9) / remains
    return total


def _attended(work: ModelWork, lengths: Lengths) -> float:
    """Return the operations of attention of the tokens that are computed over all of the prompt."""
    whole = work.context_operations(lengths.prompt)
    return whole - work.context_operations(lengths.prompt - lengths.computed)


@cache
def speed_data() -> Mapping[str, Any]:
    """Return what `scripts/fit_speed.py` wrote."""
    read: dict[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))
    return read


@cache
def parameters() -> SpeedParameters:
    """Return the fitted parameters."""
    told = speed_data()["parameters"]
    return SpeedParameters(**{field.name: float(told[field.name]) for field in fields(SpeedParameters)})
