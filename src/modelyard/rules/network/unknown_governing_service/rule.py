"""StatefulSets whose Service is not there."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of
from modelyard.view import Environment


@rule("network/unknown-governing-service", error, since="0.3.0", absence="object")
def unknown_governing_service(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Without its headless Service, the pods of a StatefulSet have no DNS names and cannot find each other."""
    for workload in environment.own_workloads:
        name = str(workload.manifest.get("spec.serviceName", "") or "")
        if workload.kind != "StatefulSet" or not name:
            continue
        namespace = environment.namespace_of(workload.manifest)
        known = {each.name for each in environment.services if each.namespace == namespace}
        if name in known:
            continue
        if (reason := environment.unrendered_in(namespace)) and not nearest(name, known, cutoff=0.85):
            yield NotChecked(workload, f"{reason} may create Service {name}")
            continue
        yield Finding(
            at=workload.manifest.at("spec.serviceName"),
            message=f"{workload} has serviceName {name}, but namespace {namespace} has no such Service",
            fix=f"use {nearest(name, known) or one_of(known)}" if known else "add a headless Service with that name",
        )
