"""The typed view of one environment: workloads, pools, services, applications, and who names whom."""
