"""Selectors that change with every release."""

import re
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
            if workload.kind in _IMMUTABLE and key in labels and not _is_named(workload.name, str(labels[key])):
                yield Finding(
                    at=workload.manifest.at(("spec", "selector", "matchLabels", key)),
                    message=f"the selector of {workload} contains {key}={labels[key]}, but selectors are immutable",
                    fix="remove the label from selectors: use `labels` without includeSelectors instead of "
                    "commonLabels",
                )


def _is_named(name: str, version: str) -> bool:
    """Return whether a workload is named after the version, as `chat-v2` beside `chat-v1`: the next is another one."""
    return re.search(rf"(?:^|[-.]){re.escape(version)}(?:[-.]|$)", name) is not None
