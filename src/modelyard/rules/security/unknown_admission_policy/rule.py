"""Bindings of admission policies that are not there."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of
from modelyard.view import Environment

_GROUP = "admissionregistration.k8s.io"
_KINDS = ("ValidatingAdmissionPolicy", "MutatingAdmissionPolicy")


@rule("security/unknown-admission-policy", error, since="0.3.0", absence="cluster")
def unknown_admission_policy(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A binding of an admission policy that does not exist enforces nothing."""
    for kind in _KINDS:
        policies = {each.name: each for each in environment.of_kind(kind, _GROUP)}
        bound = set()
        for binding in environment.of_kind(f"{kind}Binding", _GROUP):
            name = str(binding.get("spec.policyName", ""))
            bound.add(name)
            if name in policies or not environment.is_ours(binding):
                continue
            yield Finding(
                at=binding.at("spec.policyName"),
                message=f"{binding} binds the policy {name}, which does not exist in this environment",
                fix=f"name {nearest(name, policies) or one_of(policies)}" if policies else f"add {kind} {name}",
            )
