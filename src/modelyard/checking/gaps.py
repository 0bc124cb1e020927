"""What schemas could not be consulted for, and which workloads no rule of engines reads."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from modelyard.findings import NotChecked
from modelyard.repository import SETTINGS
from modelyard.schemas import DEFAULT_KUBERNETES, SchemaBundle
from modelyard.view import Environment, Manifest
from modelyard.view.engines import NO_SERVERS, engines
from modelyard.wording import join_and

# What values of a chart hold is told with the chart.
_READ_BY_THEMSELVES = ("Application", "ApplicationSet", "HelmRelease")
_MOST_KINDS = 6


def schema_gaps(view: Environment, kubernetes_version: str, given: str | None = None) -> Iterator[NotChecked]:
    """Yield the kinds without a schema, by Application, and the kinds whose CEL rules were not evaluated.

    Args:
        view: The environment.
        kubernetes_version: Version whose schemas were consulted; empty for the default.
        given: The version that whoever checks has named; None when nobody did.
    """
    if not view.facts and not given:
        yield NotChecked(
            f"facts of environment {view.name}",
            f"{view.folder.facts_file} is missing or empty",
            (
                f"restore it as the template wrote it; Kubernetes {DEFAULT_KUBERNETES} is assumed"
                if view.folder.path
                else f"Kubernetes {DEFAULT_KUBERNETES} is assumed; --kubernetes-version names another"
            ),
            environment=view.name,
        )
    unevaluated: dict[tuple[str, str], None] = {}
    unknown: dict[tuple[str, str], None] = {}
    for manifest in view.resources:
        verdict = manifest.resource.verdict
        if verdict is None:
            continue
        if verdict.status == "no-schema":
            unknown[manifest.application, f"{manifest.identity.api_version} {manifest.kind}"] = None
        elif not verdict.rules_checked and _has_rules(manifest, kubernetes_version):
            unevaluated[manifest.group, manifest.kind] = None
    for application, kind in unknown:
        yield NotChecked(
            f"kind {kind}",
            "no schema",
            f"list a file with its CustomResourceDefinition under crds: in {SETTINGS}",
            environment=view.name,
            application=application,
        )
    if unevaluated:
        yield NotChecked(
            f"CEL rules of {join_and(sorted({kind for _, kind in unevaluated}))}",
            "kubeconform does not evaluate them",
            "modelyard tools install modelyard-render, and use the library backend",
            environment=view.name,
        )


def engine_gaps(view: Environment) -> Iterator[NotChecked]:
    """Yield the workloads that serve a model, or hold devices, by a program that is not known as an engine.

    Nothing is known of what such a program is told, needs and answers, so that rules of models pass it by.
    """
    served = {model.workload.manifest for model in view.models}
    known = {model.application.name for model in view.models}
    marked = {application.name for application in view.applications if application.is_model}
    for workload in view.own_workloads:
        if workload.manifest in served or workload.kind in NO_SERVERS:
            continue
        application = workload.manifest.application
        devices = sorted({name for template in workload.templates for name in template.accelerators})
        if devices or (application in marked - known):
            images = sorted({each.image for each in workload.containers if not each.init and each.image})
            why = f"asks for {join_and(devices)}" if devices else "serves a model"
            yield NotChecked(
                workload,
                f"it {why}, and no engine is known that runs by {join_and(images) or 'it'}",
                f"known are {join_and(sorted(each.title for each in engines()))}; "
                "an engine.yaml beside its kustomization says what another one is",
                environment=view.name,
                application=application,
            )


def inner_gaps(view: Environment) -> Iterator[NotChecked]:
    """Yield the resources in which others are written, which a controller makes when it is asked to.

    A ResourceGraphDefinition of kro and a Composition of Crossplane hold Deployments, a policy of Kyverno what it
    generates: no rule reads them there.
    """
    for manifest in view.resources:
        if _is_of_kubernetes(manifest.group) or manifest.kind in _READ_BY_THEMSELVES or not view.is_ours(manifest):
            continue
        kinds = sorted(set(_inner_kinds(manifest.resource.value)))
        if kinds:
            yield NotChecked(
                manifest,
                f"its controller makes {join_and(kinds, most=_MOST_KINDS)} of what is written in it, "
                "and no rule reads that there",
                environment=view.name,
                application=manifest.application,
            )


def _is_of_kubernetes(group: str) -> bool:
    return group in ("", "apps", "batch", "autoscaling", "policy") or group.endswith(".k8s.io")


def _inner_kinds(resource: dict[str, Any]) -> Iterator[str]:
    """Yield the kinds of manifests below a resource; a reference, which has a name alone, is none."""
    waiting: list[Any] = list(resource.values())
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            kind, body = value.get("kind"), value.get("spec", value.get("metadata", value.get("data")))
            if isinstance(kind, str) and isinstance(value.get("apiVersion"), str) and isinstance(body, dict):
                yield kind
            else:
                waiting.extend(value.values())


def _has_rules(manifest: Manifest, kubernetes_version: str) -> bool:
    return _rules(kubernetes_version or DEFAULT_KUBERNETES, manifest.identity.api_version, manifest.kind)


@cache
def _rules(kubernetes_version: str, api_version: str, kind: str) -> bool:
    return SchemaBundle(kubernetes_version).has_rules(api_version, kind)
