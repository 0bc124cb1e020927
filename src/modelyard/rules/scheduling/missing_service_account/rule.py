"""Service accounts that nobody makes."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.edges import missing
from modelyard.view import Environment


@rule("scheduling/missing-service-account", error, since="0.1.0", absence="object")
def missing_service_account(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A pod whose service account does not exist is refused."""
    yield from missing(
        environment,
        "runs as",
        "ServiceAccount",
        lambda pods, name, where: f"{pods} run as service account {name}, which namespace {where} does not have",
        brings="the service account",
        fix=lambda pods, name, where: "name default",
    )
