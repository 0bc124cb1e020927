"""Scalers that take replicas away without asking what those hold."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment, mapping, numbered, text

_OF_TOO_FEW = ("num_requests_waiting", "time_to_first_token", "request_queue_time", "e2e_request_latency")
_OF_LOAD = ("num_requests_running", "kv_cache_usage", "gpu_cache_usage", "generation_tokens", "DCGM_FI_")


@rule("autoscaling/scale-in-without-load", warning, since="0.1.0")
def scale_in_without_load(environment: Environment) -> Iterator[Finding | NotChecked]:
    """An empty queue means enough replicas, not too many: scaling in on it removes a replica that is needed again."""
    for scaler in environment.of_kind("ScaledObject", "keda.sh"):
        queries = [
            (index, text(mapping(trigger, "metadata"), "query"))
            for index, trigger in numbered(scaler.value, "spec", "triggers")
        ]
        asked = [(index, query) for index, query in queries if query]
        if not asked or len(asked) != len(queries) or scaler.get("spec.minReplicaCount", 0) == 0:
            continue
        if all(any(name in query for name in _OF_TOO_FEW) for _, query in asked) and not any(
            name in query for _, query in asked for name in _OF_LOAD
        ):
            yield Finding(
                at=scaler.at(("spec", "triggers", asked[0][0], "metadata", "query")),
                message=f"{scaler} removes a replica when the queue is empty, even if all are busy; the next start "
                "takes minutes",
                fix="add a trigger on their load, such as sum(vllm:kv_cache_usage_perc) with threshold 0.7",
            )
