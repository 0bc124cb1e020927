"""Claims of devices that name a template or a claim that nobody makes."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of
from modelyard.view import Environment, entries, text

_KINDS = {"resourceClaimTemplateName": "ResourceClaimTemplate", "resourceClaimName": "ResourceClaim"}


@rule("devices/missing-claim-template", error, since="0.1.0")
def missing_claim_template(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A pod whose ResourceClaim or ResourceClaimTemplate does not exist stays Pending."""
    made = _made(environment)
    for namespace, templates in environment.pods_by_namespace.items():
        for template in templates:
            for index, claim in enumerate(entries(template.spec, "resourceClaims")):
                for field, kind in _KINDS.items():
                    name = text(claim, field)
                    known = made.get((kind, namespace), set())
                    if not name or name in known:
                        continue
                    elsewhere = environment.unrendered_in(namespace)
                    if elsewhere:
                        yield NotChecked(template, f"{elsewhere} may create the {kind} {name}")
                        continue
                    yield Finding(
                        at=template.at("resourceClaims", index, field),
                        message=f"{template} reference the {kind} {name}, which does not exist in namespace "
                        f"{namespace}",
                        fix=f"use {nearest(name, known) or one_of(known)}" if known else f"add the {kind}",
                    )


def _made(environment: Environment) -> dict[tuple[str, str], set[str]]:
    made: dict[tuple[str, str], set[str]] = {}
    for kind in _KINDS.values():
        for manifest in environment.of_kind(kind, "resource.k8s.io"):
            made.setdefault((kind, environment.namespace_of(manifest)), set()).add(manifest.name)
    # The driver makes a template for each domain, under the name that the domain says.
    for manifest in environment.of_kind("ComputeDomain", "resource.nvidia.com"):
        name = str(manifest.get("spec.channel.resourceClaimTemplate.name", ""))
        made.setdefault(("ResourceClaimTemplate", environment.namespace_of(manifest)), set()).add(name)
    return made
