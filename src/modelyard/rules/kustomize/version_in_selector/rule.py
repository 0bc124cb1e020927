"""Selectors that change with every release."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment

CHANGING = ("app.kubernetes.io/version", "helm.sh/chart", "version")
_IMMUTABLE = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")


@rule("kustomize/version-in-selector", error, since="0.1.0")
def version_in_selector(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A workload's selector is immutable: if it contains the version, the next release cannot be synced."""
    for workload in environment.own_workloads:
        labels = workload.manifest.mapping("spec.selector.matchLabels")
        for key in CHANGING:
            if workload.kind in _IMMUTABLE and key in labels:
                yield Finding(
                    at=workload.manifest.at(("spec", "selector", "matchLabels", key)),
                    message=f"the selector of {workload} contains {key}={labels[key]}, but selectors are immutable",
                    fix="remove the label from selectors: use `labels` without includeSelectors instead of "
                    "commonLabels",
                )
