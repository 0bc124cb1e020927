"""Roles that may read every Secret."""

from collections.abc import Iterator
from typing import Any

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.rules.wording import both
from modelyard.view import Environment, listed, numbered

_READING = ("get", "list", "watch", "*")


@rule("secrets/readable-secrets", warning, since="0.1.0")
def readable_secrets(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A Role that can list Secrets exposes every token of the namespace; a ClusterRole, every token of the cluster."""
    for kind in ("Role", "ClusterRole"):
        for manifest in environment.of_kind(kind, "rbac.authorization.k8s.io"):
            if not environment.is_ours(manifest):
                continue
            for index, each in numbered(manifest.value, "rules"):
                if each.get("resourceNames") or not _about_secrets(each):
                    continue
                verbs = [str(verb) for verb in listed(each, "verbs") if verb in _READING]
                if verbs:
                    yield Finding(
                        at=manifest.at(("rules", index, "resources")),
                        message=f"{manifest} can {both(verbs)} every Secret of "
                        + (
                            "the cluster"
                            if kind == "ClusterRole"
                            else f"namespace {environment.namespace_of(manifest)}"
                        ),
                        fix="allow only get, with the Secrets in resourceNames, or remove secrets from the rule",
                    )


def _about_secrets(rule_of_role: dict[str, Any]) -> bool:
    groups, resources = listed(rule_of_role, "apiGroups"), listed(rule_of_role, "resources")
    return any(each in ("", "*") for each in groups) and any(each in ("secrets", "*") for each in resources)
