"""What bases/platform/access-roles and Argo CD's own roles grant is what their README says, by their text alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

PLATFORM = Path(__file__).parents[2] / "bases/platform"
WRITES = {"create", "update", "patch", "delete", "deletecollection", "impersonate", "bind", "escalate", "*"}
"""What changes something, of the verbs of Kubernetes."""

READER = ("reader.yaml",)
OWNER = (*READER, "model-owner.yaml")
ENGINEER = (*READER, "platform.yaml")


def rules(files: tuple[str, ...]) -> list[dict[str, Any]]:
    """The rules of the roles in files; that of model owners counts in `models` only."""
    found = []
    for file in files:
        for manifest in yaml.safe_load_all((PLATFORM / "access-roles" / file).read_text()):
            if manifest["kind"] in ("Role", "ClusterRole"):
                found += manifest["rules"]
    return found


def allowed(files: tuple[str, ...], verb: str, resource: str, group: str = "") -> bool:
    """As the API server decides: a rule that names verb, group and resource, each by itself or by `*`."""
    return any(
        {verb, "*"} & set(rule["verbs"])
        and {group, "*"} & set(rule["apiGroups"])
        and {resource, "*"} & set(rule["resources"])
        for rule in rules(files)
    )


@pytest.mark.parametrize(
    ("files", "verb", "resource", "group", "expected"),
    [
        (READER, "list", "pods", "", True),
        (READER, "get", "applications", "argoproj.io", True),
        (READER, "get", "pods/log", "", False),
        (OWNER, "get", "pods/log", "", True),
        (OWNER, "create", "pods/portforward", "", True),
        (OWNER, "delete", "pods", "", True),
        (OWNER, "patch", "deployments", "apps", False),
        (OWNER, "create", "pods/eviction", "", False),
        (ENGINEER, "create", "pods/eviction", "", True),
        (ENGINEER, "patch", "nodes", "", True),
        (ENGINEER, "delete", "nodeclaims", "karpenter.sh", True),
        (ENGINEER, "delete", "jobs", "batch", True),
        (ENGINEER, "patch", "daemonsets", "apps", False),
        (ENGINEER, "patch", "applications", "argoproj.io", False),
    ],
)
def test_a_group_may_what_the_readme_says(
    files: tuple[str, ...], verb: str, resource: str, group: str, expected: bool
) -> None:
    assert allowed(files, verb, resource, group) is expected


@pytest.mark.parametrize("files", [READER, OWNER, ENGINEER])
def test_nobody_gets_secrets_a_shell_roles_or_workloads(files: tuple[str, ...]) -> None:
    for verb in ("get", "list", "watch", *sorted(WRITES)):
        for resource in (
            "secrets",
            "pods/exec",
            "pods/attach",
            "pods/ephemeralcontainers",
            "pods/proxy",
            "nodes/proxy",
        ):
            assert not allowed(files, verb, resource), f"{verb} {resource}"
    workloads = {
        "": ("pods", "replicationcontrollers", "serviceaccounts", "serviceaccounts/token"),
        "apps": ("daemonsets", "deployments", "deployments/scale", "replicasets", "statefulsets"),
        "argoproj.io": ("applications", "appprojects"),
        "batch": ("cronjobs", "jobs"),
        "external-secrets.io": ("externalsecrets", "secretstores"),
        "leaderworkerset.x-k8s.io": ("leaderworkersets",),
        "ray.io": ("rayclusters", "rayservices"),
        "rbac.authorization.k8s.io": ("clusterrolebindings", "clusterroles", "rolebindings", "roles"),
        "admissionregistration.k8s.io": ("validatingadmissionpolicies", "validatingadmissionpolicybindings"),
    }
    for group, resources in workloads.items():
        for resource in resources:
            for verb in WRITES - {"delete", "deletecollection"}:
                assert not allowed(files, verb, resource, group), f"{verb} {resource}.{group}"
    # Whatever writes is named, so that a `*` never does.
    for rule in rules(files):
        if WRITES & set(rule["verbs"]):
            assert "*" not in (*rule["verbs"], *rule["resources"], *rule["apiGroups"])


def test_roles_of_argo_cd_sync_and_restart_and_override_nothing() -> None:
    values = yaml.safe_load((PLATFORM / "argocd/values.yaml").read_text())
    granted = [
        tuple(word.strip() for word in line.split(",")[1:])
        for line in values["configs"]["rbac"]["policy.csv"].splitlines()
    ]
    assert values["configs"]["rbac"]["policy.default"] == ""
    for role, resource, action, scope, effect in granted:
        assert effect == "allow"
        assert resource in ("applications", "clusters", "logs", "projects", "repositories"), resource
        # A Job of a suspended CronJob of ours runs what Git says.
        starts = action.endswith("/restart") or action == "action/batch/CronJob/create-job"
        assert action in ("get", "sync") or starts, f"{role} may {action}"
        if role == "role:model-owner" and action != "get":
            assert scope == "models/*"
    assert ("role:model-owner", "applications", "action/apps/Deployment/restart", "models/*", "allow") in granted


def test_no_store_serves_several_namespaces_and_nobody_is_impersonated() -> None:
    values = yaml.safe_load((PLATFORM / "external-secrets/values.yaml").read_text())
    kinds = ("ClusterSecretStore", "ClusterExternalSecret", "ClusterGenerator", "ClusterPushSecret")
    assert [kind for kind in kinds if values["crds"][f"create{kind}"] is not False] == []
    processed = ("processClusterStore", "processClusterExternalSecret", "processClusterGenerator")
    assert [name for name in (*processed, "processClusterPushSecret") if values[name] is not False] == []
    assert values["rbac"]["serviceAccountTokenCreate"] is False


def test_accounts_of_models_have_no_token_and_their_namespace_denies_by_default() -> None:
    folder = PLATFORM / "model-namespace"
    found = [value for path in folder.glob("*.yaml") for value in yaml.safe_load_all(path.read_text())]
    accounts = [value for value in found if value.get("kind") == "ServiceAccount"]
    assert len(accounts) >= 2
    assert [
        each["metadata"]["name"] for each in accounts if each.get("automountServiceAccountToken") is not False
    ] == []
    everyone = [
        set(value["spec"]["policyTypes"])
        for value in found
        if value.get("kind") == "NetworkPolicy"
        and value["spec"]["podSelector"] == {}
        and not {"ingress", "egress"} & value["spec"].keys()
    ]
    assert {"Ingress", "Egress"} in everyone
