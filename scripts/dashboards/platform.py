"""What models depend on: Argo CD, Karpenter, secrets, operators, logs."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard

from dashboards.panels import Series, empty, lines, number, rows


def platform() -> dashboard.Dashboard:
    """Return the dashboard of the platform's health."""
    return (
        empty(
            "Platform health", "platform", "Argo CD, Karpenter, External Secrets, KubeRay, LeaderWorkerSet, Fluent Bit."
        )
        .with_row(dashboard.Row("Now"))
        .with_panel(
            number(
                "Applications that are not healthy",
                "short",
                'count(argocd_app_info{health_status!="Healthy"}) or vector(0)',
                steps=[(1, "orange")],
            )
        )
        .with_panel(
            number(
                "Applications out of sync",
                "short",
                'count(argocd_app_info{sync_status!="Synced"}) or vector(0)',
                steps=[(1, "orange")],
            )
        )
        .with_panel(
            number(
                "Secrets that are not synced",
                "short",
                'sum(externalsecret_status_condition{condition="Ready", status="False"}) or vector(0)',
                steps=[(1, "red")],
            )
        )
        .with_panel(
            number(
                "Oldest synced secret",
                "s",
                "max(time() - secret:unchanged_since:timestamp_seconds"
                ' and on (namespace, secret) kube_secret_owner{owner_kind="ExternalSecret"})',
            )
        )
        .with_panel(
            number(
                "Ray services that are not ready",
                "short",
                'count(kuberay_service_condition_ready{condition="false"} == 1) or vector(0)',
                steps=[(1, "orange")],
            )
        )
        .with_panel(number("Targets that do not answer", "short", "count(up == 0) or vector(0)", steps=[(1, "orange")]))
        .with_row(dashboard.Row("Argo CD"))
        .with_panel(
            rows(
                "Applications that are not healthy or not in sync",
                "short",
                "max by (name, project, health_status, sync_status) (argocd_app_info"
                '{health_status!="Healthy"} or argocd_app_info{sync_status!="Synced"})',
            )
        )
        .with_panel(
            lines(
                "Syncs in an hour",
                "short",
                [Series("sum by (phase) (increase(argocd_app_sync_total[1h]))", "{{phase}}")],
                span=12,
                stacked=True,
            )
        )
        .with_row(dashboard.Row("Controllers"))
        .with_panel(
            lines(
                "Reconciliations that failed",
                "ops",
                [
                    Series(
                        "sum by (job, controller) ("
                        "rate(controller_runtime_reconcile_errors_total[$__rate_interval])) > 0",
                        "{{job}} {{controller}}",
                    )
                ],
            )
        )
        .with_panel(
            lines(
                "Restarts of containers in an hour",
                "short",
                [
                    Series(
                        "sum by (namespace, pod) (increase(kube_pod_container_status_restarts_total[1h])) > 0",
                        "{{namespace}}/{{pod}}",
                    )
                ],
            )
        )
        .with_panel(
            lines(
                "Ray clusters, seconds until provisioned",
                "s",
                [Series("kuberay_cluster_provisioned_duration_seconds", "{{name}}")],
            )
        )
        .with_row(dashboard.Row("Gateway (AIBrix)"))
        .with_panel(
            lines(
                "Requests",
                "reqps",
                [
                    Series(
                        "sum by (model) (rate(gateway_request_model_success_total[$__rate_interval]))",
                        "{{model}} answered",
                    ),
                    Series(
                        "sum by (model) (rate(gateway_request_model_fail_total[$__rate_interval]))", "{{model}} failed"
                    ),
                ],
                span=12,
            )
        )
        .with_panel(
            lines(
                "In flight",
                "short",
                [Series("sum by (model) (gateway_model_in_flight_requests)", "{{model}}")],
                span=12,
            )
        )
        .with_row(dashboard.Row("Logs"))
        .with_panel(
            lines(
                "Records read and delivered",
                "short",
                [
                    Series("sum(rate(fluentbit_input_records_total[$__rate_interval]))", "read"),
                    Series("sum(rate(fluentbit_output_proc_records_total[$__rate_interval]))", "delivered"),
                ],
                span=12,
            )
        )
        .with_panel(
            lines(
                "Records lost",
                "short",
                [
                    Series(
                        "sum by (node) (rate(fluentbit_output_dropped_records_total[$__rate_interval])) > 0", "{{node}}"
                    ),
                    Series(
                        "sum by (node) (rate(fluentbit_output_retries_failed_total[$__rate_interval])) > 0",
                        "{{node}} given up",
                    ),
                ],
                span=12,
            )
        )
    )
