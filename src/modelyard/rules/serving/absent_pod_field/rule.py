"""Variables and files of labels and annotations that a pod does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rendering import Path
from modelyard.rules import rule
from modelyard.rules.wording import did_you_mean
from modelyard.view import Environment, PodTemplate, mapping, numbered, text

_FIELD = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")
# What controllers and Kubernetes itself set on pods; webhooks of others may set more.
_SET_LATER = re.compile(
    r"(?:[\w.-]*kubernetes\.io|[\w.-]*k8s\.(?:io|aws)|ray\.io|[\w.-]*aibrix\.ai|[\w.-]*istio\.io|[\w.-]*aws)/.+"
    r"|pod-template-(?:hash|generation)|controller-revision-hash|job-name|controller-uid|batch\.\w+/.+"
)
_RECOMMENDED = re.compile(r"app\.kubernetes\.io/.+")


@rule("serving/absent-pod-field", warning, since="0.3.0")
def absent_pod_field(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A variable of a label that the pod does not have is empty, and the engine serves under no name."""
    for workload in environment.own_workloads:
        for template in workload.templates:
            for path, field in _fields(template):
                found = _FIELD.fullmatch(field)
                if found is None:
                    continue
                kind, key = found.groups()
                known = template.labels if kind == "labels" else mapping(template.value, "metadata", "annotations")
                if key in known or (_SET_LATER.fullmatch(key) and not _RECOMMENDED.fullmatch(key)):
                    continue
                yield Finding(
                    at=workload.manifest.at(path),
                    message=f"{template} take a variable from their {kind[:-1]} {key}, which they do not have",
                    fix=did_you_mean(key, map(str, known)) or f"add the {kind[:-1]} to the pod template",
                )


def _fields(template: PodTemplate) -> Iterator[tuple[Path, str]]:
    for container in template.containers:
        for index, variable in numbered(container.value, "env"):
            field = text(mapping(variable, "valueFrom", "fieldRef"), "fieldPath")
            yield (*container.path, "env", index, "valueFrom", "fieldRef", "fieldPath"), field
