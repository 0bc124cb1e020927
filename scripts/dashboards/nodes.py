"""Nodes, pools and what they cost."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard

from dashboards.panels import Series, empty, lines, number, rows


def nodes() -> dashboard.Dashboard:
    """Return the dashboard of nodes and cost."""
    return (
        empty(
            "Nodes and cost", "nodes", "Nodes by pool, their limits and load, and prices as Karpenter estimates them."
        )
        .with_row(dashboard.Row("Now"))
        .with_panel(number("Nodes", "short", "count(kube_node_info)"))
        .with_panel(number("An hour", "currencyUSD", "cluster:usd_per_hour:sum", description="Nodes only."))
        .with_panel(
            number(
                "A month at the pace of six hours",
                "currencyUSD",
                "avg_over_time(cluster:usd_per_hour:sum[6h]) * 730",
                description="730 hours; without volumes, traffic, load balancers and the control plane.",
            )
        )
        .with_panel(number("Budget of a month", "currencyUSD", "objective:spend_usd_per_month"))
        .with_panel(
            number("Nodes without a price", "short", "cluster:nodes_without_price:count", steps=[(1, "orange")])
        )
        .with_panel(
            number(
                "Pods that wait for devices",
                "short",
                "count(max by (namespace, pod) (kube_pod_status_unschedulable) == 1"
                " and on (namespace, pod) pod:device_requests:sum) or vector(0)",
                steps=[(1, "red")],
            )
        )
        .with_row(dashboard.Row("Cost"))
        .with_panel(
            lines(
                "USD an hour, by pool",
                "currencyUSD",
                [Series("sum by (nodepool) (node:usd_per_hour)", "{{nodepool}}")],
                span=12,
                stacked=True,
            )
        )
        .with_panel(
            rows(
                "USD an hour, by type",
                "currencyUSD",
                "sort_desc(sum by (nodepool, instance_type, capacity_type) (node:usd_per_hour))",
            )
        )
        .with_row(dashboard.Row("Pools"))
        .with_panel(
            lines(
                "Use of limits",
                "percentunit",
                [Series("nodepool:usage:ratio", "{{nodepool}} {{resource_type}}")],
                most=1,
            )
        )
        .with_panel(
            lines(
                "Node claims made and ended in an hour",
                "short",
                [
                    Series("sum by (nodepool) (increase(karpenter_nodeclaims_created_total[1h]))", "{{nodepool}} made"),
                    Series(
                        "sum by (nodepool) (increase(karpenter_nodeclaims_terminated_total[1h]))", "{{nodepool}} ended"
                    ),
                    Series(
                        "sum by (nodepool, reason) (increase(karpenter_nodeclaims_disrupted_total[1h]))",
                        "{{nodepool}} disrupted: {{reason}}",
                    ),
                ],
            )
        )
        .with_panel(
            lines(
                "Pods that wait for devices",
                "short",
                [
                    Series(
                        "count by (namespace) (max by (namespace, pod) (kube_pod_status_unschedulable) == 1"
                        " and on (namespace, pod) pod:device_requests:sum)",
                        "{{namespace}}",
                    )
                ],
            )
        )
        .with_row(dashboard.Row("Nodes"))
        .with_panel(
            lines(
                "Processors in use",
                "percentunit",
                [Series('1 - avg by (node) (rate(node_cpu_seconds_total{mode="idle"}[$__rate_interval]))', "{{node}}")],
                most=1,
            )
        )
        .with_panel(
            lines(
                "Memory in use",
                "percentunit",
                [Series("1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes", "{{node}}")],
                most=1,
            )
        )
        .with_panel(
            lines(
                "Fullest disk",
                "percentunit",
                [
                    Series(
                        'max by (node) (1 - node_filesystem_avail_bytes{fstype!~"tmpfs|overlay|squashfs|erofs"}'
                        ' / node_filesystem_size_bytes{fstype!~"tmpfs|overlay|squashfs|erofs"})',
                        "{{node}}",
                    )
                ],
                most=1,
            )
        )
        .with_panel(
            lines(
                "Received",
                "Bps",
                [
                    Series(
                        'sum by (node) (rate(node_network_receive_bytes_total{device!="lo"}[$__rate_interval]))',
                        "{{node}}",
                    )
                ],
                span=12,
            )
        )
        .with_panel(
            lines(
                "Sent",
                "Bps",
                [
                    Series(
                        'sum by (node) (rate(node_network_transmit_bytes_total{device!="lo"}[$__rate_interval]))',
                        "{{node}}",
                    )
                ],
                span=12,
            )
        )
    )
