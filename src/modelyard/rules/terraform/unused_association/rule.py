"""Rights for service accounts of other namespaces."""

from collections.abc import Iterator, Mapping

from modelyard.catalog import aws_rights
from modelyard.findings import Address, Finding, NotChecked, error
from modelyard.graph import State, graph
from modelyard.rules import rule
from modelyard.rules.wording import both, nearest
from modelyard.view import KUBE_SYSTEM, Block, Environment, LineAddress, Terraform, association


@rule("terraform/unused-association", error, since="0.1.0")
def unused_association(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A Pod Identity association for the wrong namespace or name has no effect, and pods cannot read their weights."""
    terraform = environment.terraform
    if terraform is None:
        return
    accounts: dict[str, set[str]] = {}
    for manifest in environment.of_kind("ServiceAccount", ""):
        accounts.setdefault(manifest.name, set()).add(environment.namespace_of(manifest))
    blocks = terraform.resources("aws_eks_pod_identity_association")
    given = {association(block) for block in blocks}
    dangling = {edge.source.node for edge in graph(environment).of("gives rights to", State.DANGLING)}
    others: dict[tuple[str, tuple[str, ...]], list[tuple[str, Block]]] = {}
    for block in blocks:
        namespace, name = association(block)
        space = _misspelt_namespace(environment, namespace)
        if space:
            yield Finding(
                at=_written_at(terraform, namespace) or block.at(("namespace",)),
                message=f"service account {name} has a role in namespace {namespace}, which does not exist",
                fix=f"use the namespace {space}",
            )
            continue
        near = _misspelt(environment, namespace, name, accounts)
        if near:
            yield Finding(
                at=_written_at(terraform, name) or block.at(("service_account",)),
                message=f"service account {name} of namespace {namespace} has a role but does not exist",
                fix=f"name {near}",
            )
            continue
        without = {each for each in accounts.get(name, ()) if (each, name) not in given}
        if not without or not any((node.namespace, node.name) == (namespace, name) for node in dangling):
            continue
        others.setdefault((namespace, tuple(sorted(without))), []).append((name, block))
    for (namespace, spaces), found in others.items():
        variable = next((each for each, value in terraform.given.items() if _names(value, namespace)), "")
        together = [found] if variable else [[each] for each in found]
        for same in together:
            names = [name for name, _ in same]
            one = len(names) == 1
            yield Finding(
                at=terraform.variable_at(variable, namespace) if variable else same[0][1].at(("namespace",)),
                message=f"service account{'' if one else 's'} {both(names)} of namespace {namespace} "
                f"{'has a role but does' if one else 'have roles but do'} not exist; "
                f"{'the one' if one else 'those'} of namespace {', '.join(spaces)} {'has' if one else 'have'} none",
                fix=f"name {spaces[0]}",
            )


def _names(value: object, sought: str) -> bool:
    return value == sought or (isinstance(value, list) and sought in value)


def _misspelt_namespace(environment: Environment, namespace: str) -> str:
    """Return the namespace that is meant by a name which the environment lacks, of a component that it may not have."""
    known = {each.name for each in environment.of_kind("Namespace", "")}
    known |= {each.namespace for each in environment.applications} | {KUBE_SYSTEM}
    return "" if namespace in known else nearest(namespace, known, cutoff=0.9)


def _misspelt(environment: Environment, namespace: str, name: str, accounts: Mapping[str, set[str]]) -> str:
    """Return the account that is meant by a name which none of a namespace has; nothing where others may have it."""
    if not name:
        return ""
    if namespace == KUBE_SYSTEM:
        known = aws_rights().addon_accounts
        charts = {account for account, spaces in accounts.items() if namespace in spaces}
        return "" if name in known | charts else nearest(name, known, cutoff=0.8)
    if environment.unrendered_in(namespace) or namespace in accounts.get(name, ()):
        return ""
    there = [account for account, spaces in accounts.items() if namespace in spaces]
    return nearest(name, there, cutoff=0.8)


def _written_at(terraform: Terraform, name: str) -> Address | None:
    """Return where a file names an account, as the text that an association takes it from; None where none does."""
    for file, text in terraform.texts():
        for number, line in enumerate(text.splitlines(), 1):
            if f'"{name}"' in line and "namespace" in line and not line.lstrip().startswith("#"):
                return LineAddress(terraform.files, file, number, number, (f'"{name}"',))
    return None
