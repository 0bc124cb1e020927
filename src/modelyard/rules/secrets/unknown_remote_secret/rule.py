"""ExternalSecrets of secrets that Terraform does not create."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.graph import State, graph
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of
from modelyard.view import Environment


@rule("secrets/unknown-remote-secret", error, since="0.1.0")
def unknown_remote_secret(environment: Environment) -> Iterator[Finding | NotChecked]:
    """An ExternalSecret for a secret that does not exist never creates its Secret, and the pods do not start."""
    terraform = environment.terraform
    if terraform is None:
        return
    known = {block.text("name") for block in terraform.resources("aws_secretsmanager_secret")} - {""}
    prefix = f"{environment.facts.get('cluster')}/"
    for edge in graph(environment).of("reads", State.DANGLING):
        name = edge.wanted.name
        ours = name.startswith(prefix) or nearest(name, known)
        if edge.wanted.kind == "aws_secretsmanager_secret" and known and ours and edge.source.at is not None:
            yield Finding(
                at=edge.source.at,
                message=f"{edge.source.node} reads {name} from Secrets Manager, which Terraform does not create",
                fix=f"name {nearest(name, known) or one_of(known)}",
            )
