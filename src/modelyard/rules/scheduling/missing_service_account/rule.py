"""Service accounts that nobody makes."""

from collections.abc import Iterator

from modelyard.cluster import Environment, text
from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of


@rule("scheduling/missing-service-account", error, since="0.1.0")
def missing_service_account(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A pod whose service account does not exist is refused."""
    accounts: dict[str, set[str]] = {}
    for thing in environment.of_kind("ServiceAccount", ""):
        accounts.setdefault(environment.namespace_of(thing), set()).add(thing.name)
    for namespace, templates in environment.pods_by_namespace.items():
        known = accounts.get(namespace, set()) | {"default"}
        for template in templates:
            name = text(template.spec, "serviceAccountName") or text(template.spec, "serviceAccount")
            if not name or name in known:
                continue
            elsewhere = environment.unrendered_in(namespace)
            if elsewhere:
                yield NotChecked(template, f"{elsewhere} may bring the service account {name}")
                continue
            yield Finding(
                at=template.at("serviceAccountName"),
                message=f"{template} run as service account {name}, which namespace {namespace} does not have",
                fix=f"name {nearest(str(name), known) or one_of(known)}",
            )
