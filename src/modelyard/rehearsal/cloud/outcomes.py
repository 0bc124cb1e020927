"""What was seen in the mock account, as findings at the places that cause them and as gaps."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.findings import At, Finding, NotChecked, Place, Severity
from modelyard.rehearsal.cloud import karpenter
from modelyard.rehearsal.cloud.mock_aws.scope import GAP
from modelyard.rehearsal.cloud.mock_result import MockCloudResult, node_classes_by_name
from modelyard.rehearsal.cloud.terraform import Diagnostic
from modelyard.rehearsal.outcomes import of_pods
from modelyard.repository import ENVIRONMENTS
from modelyard.view import Environment

TERRAFORM = "rehearsal/terraform-failed"
NODE_CLASS = "rehearsal/node-class-not-ready"
KARPENTER = "rehearsal/karpenter-ended"
QUEUE = "rehearsal/queue-not-read"
OUTSIDE = "rehearsal/node-not-admitted"
INTERRUPTION = "rehearsal/not-drained"

_QUEUE_KEY = "settings.interruptionQueue"

_FIELDS = {
    "SubnetsReady": "spec.subnetSelectorTerms",
    "SecurityGroupsReady": "spec.securityGroupSelectorTerms",
    "AMIsReady": "spec.amiSelectorTerms",
    "InstanceProfileReady": "spec.role",
    "CapacityReservationsReady": "spec.capacityReservationSelectorTerms",
    "PlacementGroupReady": "spec.placementGroupSelector",
}
# What the mock answers, or moto does not answer at all, is no fault of the environment's.
_GAPS = (GAP, "NotImplemented", "not been implemented", "not yet implemented", "StatusCode: 500")


def of_terraform(seen: MockCloudResult, view: Environment) -> Iterator[Finding]:
    """Yield a finding for every error of Terraform that is not the mock's."""
    for each in seen.failed:
        if _is_gap(_text(each)):
            continue
        file = each.file or f"{ENVIRONMENTS}/{view.name}/terraform.tfvars"
        about = f"{each.address}: " if each.address else ""
        yield Finding(
            at=At(Place(file, each.line, 1 if each.line else None)),
            message=f"Terraform fails: {about}{each.summary.rstrip('.')}",
            detail=tuple(line for line in each.detail.splitlines() if line.strip())[:6],
            rule=TERRAFORM,
            severity=Severity.ERROR,
            environment=view.name,
        )


def gaps_of_terraform(seen: MockCloudResult, view: Environment) -> Iterator[NotChecked]:
    """Yield a gap for what the mock could not do, and for all that would have come after a failed apply."""
    for each in seen.failed:
        if _is_gap(_text(each)):
            yield NotChecked(
                f"Terraform's {each.address or 'resources'}",
                f"the mock AWS cannot do this: {' '.join((each.summary, *each.detail.split()))[:300]}",
                environment=view.name,
            )
    if seen.failed:
        yield NotChecked("Karpenter in the account", "Terraform's apply failed", environment=view.name)


def of_cloud(seen: MockCloudResult, view: Environment) -> Iterator[Finding]:
    """Yield what Karpenter says against the environment, and what did not follow."""
    yield from _of_node_classes(seen, view)
    yield from of_pods(seen.pods, view)
    if seen.ended:
        key = "settings.clusterName" if "cluster" in seen.ended.lower() else "settings"
        yield _of_values(view, KARPENTER, key, f"Karpenter does not run: {seen.ended.rstrip('.')}")
    if seen.queue:
        queue = karpenter.values_of(view).get(_QUEUE_KEY)
        yield _of_values(
            view, QUEUE, _QUEUE_KEY, f"Karpenter cannot read its interruption queue {queue}: {seen.queue.rstrip('.')}"
        )
    for reason in dict.fromkeys(seen.outside.values()):
        yield Finding(
            at=At(Place("terraform")),
            message=f"a machine starts and never joins the cluster: {reason}",
            rule=OUTSIDE,
            severity=Severity.ERROR,
            environment=view.name,
        )
    if seen.interruption is not None:
        for problem in seen.interruption.problems:
            yield _of_values(view, INTERRUPTION, _QUEUE_KEY, f"after {seen.interruption.event}: {problem}")


def _of_values(view: Environment, rule: str, key: str, message: str) -> Finding:
    """Return a finding at a value of Karpenter's chart."""
    values = karpenter.values_of(view)
    return Finding(
        at=values.at(key),
        message=message,
        rule=rule,
        severity=Severity.ERROR,
        environment=view.name,
        application=values.application.name,
    )


def gaps(seen: MockCloudResult, view: Environment) -> Iterator[NotChecked]:
    """Yield what the mock could not show."""
    yield NotChecked(
        "what AWS itself refuses",
        "the account is a mock: it authorises everything, lacks no capacity, has no prices, and starts nothing",
        environment=view.name,
    )
    for judged in seen.node_classes.values():
        for problem in (each for each in judged.problems if _is_gap(each.told)):
            yield NotChecked(
                f"{problem.kind} of EC2NodeClass {judged.name}",
                f"the mock AWS cannot answer: {problem.told[:200]}",
                environment=view.name,
            )
    if seen.interruption is None and not seen.ended:
        queue = karpenter.values_of(view).get(_QUEUE_KEY)
        reason = (
            "Karpenter made no node that could be taken" if queue else "Karpenter's values name no interruption queue"
        )
        yield NotChecked("what an interruption does", reason, environment=view.name)


def _of_node_classes(seen: MockCloudResult, view: Environment) -> Iterator[Finding]:
    manifests = node_classes_by_name(view)
    for name, manifest in manifests.items():
        judged = seen.node_classes.get(name)
        if judged is None or judged.ready:
            continue
        problems = judged.problems or (karpenter.Condition("Ready", "Karpenter has not judged it in time"),)
        for problem in (each for each in problems if not _is_gap(each.told)):
            yield Finding(
                at=manifest.at(_FIELDS.get(problem.kind, "spec")),
                message=f"{manifest}: {problem.kind} is not true: {problem.told.rstrip('.')}",
                rule=NODE_CLASS,
                severity=Severity.ERROR,
                environment=view.name,
                application=manifest.application,
            )


def _text(diagnostic: Diagnostic) -> str:
    return f"{diagnostic.summary} {diagnostic.detail}"


def _is_gap(text: str) -> bool:
    return any(each in text for each in _GAPS)
