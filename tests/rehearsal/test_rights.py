"""What is said of rights in READMEs, the threat model and SECURITY.md, asked of a real API server.

Each claim with something that is granted and something that is refused. docs/security/threat-model.md lists the claims
and those that an API server cannot be asked about.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from modelyard.rehearsal.api import Answer, ServedKind, object_path
from tests.manifests.composition import BASES, documents
from tests.rehearsal.guarded import PLATFORM, PODS, Server, allowed, noticed, pod, refusal_of_pod, service, wrapped
from tests.rehearsal.test_refusals import POD

pytestmark = pytest.mark.slow  # starts a control plane

NAMESPACES = ServedKind("namespaces", False)
PINNED, MOVING = "example.com/tools:v1.2.3", "example.com/tools:latest"
GROUPS = ("readers", "model-owners", "platform")

# Each of these is a way to run any image as any account, to read any secret, or to be somebody else.
AMOUNTS_TO_ADMIN = (
    "get secrets",
    "list secrets",
    "watch secrets",
    "create pods",
    "patch pods",
    "patch pods/ephemeralcontainers",
    "update pods/ephemeralcontainers",
    "create pods/exec",
    "get pods/exec",
    "create pods/attach",
    "create pods/proxy",
    "get nodes/proxy",
    "create nodes/proxy",
    "create serviceaccounts/token",
    "impersonate users",
    "impersonate groups",
    "impersonate serviceaccounts",
    "bind clusterroles.rbac.authorization.k8s.io",
    "escalate clusterroles.rbac.authorization.k8s.io",
    "create clusterrolebindings.rbac.authorization.k8s.io",
    "patch clusterrolebindings.rbac.authorization.k8s.io",
    "create rolebindings.rbac.authorization.k8s.io",
    "patch roles.rbac.authorization.k8s.io",
    "patch namespaces",
    "create mutatingwebhookconfigurations.admissionregistration.k8s.io",
    "patch mutatingwebhookconfigurations.admissionregistration.k8s.io",
    "delete validatingadmissionpolicies.admissionregistration.k8s.io",
    "patch validatingadmissionpolicybindings.admissionregistration.k8s.io",
    "update certificatesigningrequests/approval.certificates.k8s.io",
    "patch applications.argoproj.io",
    "create applications.argoproj.io",
    "patch appprojects.argoproj.io",
    "create externalsecrets.external-secrets.io",
    "patch externalsecrets.external-secrets.io",
    "patch secretstores.external-secrets.io",
    "patch networkpolicies.networking.k8s.io",
    "patch ec2nodeclasses.karpenter.k8s.aws",
    "patch nodepools.karpenter.sh",
    *(
        f"{verb} {plural}"
        for verb in ("create", "update", "patch")
        for plural in (
            "deployments.apps",
            "statefulsets.apps",
            "daemonsets.apps",
            "replicasets.apps",
            "replicationcontrollers",
            "jobs.batch",
            "cronjobs.batch",
            "leaderworkersets.leaderworkerset.x-k8s.io",
            "rayservices.ray.io",
            "rayclusters.ray.io",
            "rayjobs.ray.io",
        )
    ),
)


@pytest.mark.parametrize("group", GROUPS)
def test_no_group_has_a_right_that_amounts_to_admin(server: Server, group: str) -> None:
    assert allowed(server, group, "get pods"), "the group is bound"
    for namespace in ("models", "argocd", "kube-system", ""):
        assert [each for each in AMOUNTS_TO_ADMIN if allowed(server, group, each, namespace)] == [], namespace


def test_an_administrator_has_these_rights(server: Server) -> None:
    """The question can be answered with yes."""
    assert [each for each in AMOUNTS_TO_ADMIN if not allowed(server, "system:masters", each)] == []


# -------------------------------------------------------------------------------------------------- service accounts

# AWS's own manifests ask for it: they note on pods which devices they gave out. The threat model names it.
NEEDED = {"neuron-device-plugin": {"patch pods"}, "neuron-scheduler-extension": {"patch pods"}}


def shipped_roles() -> Iterator[dict[str, Any]]:
    """Yield the roles and bindings that our own manifests bring, those of people apart."""
    for path, value in documents(BASES):
        kind = value.get("kind", "") if isinstance(value, dict) else ""
        if kind in ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding") and "access-roles" not in path.parts:
            yield value


def test_no_service_account_that_is_shipped_has_more_than_it_needs(server: Server) -> None:
    values = list(shipped_roles())
    for value in values:
        namespace = value["metadata"].get("namespace")
        if namespace:
            server.keep({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    for value in sorted(values, key=lambda each: each["kind"].endswith("Binding")):
        server.keep(value)
    rules = {(value["kind"], value["metadata"]["name"]): value.get("rules", []) for value in values}
    accounts = 0
    for binding in (value for value in values if value["kind"].endswith("Binding")):
        for subject in binding.get("subjects", []):
            assert subject["kind"] == "ServiceAccount", f"{binding['metadata']['name']} binds {subject}"
            user = f"system:serviceaccount:{subject['namespace']}:{subject['name']}"
            own = binding["metadata"].get("namespace", "")
            too_many = [each for each in AMOUNTS_TO_ADMIN if allowed(server, "", each, own or "models", user=user)]
            assert set(too_many) <= NEEDED.get(subject["name"], set()), f"{user}: {too_many}"
            granted = rules.get((binding["roleRef"]["kind"], binding["roleRef"]["name"]))
            for rule in granted or []:
                if "resourceNames" in rule or "nonResourceURLs" in rule:
                    continue
                group = rule["apiGroups"][0]
                what = f"{rule['verbs'][0]} {dotted(rule['resources'][0], group)}"
                assert allowed(server, "", what, own or "models", user=user), f"{user} may not {what}"
            accounts += 1
    assert accounts >= 4


def dotted(resource: str, group: str) -> str:
    """Return `deployments.apps/scale` for `deployments/scale` as `allowed` reads it: the group before the slash."""
    name, slash, subresource = resource.partition("/")
    return (f"{name}.{group}" if group else name) + slash + subresource


# ------------------------------------------------------------------------------------- ephemeral containers and images


def debugged(server: Server, image: str) -> Answer:
    """Ask to add a container to a pod that runs, as `kubectl debug` does."""
    path = object_path(PODS, "v1", "models", "running") + "/ephemeralcontainers?dryRun=All"
    patch = {"spec": {"ephemeralContainers": [{"name": "debug", "image": image}]}}
    return server.api.request("PATCH", path, patch, "application/strategic-merge-patch+json")


def test_kubectl_debug_is_refused_with_an_image_whose_tag_moves(server: Server) -> None:
    server.keep(wrapped("Pod", pod(), "running"))
    refused, taken = debugged(server, MOVING), debugged(server, PINNED)
    assert not refused.ok and "floating-image-tags" in refused.message, refused.message
    assert taken.ok, taken.message


@pytest.mark.parametrize("kind", ["Pod", "Deployment", "CronJob", "LeaderWorkerSet", "RayService"])
def test_image_volumes_of_every_kind_are_looked_at(server: Server, kind: str) -> None:
    for image, expected in ((MOVING, "floating-image-tags"), (PINNED, "")):
        mounted = pod()
        mounted["volumes"] = [{"name": "weights", "image": {"reference": image}}]
        assert server.refused_by(wrapped(kind, mounted)) == expected


# ---------------------------------------------------------------------------------------------------- load balancers


def class_params(labels: dict[str, str], scheme: str) -> dict[str, Any]:
    """Return what an IngressClass takes the scheme of its load balancers from."""
    return {
        "apiVersion": "elbv2.k8s.aws/v1beta1",
        "kind": "IngressClassParams",
        "metadata": {"name": "probe", "labels": labels},
        "spec": {"scheme": scheme},
    }


def configuration(scheme: str) -> dict[str, Any]:
    """Return what a Gateway takes the scheme of its load balancers from."""
    return {
        "apiVersion": "gateway.k8s.aws/v1beta1",
        "kind": "LoadBalancerConfiguration",
        "metadata": {"name": "probe"},
        "spec": {"scheme": scheme},
    }


def test_load_balancers_of_gateways_and_ingress_classes_are_looked_at(server: Server) -> None:
    public = "internet-facing"
    assert server.refused_by(configuration(public)) == "public-load-balancers"
    assert server.refused_by(configuration(public), "gateway") == ""
    assert server.refused_by(configuration("internal")) == ""
    assert server.refused_by(class_params({}, public)) == "public-load-balancers"
    assert server.refused_by(class_params({"modelyard.dev/public-load-balancers": "allowed"}, public)) == ""
    assert server.refused_by(class_params({}, "internal")) == ""


def test_an_object_that_was_internal_cannot_become_public(server: Server) -> None:
    """Policies look at updates too."""
    internal = service({}, loadBalancerClass="service.k8s.aws/nlb")
    server.keep({**internal, "metadata": {"name": "kept", "namespace": "models"}})
    public = service({"service.beta.kubernetes.io/aws-load-balancer-scheme": "internet-facing"})
    public["spec"]["loadBalancerClass"] = "service.k8s.aws/nlb"
    public["metadata"]["name"] = "kept"
    assert server.refused_by(public) == "public-load-balancers"


def test_the_quota_of_models_lets_no_load_balancer_in(server: Server) -> None:
    """No quota controller runs here, so that the test counts for it: nothing is used yet."""
    (quota,) = [
        value
        for _, value in documents(PLATFORM / "model-namespace")
        if isinstance(value, dict) and value.get("kind") == "ResourceQuota"
    ]
    server.keep({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "counted"}})
    server.keep({**quota, "metadata": {"name": "models", "namespace": "counted"}})
    hard = quota["spec"]["hard"]
    path = object_path(ServedKind("resourcequotas", True), "v1", "counted", "models") + "/status"
    status = {"status": {"hard": hard, "used": dict.fromkeys(hard, "0")}}
    assert server.api.request("PATCH", path, status, "application/merge-patch+json").ok
    balancer = service({}, loadBalancerClass="service.k8s.aws/nlb")
    inside = service({}, type="ClusterIP")
    noticed(lambda: server.refused_by(balancer, "counted"), lambda said: "exceeded quota" in said)
    assert server.refused_by(inside, "counted") == ""


# --------------------------------------------------------------------------------------------------- stores of secrets


def test_a_store_belongs_to_its_namespace(server: Server) -> None:
    assert server.served["external-secrets.io/v1", "SecretStore"].namespaced
    assert ("external-secrets.io/v1", "ClusterSecretStore") not in server.served, "the platform defines none"
    reference = {"kind": "SecretStore", "name": "secrets-manager"}
    value: dict[str, Any] = {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": {"name": "probe"},
        "spec": {"secretStoreRef": reference, "data": [{"secretKey": "a", "remoteRef": {"key": "dev/a"}}]},
    }
    assert server.refused_by(value) == ""
    elsewhere = copy.deepcopy(value)
    elsewhere["spec"]["secretStoreRef"]["namespace"] = "argocd"
    assert "secretStoreRef.namespace" in server.refused_by(elsewhere), "a reference cannot name another namespace"


# ------------------------------------------------------------------------------------------- Pod Security of namespaces


def shipped_namespaces() -> list[dict[str, Any]]:
    """Return every namespace that the platform brings."""
    found = {
        value["metadata"]["name"]: value
        for _, value in documents(BASES)
        if isinstance(value, dict) and value.get("kind") == "Namespace" and "metadata" in value
    }
    return list(found.values())


def above(level: str) -> dict[str, Any]:
    """Return a pod of more rights than a level has."""
    spec = copy.deepcopy(POD)
    if level == "restricted":
        spec["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    else:
        spec["hostNetwork"] = True
    return spec


def test_namespaces_hold_their_level_of_pod_security(server: Server) -> None:
    levels: dict[str, list[str]] = {}
    for value in shipped_namespaces():
        name, labels = value["metadata"]["name"], value["metadata"].get("labels", {})
        level = labels.get("pod-security.kubernetes.io/enforce")
        assert level, f"namespace {name} has no level"
        levels.setdefault(level, []).append(name)
        tried = f"level-{name}"
        answer = server.api.apply(
            object_path(NAMESPACES, "v1", "", tried),
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": tried, "labels": labels}},
            dry_run=False,
        )
        assert answer.ok, answer.message
        if level == "privileged":
            privileged = copy.deepcopy(POD)
            privileged["containers"][0]["securityContext"] = {"privileged": True}
            assert refusal_of_pod(server.api, tried, privileged) == ""
            continue
        assert refusal_of_pod(server.api, tried, POD) == "", name
        assert "violates PodSecurity" in refusal_of_pod(server.api, tried, above(level)), name
    assert "models" in levels["restricted"]
    for name in levels["privileged"]:
        said = [path for path in BASES.rglob("README.md") if "`privileged`" in path.read_text()]
        assert any(declares(path.parent, name) for path in said), f"no README says why {name} is privileged"
    assert len(levels["restricted"]) > 5


def declares(folder: Any, name: str) -> bool:
    """Return whether a folder, or what it takes from bases, brings the namespace."""
    return any(
        isinstance(value, dict) and value.get("kind") == "Namespace" and value["metadata"]["name"] == name
        for _, value in documents(folder)
    ) or (folder.name.startswith("fluent-bit") and name == "logging")
