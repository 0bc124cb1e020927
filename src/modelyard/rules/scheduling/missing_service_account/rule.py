"""Service accounts that nobody makes."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.edges import missing
from modelyard.view import Environment


@rule("scheduling/missing-service-account", error, since="0.1.0", absence="object")
def missing_service_account(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The API server rejects a pod whose ServiceAccount does not exist."""
    yield from missing(
        environment,
        "runs as",
        "ServiceAccount",
        lambda pods, name, where: f"{pods} run as service account {name}, which does not exist in namespace {where}",
        brings="the service account",
        fix=lambda pods, name, where: "name default",
    )
