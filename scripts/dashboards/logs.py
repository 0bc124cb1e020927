"""Logs beside metrics, for each place where logs are kept."""

from __future__ import annotations

from grafana_foundation_sdk.builders import cloudwatch, dashboard, elasticsearch, logs
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models.cloudwatch import CloudWatchQueryMode
from grafana_foundation_sdk.models.dashboard import DataSourceRef

from dashboards.panels import Series, choice, empty, lines

PODS = 'namespace=~"$namespace", pod=~"$pod"'

# Fields as Fluent Bit's Kubernetes filter names them.
INSIGHTS = """\
fields @timestamp, kubernetes.namespace_name, kubernetes.pod_name, log
| filter kubernetes.namespace_name like /^(${namespace:regex})$/ and kubernetes.pod_name like /^(${pod:regex})$/
| filter log like /(?i)${text}/
| sort @timestamp desc
| limit 500"""
LUCENE = "kubernetes.namespace_name:/${namespace:regex}/ AND kubernetes.pod_name:/${pod:regex}/ AND log:*${text}*"


def logs_in_cloudwatch() -> dashboard.Dashboard:
    """Return the dashboard of logs in CloudWatch; the log group is the data source's default."""
    kept = DataSourceRef(type_val="cloudwatch", uid="cloudwatch")
    query = (
        cloudwatch.CloudWatchLogsQuery()
        .query_mode(CloudWatchQueryMode.LOGS)
        .id("a")
        .region("default")
        .expression(INSIGHTS)
        .log_groups([])
        .ref_id("A")
    )
    # Each refresh is a query that AWS charges by what it scans.
    return _with_metrics("Logs (CloudWatch)", "logs-cloudwatch").refresh("").with_panel(_panel(kept).with_target(query))


def logs_in_opensearch() -> dashboard.Dashboard:
    """Return the dashboard of logs in OpenSearch; its data source takes the queries of Elasticsearch's."""
    kept = DataSourceRef(type_val="grafana-opensearch-datasource", uid="opensearch")
    query = (
        elasticsearch.Dataquery()
        .query(LUCENE)
        .time_field("@timestamp")
        .metrics([elasticsearch.Logs().id("1").settings(elasticsearch.ElasticsearchLogsSettings().limit("500"))])
        .bucket_aggs([])
        .ref_id("A")
    )
    return _with_metrics("Logs (OpenSearch)", "logs-opensearch").with_panel(_panel(kept).with_target(query))


def _panel(kept: DataSourceRef) -> logs.Panel:
    return (
        logs.Panel()
        .title("Logs")
        .datasource(kept)
        .show_time(True)
        .wrap_log_message(True)
        .enable_log_details(True)
        .sort_order(common.LogsSortOrder.DESCENDING)
        .span(24)
        .height(20)
    )


def _with_metrics(title: str, uid: str) -> dashboard.Dashboard:
    return (
        empty(title, uid, "Logs of pods, below the metrics of the same pods at the same time.")
        .with_variable(choice("namespace", "Namespace", "label_values(kube_pod_info, namespace)"))
        .with_variable(choice("pod", "Pod", 'label_values(kube_pod_info{namespace=~"$namespace"}, pod)'))
        .with_variable(dashboard.TextBoxVariable("text").label("Text").default_value(""))
        .with_panel(
            lines(
                "Restarts in an hour",
                "short",
                [Series(f"sum by (pod) (increase(kube_pod_container_status_restarts_total{{{PODS}}}[1h]))", "{{pod}}")],
            )
        )
        .with_panel(
            lines(
                "Why containers ended last",
                "short",
                [
                    Series(
                        f"sum by (pod, reason) (kube_pod_container_status_last_terminated_reason{{{PODS}}})",
                        "{{pod}} {{reason}}",
                    )
                ],
            )
        )
        .with_panel(
            lines(
                "Requests that wait, and errors a second",
                "short",
                [
                    Series(f"sum by (pod) (vllm:num_requests_waiting{{{PODS}}})", "{{pod}} waiting"),
                    Series(
                        f'sum by (pod) (rate(http_requests_total{{{PODS}, status=~"5.+"}}[$__rate_interval]))',
                        "{{pod}} errors",
                    ),
                ],
            )
        )
    )
