"""Claims for one node that pods of several need."""

from collections.abc import Iterator
from typing import Any

from modelyard.findings import Finding, NotChecked, error, warning
from modelyard.rules import rule
from modelyard.view import Environment, Manifest, Workload, mapping, numbered, text

_ONE = frozenset({"ReadWriteOnce", "ReadWriteOncePod"})


@rule("storage/claim-of-one-node", error, since="0.1.0")
def claim_of_one_node(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A ReadWriteOnce volume blocks every pod on another node: the second replica, or the new pod of a rollout."""
    claims = {
        (environment.namespace_of(each), each.name): each for each in environment.of_kind("PersistentVolumeClaim", "")
    }
    for workload in environment.own_workloads if claims else ():
        if workload.kind != "Deployment":
            continue
        replicas = workload.manifest.get("spec.replicas", 1)
        several = isinstance(replicas, int) and replicas > 1
        if not several and not _surges(workload):
            continue
        for template in workload.templates:
            for _, volume in numbered(template.spec, "volumes"):
                name = text(volume, "persistentVolumeClaim", "claimName")
                claim = claims.get((environment.namespace_of(workload.manifest), name))
                if claim is None or not _is_of_one(claim):
                    continue
                why = (
                    f"{replicas} replicas"
                    if several
                    else "a rollout that starts the new pod before the old one has stopped"
                )
                # A rollout ends where both pods find room on one node, so only several replicas are sure to break.
                yield Finding(
                    at=claim.at("spec.accessModes"),
                    severity=error if several else warning,
                    message=f"{workload} has {why}, but only one node can mount claim {name} ({_modes(claim)})",
                    fix="give each pod a disk of its own (emptyDir, or an ephemeral volume), or use a shared file "
                    "system (ReadWriteMany)"
                    if several
                    else "write strategy: {type: Recreate}, or give each pod a disk of its own",
                )


def _modes(claim: Manifest) -> str:
    return ", ".join(map(str, claim.get("spec.accessModes", [])))


def _is_of_one(claim: Manifest) -> bool:
    modes: Any = claim.get("spec.accessModes", [])
    return isinstance(modes, list) and bool(modes) and set(map(str, modes)) <= _ONE


def _surges(workload: Workload) -> bool:
    strategy = mapping(workload.manifest.value, "spec", "strategy")
    if strategy.get("type") == "Recreate":
        return False
    return str(mapping(strategy, "rollingUpdate").get("maxSurge", 1)) not in ("0", "0%")
