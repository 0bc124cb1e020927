"""Volumes of claims that nobody makes."""

from collections.abc import Iterator

from modelyard.cluster import Environment
from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of


@rule("storage/missing-claim", error, since="0.1.0")
def missing_claim(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A pod whose claim does not exist is not scheduled."""
    claims: dict[str, set[str]] = {}
    for thing in environment.of_kind("PersistentVolumeClaim", ""):
        claims.setdefault(environment.namespace_of(thing), set()).add(thing.name)
    for namespace, templates in environment.pods_by_namespace.items():
        known = claims.get(namespace, set())
        for template in templates:
            volumes = template.spec.get("volumes")
            for index, volume in enumerate(volumes if isinstance(volumes, list) else ()):
                claim = volume.get("persistentVolumeClaim") if isinstance(volume, dict) else None
                name = claim.get("claimName") if isinstance(claim, dict) else None
                if not name or name in known:
                    continue
                elsewhere = environment.unrendered_in(namespace)
                if elsewhere:
                    yield NotChecked(template, f"{elsewhere} may bring the claim {name}")
                    continue
                yield Finding(
                    at=template.at("volumes", index, "persistentVolumeClaim", "claimName"),
                    message=f"{template} mount the claim {name}, which namespace {namespace} does not have",
                    fix=f"name {nearest(str(name), known) or one_of(known)}"
                    if known
                    else "add the PersistentVolumeClaim",
                )
