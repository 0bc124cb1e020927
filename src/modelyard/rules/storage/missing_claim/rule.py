"""Volumes of claims that nobody makes."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.edges import missing
from modelyard.view import Environment


@rule("storage/missing-claim", error, since="0.1.0", absence="object")
def missing_claim(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A pod whose PersistentVolumeClaim does not exist stays Pending."""
    yield from missing(
        environment,
        "mounts",
        "PersistentVolumeClaim",
        lambda pods, name, namespace: f"{pods} mount the claim {name}, which does not exist in namespace {namespace}",
        brings="the claim",
        fix=lambda pods, name, namespace: "add the PersistentVolumeClaim",
    )
