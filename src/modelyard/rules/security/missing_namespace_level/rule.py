"""Namespaces that admit any pod."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment

LABEL = "pod-security.kubernetes.io/enforce"
LEVELS = ("restricted", "baseline", "privileged")


@rule("security/missing-namespace-level", warning, since="0.1.0")
def missing_namespace_level(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A namespace without a Pod Security level admits privileged pods."""
    for manifest in environment.of_kind("Namespace", ""):
        if not environment.is_ours(manifest):
            continue
        level = manifest.labels.get(LABEL)
        if level is None:
            yield Finding(
                at=manifest.at(("metadata", "labels", LABEL)),
                message=f"{manifest} has no label {LABEL}, so it admits privileged pods",
                fix=f"add {LABEL}: restricted (or baseline, or privileged for node agents)",
            )
        elif level not in LEVELS:
            yield Finding(
                at=manifest.at(("metadata", "labels", LABEL)),
                message=f"{manifest} has the Pod Security level {level}, which does not exist",
                fix="write restricted, baseline or privileged",
            )
