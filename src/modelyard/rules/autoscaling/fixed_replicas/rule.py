"""Replicas that Git and an autoscaler both set."""

from collections.abc import Iterator
from typing import Any

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Application, Environment, listed

_SCALERS = (("autoscaling", "HorizontalPodAutoscaler"), ("keda.sh", "ScaledObject"))


@rule("autoscaling/fixed-replicas", warning, since="0.1.0")
def fixed_replicas(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Argo CD resets spec.replicas to the value in Git after every scaling, and the autoscaler scales again."""
    for group, kind in _SCALERS:
        for scaler in environment.of_kind(kind, group):
            reference = scaler.mapping("spec.scaleTargetRef")
            for workload in environment.workloads:
                manifest = workload.manifest
                if (manifest.kind, manifest.name) != (reference.get("kind") or "Deployment", reference.get("name")):
                    continue
                application = environment.application_by_name.get(manifest.application)
                if environment.namespace_of(manifest) != environment.namespace_of(scaler) or not manifest.has(
                    "spec.replicas"
                ):
                    continue
                if application is None or not _ignores(application, manifest.group, manifest.kind):
                    yield Finding(
                        at=manifest.at("spec.replicas"),
                        message=f"{manifest} has {manifest.get('spec.replicas')} replicas in Git, but {scaler} scales "
                        "it",
                        fix="remove spec.replicas from the manifest, with a patch {op: remove, path: /spec/replicas}",
                    )


def _ignores(application: Application, group: str, kind: str) -> bool:
    """Return whether the Application leaves the replicas alone, in what it compares and in what it applies."""
    if "RespectIgnoreDifferences=true" not in listed(application.manifest.value, "spec", "syncPolicy", "syncOptions"):
        return False
    return any(_names_replicas(each, group, kind) for each in application.manifest.entries("spec.ignoreDifferences"))


def _names_replicas(entry: dict[str, Any], group: str, kind: str) -> bool:
    if str(entry.get("group") or "") not in (group, "*") or str(entry.get("kind") or "") not in (kind, "*"):
        return False
    pointers, expressions = listed(entry, "jsonPointers"), listed(entry, "jqPathExpressions")
    return "/spec/replicas" in pointers or ".spec.replicas" in expressions
