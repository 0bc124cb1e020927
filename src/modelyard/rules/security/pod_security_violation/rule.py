"""Pods that Pod Security keeps out of their namespace."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.security.missing_namespace_level.rule import LABEL
from modelyard.rules.security.pod_security_violation.standards import PRIVILEGED, objections
from modelyard.view import Environment, mapping

_TOLD = 4  # objections in one message


@rule("security/pod-security-violation", error, since="0.1.0")
def pod_security_violation(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The API server accepts the workload but rejects its pods: it syncs, but never has a running replica."""
    levels = {
        manifest.name: str(manifest.labels.get(LABEL, PRIVILEGED)) for manifest in environment.of_kind("Namespace", "")
    }
    for workload in environment.workloads:
        namespace = environment.namespace_of(workload.manifest)
        level = levels.get(namespace, PRIVILEGED)
        for template in workload.templates:
            found = list(objections(level, template.spec, mapping(template.value, "metadata", "annotations")))
            if not found:
                continue
            path = found[0][0]
            told = [text for _, text in found[:_TOLD]]
            told += [f"and {len(found) - _TOLD} more"] if len(found) > _TOLD else []
            yield Finding(
                at=template.at(*path) if path else template.manifest.at((*template.path, "metadata", "annotations")),
                message=f"namespace {namespace} is {level} and rejects {template}: {'; '.join(told)}",
                fix=f"remove it, or deploy it to a namespace whose label {LABEL} allows it",
            )
