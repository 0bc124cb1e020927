"""Services that send to nobody."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, differing, set_by_manifests, written_labels


@rule("network/dangling-service", error, since="0.1.0")
def dangling_service(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A Service whose selector matches no pod has no endpoints, and every request to it fails."""
    for service in environment.services:
        wanted = set_by_manifests(service.selector)
        if not wanted or service.pods or service.type == "ExternalName" or not environment.is_ours(service.manifest):
            continue
        elsewhere = environment.unrendered_in(service.namespace)
        if elsewhere:
            yield NotChecked(service, f"{elsewhere} may create pods with {written_labels(wanted)}")
            continue
        others = differing(wanted, environment.pods_in(service.namespace).labels)
        near = ", ".join(f"{key}={value}" if value is not None else f"no {key}" for key, value in others.items())
        yield Finding(
            at=service.manifest.at(("spec", "selector", next(iter(others or wanted)))),
            message=f"{service} selects pods with {written_labels(wanted)}, but namespace {service.namespace} has none",
            fix=f"select {near}, the closest labels of a pod" if others else "select labels that pods have",
        )
