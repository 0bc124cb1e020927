"""What callers of models get: time, throughput, queues, errors."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard

from dashboards.panels import Series, choice, empty, lines, number, rows

MODEL = 'namespace=~"$namespace", model_name=~"$model_name"'
PIPELINE = 'namespace=~"$namespace", app_kubernetes_io_instance=~"$model_name"'
_LATENCY = "P50, P95 and P99 of five minutes, and the objective of P95. "


def inference() -> dashboard.Dashboard:
    """Return the dashboard of models, whichever engine they run on."""
    return (
        empty("Inference", "inference", "Models on every engine, beside their objectives.")
        .with_variable(choice("namespace", "Namespace", "label_values(model:replicas:count, namespace)"))
        .with_variable(
            choice("model_name", "Model", 'label_values(model:replicas:count{namespace=~"$namespace"}, model_name)')
        )
        .with_row(dashboard.Row("Now"))
        .with_panel(number("Requests a second", "reqps", f"sum(model:requests:rate5m{{{MODEL}}})"))
        .with_panel(number("Running", "short", f"sum(model:requests_running:sum{{{MODEL}}})"))
        .with_panel(
            number(
                "Waiting", "short", f"sum(model:requests_waiting:sum{{{MODEL}}})", steps=[(10, "orange"), (50, "red")]
            )
        )
        .with_panel(number("Tokens made a second", "short", f"sum(model:generated_tokens:rate5m{{{MODEL}}})"))
        .with_panel(
            number(
                "Errors",
                "percentunit",
                f"sum(model:request_errors:rate5m{{{MODEL}}}) / sum(model:requests:rate5m{{{MODEL}}})",
                steps=[(0.005, "orange"), (0.02, "red")],
            )
        )
        .with_panel(number("Replicas", "short", f"sum(model:replicas:count{{{MODEL}}})"))
        .with_row(dashboard.Row("Time"))
        .with_panel(
            lines(
                "Time to the first token",
                "s",
                [
                    Series(f"model:time_to_first_token_seconds:quantile{{{MODEL}}}", "{{model_name}} P{{quantile}}"),
                    Series(
                        f'model:time_to_first_token_seconds:objective{{{MODEL}, quantile="0.95"}}',
                        "{{model_name}} objective P95",
                    ),
                ],
                description=_LATENCY,
                span=12,
            )
        )
        .with_panel(
            lines(
                "Time between tokens",
                "s",
                [
                    Series(f"model:inter_token_seconds:quantile{{{MODEL}}}", "{{model_name}} P{{quantile}}"),
                    Series(
                        f'model:inter_token_seconds:objective{{{MODEL}, quantile="0.95"}}',
                        "{{model_name}} objective P95",
                    ),
                ],
                description=_LATENCY + "In Ray it is the mean of each request.",
                span=12,
            )
        )
        .with_panel(
            lines(
                "Time of an answer of MLServer, P95",
                "s",
                [
                    Series(
                        "histogram_quantile(0.95, sum by (app_kubernetes_io_instance, le) ("
                        f'rate(rest_server_request_duration_seconds_bucket{{{PIPELINE}, method="POST"}}'
                        "[$__rate_interval])))",
                        "{{app_kubernetes_io_instance}}",
                    )
                ],
            )
        )
        .with_panel(
            lines(
                "Replicas of MLServer that are busy",
                "short",
                [
                    Series(f"model:busy_replicas:sum{{{MODEL}}}", "{{model_name}}"),
                    Series(f"model:replicas:count{{{MODEL}}}", "{{model_name}} replicas"),
                ],
            )
        )
        .with_panel(
            lines(
                "Time in the queue, P95",
                "s",
                [
                    Series(
                        "histogram_quantile(0.95, sum by (model_name, le) ("
                        f"rate(vllm:request_queue_time_seconds_bucket{{{MODEL}}}[$__rate_interval]) "
                        f"or rate(ray_vllm_request_queue_time_seconds_bucket{{{MODEL}}}[$__rate_interval])))",
                        "{{model_name}}",
                    )
                ],
            )
        )
        .with_panel(
            lines(
                "Time of prefill, P95",
                "s",
                [
                    Series(
                        "histogram_quantile(0.95, sum by (model_name, le) ("
                        f"rate(vllm:request_prefill_time_seconds_bucket{{{MODEL}}}[$__rate_interval]) "
                        f"or rate(ray_vllm_request_prefill_time_seconds_bucket{{{MODEL}}}[$__rate_interval])))",
                        "{{model_name}}",
                    )
                ],
            )
        )
        .with_panel(
            lines(
                "Time of a whole request, P95",
                "s",
                [
                    Series(
                        "histogram_quantile(0.95, sum by (model_name, le) ("
                        f"rate(vllm:e2e_request_latency_seconds_bucket{{{MODEL}}}[$__rate_interval]) "
                        f"or rate(ray_vllm_e2e_request_latency_seconds_bucket{{{MODEL}}}[$__rate_interval]) "
                        "or label_replace("
                        f"rate(vllm_omni:e2e_request_latency_s_bucket{{{PIPELINE}}}[$__rate_interval]), "
                        '"model_name", "$1", "app_kubernetes_io_instance", "(.+)")))',
                        "{{model_name}}",
                    )
                ],
            )
        )
        .with_row(dashboard.Row("Load"))
        .with_panel(
            lines(
                "Requests",
                "short",
                [
                    Series(f"model:requests_running:sum{{{MODEL}}}", "{{model_name}} running"),
                    Series(f"model:requests_waiting:sum{{{MODEL}}}", "{{model_name}} waiting"),
                ],
            )
        )
        .with_panel(
            lines(
                "KV cache in use",
                "percentunit",
                [Series(f"model:kv_cache_usage_ratio:max{{{MODEL}}}", "{{model_name}}")],
                description="The fullest replica.",
                most=1,
            )
        )
        .with_panel(
            lines(
                "Preemptions",
                "ops",
                [
                    Series(
                        f"sum by (model_name) (rate(vllm:num_preemptions_total{{{MODEL}}}[$__rate_interval]))",
                        "{{model_name}}",
                    )
                ],
                description="Requests that lost their place in the KV cache and are computed again.",
            )
        )
        .with_panel(
            lines(
                "Tokens",
                "short",
                [
                    Series(f"model:prompt_tokens:rate5m{{{MODEL}}}", "{{model_name}} read"),
                    Series(f"model:generated_tokens:rate5m{{{MODEL}}}", "{{model_name}} made"),
                ],
            )
        )
        .with_panel(
            lines(
                "Prefix cache hits",
                "percentunit",
                [
                    Series(
                        f"sum by (model_name) (rate(vllm:prefix_cache_hits_total{{{MODEL}}}[$__rate_interval])"
                        f" or rate(ray_vllm_prefix_cache_hits_total{{{MODEL}}}[$__rate_interval]))"
                        f" / sum by (model_name) (rate(vllm:prefix_cache_queries_total{{{MODEL}}}[$__rate_interval])"
                        f" or rate(ray_vllm_prefix_cache_queries_total{{{MODEL}}}[$__rate_interval]))",
                        "{{model_name}}",
                    )
                ],
                most=1,
            )
        )
        .with_panel(
            lines(
                "Why requests ended",
                "reqps",
                [
                    Series(
                        "sum by (finished_reason) ("
                        f"rate(vllm:request_success_total{{{MODEL}}}[$__rate_interval])"
                        f" or rate(ray_vllm_request_success_total{{{MODEL}}}[$__rate_interval]))",
                        "{{finished_reason}}",
                    )
                ],
                stacked=True,
            )
        )
        .with_row(dashboard.Row("Errors and starts"))
        .with_panel(
            lines(
                "Errors", "percentunit", [Series(f"model:request_errors:ratio{{{MODEL}}}", "{{model_name}}")], span=12
            )
        )
        .with_panel(
            rows(
                "Seconds from placement to readiness",
                "s",
                'sort_desc(pod:load_seconds{namespace=~"$namespace"})',
                description="Of the pods with devices that are ready now: image, weights and compilation.",
            )
        )
    )
