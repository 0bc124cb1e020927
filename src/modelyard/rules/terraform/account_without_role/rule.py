"""Pods that call AWS as an account that has no rights."""

from collections.abc import Iterator

from modelyard.catalog import aws_rights, chart_accounts
from modelyard.findings import Finding, NotChecked, error
from modelyard.rendering import Path
from modelyard.rules import rule
from modelyard.rules.wording import nearest
from modelyard.view import Environment, Manifest, PodTemplate, association, called_service

_NAME = "app.kubernetes.io/name"
_ROLE = "eks.amazonaws.com/role-arn"
_OPERATED = ("Prometheus", "Alertmanager", "ThanosRuler")


@rule("terraform/account-without-role", error, since="0.1.0")
def account_without_role(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Pods whose ServiceAccount has no Pod Identity association get no credentials, and every AWS call fails."""
    terraform = environment.terraform
    blocks = terraform.resources("aws_eks_pod_identity_association") if terraform is not None else ()
    given = {association(block) for block in blocks}
    if not given:
        return
    if any(not name for pair in given for name in pair):
        yield NotChecked(
            "Pod Identity associations", "the ServiceAccount of one of them is not known before Terraform has run"
        )
        return
    annotated = {
        (environment.namespace_of(manifest), manifest.name)
        for manifest in environment.of_kind("ServiceAccount", "")
        if manifest.annotations.get(_ROLE)
    }
    accounts = {(environment.namespace_of(t), t.name) for t in environment.of_kind("ServiceAccount", "")}
    unused = {pair for pair in given if pair not in accounts}
    yield from _unrendered(environment, given)
    for namespace, manifest, account, path, why in _calling(environment, unused):
        if (namespace, account) in given | annotated:
            continue
        others = sorted(name for space, name in unused if space == namespace)
        yield Finding(
            at=manifest.at(path),
            message=f"{manifest} runs as service account {account} of namespace {namespace}, which no Pod Identity "
            f"association gives a role{why}",
            fix=f"use the service account {others[0]}, which has one"
            if others
            else f"add a role for service account {account} of namespace {namespace} in terraform/modules/identity",
        )


def _unrendered(environment: Environment, given: set[tuple[str, str]]) -> Iterator[Finding]:
    """Yield accounts that the values of charts name which are not rendered, and of which no association knows."""
    for values in environment.chart_values:
        known = chart_accounts().get(values.source.chart)
        account = values.get(known.account) if known is not None and values.application.unrendered else None
        namespace = values.application.namespace
        if known is None or not isinstance(account, str) or (namespace, account) in given:
            continue
        others = sorted(name for space, name in given if space == namespace and name not in aws_rights().addon_accounts)
        near = nearest(account, others, cutoff=0.5)
        yield Finding(
            at=values.at(known.account),
            message=f"chart {values.source.chart} runs as service account {account} of namespace {namespace}, which no "
            f"Pod Identity association gives a role, and it calls {known.calls}",
            fix=f"name the account {near}, which has one"
            if near
            else f"add a role for service account {account} of namespace {namespace} in terraform/modules/identity",
        )


def _calling(environment: Environment, unused: set[tuple[str, str]]) -> Iterator[tuple[str, Manifest, str, Path, str]]:
    """Yield what calls AWS, or has the name of an account that has a role and is not there."""
    for namespace, templates in environment.pods_by_namespace.items():
        for template in templates:
            told = called_service(template)
            why = f", and it calls {told}" if told else _named(template, namespace, unused)
            if why:
                account = str(template.spec.get("serviceAccountName") or "default")
                yield namespace, template.manifest, account, (*template.spec_path, "serviceAccountName"), why
    for kind in _OPERATED:
        for manifest in environment.of_kind(kind, "monitoring.coreos.com"):
            namespace = environment.namespace_of(manifest)
            if (namespace, kind.lower()) in unused:
                account = str(manifest.get("spec.serviceAccountName", "") or "default")
                why = f"; service account {kind.lower()} has one but does not exist"
                yield namespace, manifest, account, ("spec", "serviceAccountName"), why


def _named(template: PodTemplate, namespace: str, unused: set[tuple[str, str]]) -> str:
    name = str(template.labels.get(_NAME, ""))
    return f"; service account {name} has one but does not exist" if name and (namespace, name) in unused else ""
