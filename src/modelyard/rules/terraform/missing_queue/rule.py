"""Karpenter with a queue that nobody makes."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.graph import State, graph
from modelyard.rules import rule
from modelyard.view import Environment


@rule("terraform/missing-queue", error, since="0.1.0")
def missing_queue(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Karpenter does not start when its interruption queue does not exist."""
    terraform = environment.terraform
    if terraform is None or terraform.resources("aws_sqs_queue"):
        return
    for edge in graph(environment).of("listens to", State.DANGLING):
        if edge.source.at is not None:
            yield Finding(
                at=edge.source.at,
                message=f"Karpenter uses the queue {edge.wanted.name}, but Terraform creates no queue",
                fix="create the queue with its rules, or remove the setting",
            )
