"""Rights for service accounts of other namespaces."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.graph import State, graph
from modelyard.rules import rule
from modelyard.view import Environment, association


@rule("terraform/unused-association", error, since="0.1.0")
def unused_association(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A Pod Identity association for another namespace gives pods nothing, and they may not read their weights."""
    terraform = environment.terraform
    if terraform is None:
        return
    accounts: dict[str, set[str]] = {}
    for manifest in environment.of_kind("ServiceAccount", ""):
        accounts.setdefault(manifest.name, set()).add(environment.namespace_of(manifest))
    blocks = terraform.resources("aws_eks_pod_identity_association")
    given = {association(block) for block in blocks}
    dangling = {edge.source.node for edge in graph(environment).of("gives rights to", State.DANGLING)}
    for block in blocks:
        namespace, name = association(block)
        without = {each for each in accounts.get(name, ()) if (each, name) not in given}
        if not without or not any((node.namespace, node.name) == (namespace, name) for node in dangling):
            continue
        variable = next((each for each, value in terraform.given.items() if _names(value, namespace)), "")
        yield Finding(
            at=terraform.variable_at(variable, namespace) if variable else block.at(("namespace",)),
            message=f"service account {name} of namespace {namespace} is given a role and is not there; "
            f"the one of namespace {', '.join(sorted(without))} is given none",
            fix=f"name {sorted(without)[0]}",
        )


def _names(value: object, sought: str) -> bool:
    return value == sought or (isinstance(value, list) and sought in value)
