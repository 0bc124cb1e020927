"""GPUs and Neuron devices."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard

from dashboards.panels import Series, choice, empty, lines, number, rows

NODE = 'node=~"$node"'


def devices() -> dashboard.Dashboard:
    """Return the dashboard of devices: load, memory, heat, errors."""
    return (
        empty("Devices", "devices", "NVIDIA GPUs by DCGM, AWS Neuron devices by Neuron Monitor.")
        .with_variable(
            choice(
                "node",
                "Node",
                'label_values(kube_node_status_capacity{resource=~"nvidia_com_.+|aws_amazon_com_neuron.*"}, node)',
            )
        )
        .with_row(dashboard.Row("Now"))
        .with_panel(number("GPUs", "short", f"count(gpu:utilisation:ratio{{{NODE}}})"))
        .with_panel(number("GPUs that pods hold", "short", f'count(gpu:utilisation:ratio{{{NODE}, exported_pod!=""}})'))
        .with_panel(number("GPUs busy", "percentunit", f"avg(gpu:utilisation:ratio{{{NODE}}})"))
        .with_panel(number("Neuron cores busy", "percentunit", f"avg(neuroncore_utilization_ratio{{{NODE}}})"))
        .with_panel(
            number(
                "Hottest GPU", "celsius", f"max(DCGM_FI_DEV_GPU_TEMP{{{NODE}}})", steps=[(80, "orange"), (88, "red")]
            )
        )
        .with_panel(number("Power of GPUs", "watt", f"sum(DCGM_FI_DEV_POWER_USAGE{{{NODE}}})"))
        .with_row(dashboard.Row("NVIDIA GPUs"))
        .with_panel(
            lines(
                "Busy",
                "percentunit",
                [Series(f"gpu:utilisation:ratio{{{NODE}}}", "{{node}} {{UUID}} {{exported_pod}}")],
                description="Activity of the graphics engine; else the share of time in which a kernel ran.",
                most=1,
            )
        )
        .with_panel(
            lines(
                "Tensor cores active",
                "percentunit",
                [Series(f"DCGM_FI_PROF_PIPE_TENSOR_ACTIVE{{{NODE}}}", "{{node}} {{gpu}} {{exported_pod}}")],
                most=1,
            )
        )
        .with_panel(
            lines(
                "Memory bandwidth in use",
                "percentunit",
                [Series(f"DCGM_FI_PROF_DRAM_ACTIVE{{{NODE}}}", "{{node}} {{gpu}} {{exported_pod}}")],
                description="Near 1 while tokens are made: the device is bound by memory, as it should be.",
                most=1,
            )
        )
        .with_panel(
            lines(
                "Memory in use",
                "percentunit",
                [
                    Series(
                        f"DCGM_FI_DEV_FB_USED{{{NODE}}}"
                        f" / (DCGM_FI_DEV_FB_USED{{{NODE}}} + DCGM_FI_DEV_FB_FREE{{{NODE}}})",
                        "{{node}} {{gpu}} {{exported_pod}}",
                    )
                ],
                most=1,
            )
        )
        .with_panel(
            lines(
                "Temperature",
                "celsius",
                [
                    Series(f"DCGM_FI_DEV_GPU_TEMP{{{NODE}}}", "{{node}} {{gpu}}"),
                    Series(f"DCGM_FI_DEV_MEMORY_TEMP{{{NODE}}}", "{{node}} {{gpu}} memory"),
                ],
            )
        )
        .with_panel(
            lines("Power", "watt", [Series(f"DCGM_FI_DEV_POWER_USAGE{{{NODE}}}", "{{node}} {{gpu}}")], stacked=True)
        )
        .with_row(dashboard.Row("AWS Neuron"))
        .with_panel(
            lines(
                "Cores busy",
                "percentunit",
                [Series(f"neuroncore_utilization_ratio{{{NODE}}}", "{{node}} core {{neuroncore}}")],
                description="Cores appear while a runtime holds them.",
                most=1,
            )
        )
        .with_panel(
            lines(
                "Memory in use",
                "bytes",
                [
                    Series(
                        f"sum by (node, memory_location) (neuron_runtime_memory_used_bytes{{{NODE}}})",
                        "{{node}} {{memory_location}}",
                    )
                ],
            )
        )
        .with_panel(
            lines(
                "Executions that failed",
                "ops",
                [
                    Series(
                        f"sum by (node, error_type) (rate(execution_errors_total{{{NODE}}}[$__rate_interval]))",
                        "{{node}} {{error_type}}",
                    )
                ],
            )
        )
        .with_row(dashboard.Row("Errors"))
        .with_panel(
            rows(
                "XID errors of the last hour",
                "short",
                "max by (node, gpu, UUID, modelName, xid, exported_pod) "
                f"(max_over_time(DCGM_EXP_XID_ERRORS_COUNT{{{NODE}}}[1h])) > 0",
                description="13, 31, 43, 45, 68 and 109 are errors of applications.",
            )
        )
        .with_panel(
            lines(
                "Errors of memory within an hour",
                "short",
                [
                    Series(f"increase(DCGM_FI_DEV_ECC_DBE_VOL_TOTAL{{{NODE}}}[1h])", "{{node}} {{gpu}} double bit"),
                    Series(f"increase(DCGM_FI_DEV_ECC_SBE_VOL_TOTAL{{{NODE}}}[1h])", "{{node}} {{gpu}} corrected"),
                    Series(
                        f"increase(DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS{{{NODE}}}[1h])",
                        "{{node}} {{gpu}} rows remapped",
                    ),
                    Series(
                        f"increase(hardware_ecc_events_total{{{NODE}}}[1h])",
                        "{{node}} {{neuron_device_index}} {{event_type}}",
                    ),
                ],
                span=12,
            )
        )
    )
