"""Karpenter that is older than the cluster's Kubernetes version allows."""

from collections.abc import Iterator

from modelyard.catalog import karpenter_for, minor_version
from modelyard.findings import Finding, error
from modelyard.rules import rule
from modelyard.view import Environment


@rule("scheduling/outdated-karpenter", error, since="0.1.0")
def outdated_karpenter(environment: Environment) -> Iterator[Finding]:
    """Karpenter that does not support the cluster's Kubernetes version may start no nodes, or wrong ones."""
    minor = minor_version(str(environment.facts.get("kubernetes") or ""))
    first = karpenter_for(minor) if minor is not None else ""
    if not first:
        return
    for application in environment.applications:
        for source in application.sources:
            version = _numbers(source.revision)
            if source.chart == "karpenter" and version and version < _numbers(first):
                yield Finding(
                    at=application.at((*source.path, "targetRevision")),
                    message=f"Karpenter {source.revision} does not support Kubernetes 1.{minor}, which needs "
                    f"{first} or newer",
                    fix=f"move Karpenter, its definitions and its permissions to {first} or newer before the cluster",
                )


def _numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of a version; none of a range or a word, which stand for what is not known here."""
    parts = version.removeprefix("v").split(".")
    return tuple(int(each) for each in parts) if len(parts) == 3 and all(each.isdecimal() for each in parts) else ()
