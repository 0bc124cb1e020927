"""The policies that the cluster refuses by, asked of a real API server, and the checker about the same objects."""

from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import Any

import pytest

from modelyard.rules.images.floating_tag.rule import moves
from modelyard.tooling import parallel
from modelyard.view import ACCELERATORS
from tests.manifests.composition import OVERLAYS, Repository, build, names, shipped
from tests.rehearsal.guarded import INTERNAL, KINDS, PLATFORM, PUBLIC, Server, allowed, pod, service, wrapped

pytestmark = pytest.mark.slow  # starts a control plane


# ----------------------------------------------------------------------------------------------------------- images

TAGS = [
    *(
        "latest",
        "rolling",
        "alpine",
        "slim-bookworm",
        "LATEST",
        "main",
        "nightly",
        "stable",
        "v1",
        "1",
        "v0.33",
        "0.33-cu129",
        "v1_alpine",
        "edge.1",
        "dev-2",
    ),
    *("v0.33.0", "0.33.0-cu129", "nightly-095f58a54c1d2e3f", "nightly-20260801", "7.4", "7.4.1", "v12-1a2b3c4", "x"),
    *(
        "1.2.3.4",
        "2026-08-01",
        "sdk2.31.1",
        "0.16.0-neuronx-py312-sdk2.31.1-ubuntu24.04",
        "mainly",
        "v1.x",
        "head-1a2b3c4_",
    ),
]


def made_tags(count: int) -> list[str]:
    """Return tags put together from the parts that the expressions look at."""
    chance = random.Random(7)  # noqa: S311
    parts = [
        "latest",
        "Main",
        "nightly",
        "v",
        "1",
        ".2",
        "0.33",
        "1.2.3",
        "-",
        "_",
        ".",
        "cu129",
        "26.07",
        "1a2b3c4",
        "20260801",
        "x",
    ]
    made = {"".join(chance.choices(parts, k=chance.randint(1, 5))) for _ in range(count)}
    return sorted(tag for tag in made if tag[0] not in "-.")


def test_the_server_and_the_checker_agree_on_every_tag(server: Server) -> None:
    tags = TAGS + made_tags(800)
    assert len(tags) > 350
    verdicts = {tag: moves(tag) for tag in tags}
    assert 50 < sum(verdicts.values()) < len(tags) - 50, "one verdict is too rare to compare"

    def differs(tag: str) -> str:
        refused = server.refused_by(wrapped("Pod", pod(f"registry.example.com:5000/team/engine:{tag}")))
        assert refused in ("", "floating-image-tags"), refused
        return f"{tag}: the checker says {verdicts[tag]}" if bool(refused) != verdicts[tag] else ""

    assert not [text for text in parallel(differs, tags) if text]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_that_holds_pods_is_looked_at(server: Server, kind: str) -> None:
    moving = server.tried(wrapped(kind, pod("example.com:5000/engine")))
    assert "images whose tag moves: example.com:5000/engine; name a release or a digest" in moving.message
    assert server.refused_by(wrapped(kind, pod())) == ""
    assert server.refused_by(wrapped(kind, pod("example.com/engine:latest@sha256:" + "a" * 64))) == ""
    beside = pod()
    beside["initContainers"] = [{"name": "fetch", "image": "example.com/fetch:latest"}]
    assert server.refused_by(wrapped(kind, beside)) == "floating-image-tags"


def test_image_volumes_are_looked_at(server: Server) -> None:
    mounted = pod()
    mounted["volumes"] = [{"name": "weights", "image": {"reference": "example.com/weights:latest"}}]
    assert server.refused_by(wrapped("Pod", mounted)) == "floating-image-tags"
    mounted["volumes"] = [{"name": "weights", "image": {"reference": "example.com/weights:v1.2.3"}}]
    assert server.refused_by(wrapped("Pod", mounted)) == ""


def test_elsewhere_a_moving_tag_is_a_warning(server: Server) -> None:
    answer = server.tried(wrapped("Pod", pod("example.com/engine:latest")), "elsewhere")
    assert answer.ok
    assert any("floating-image-tags" in warning for warning in answer.warnings), answer.warnings
    assert not server.tried(wrapped("Pod", pod()), "elsewhere").warnings


# ---------------------------------------------------------------------------------------------------------- devices


@pytest.mark.parametrize("device", ACCELERATORS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_device_without_a_limit_is_refused(server: Server, kind: str, device: str) -> None:
    without = server.tried(wrapped(kind, pod(requests={device: "1", "memory": "1Gi"}, limits={"memory": "1Gi"})))
    assert not without.ok
    assert "have no limit for them: engine" in without.message or "Limit must be set" in without.message
    assert server.refused_by(wrapped(kind, pod(requests={device: "1"}, limits={device: "1"}))) == ""
    assert server.refused_by(wrapped(kind, pod(limits={device: "1"}))) == ""


# --------------------------------------------------------------------------------------------------- load balancers


@pytest.mark.parametrize(
    ("value", "refused"),
    [
        (service({PUBLIC: "internet-facing"}), True),
        (service({PUBLIC: "internet-facing"}, loadBalancerClass="service.k8s.aws/nlb"), True),
        (service({}), True),  # AWS's own controller makes it public
        (service({PUBLIC: "internal"}), True),  # which does not know the scheme
        (service({PUBLIC: "internal"}, loadBalancerClass="service.k8s.aws/nlb"), False),
        (service({}, loadBalancerClass="service.k8s.aws/nlb"), False),
        # The load balancer controller reads the older annotation where there is no scheme.
        (service({INTERNAL: "false"}, loadBalancerClass="service.k8s.aws/nlb"), True),
        (service({INTERNAL: "true"}, loadBalancerClass="service.k8s.aws/nlb"), False),
        (service({INTERNAL: "false", PUBLIC: "internal"}, loadBalancerClass="service.k8s.aws/nlb"), False),
        (service({"service.beta.kubernetes.io/aws-load-balancer-internal": "true"}), False),
        (service({PUBLIC: "internet-facing"}, type="ClusterIP"), False),
    ],
)
def test_load_balancers_that_face_the_internet(server: Server, value: dict[str, Any], refused: bool) -> None:
    assert server.refused_by(value) == ("public-load-balancers" if refused else "")
    assert server.refused_by(value, "elsewhere") == ("public-load-balancers" if refused else "")
    assert server.refused_by(value, "gateway") == ""


@pytest.mark.parametrize(
    ("spec", "refused"),
    [
        ({"data": [{"secretKey": "token", "remoteRef": {"key": "dev/argocd-git"}}]}, True),
        ({"dataFrom": [{"extract": {"key": "dev/opensearch"}}]}, True),
        ({"dataFrom": [{"find": {"name": {"regexp": ".*"}}}]}, True),
        ({"data": [{"secretKey": "token", "remoteRef": {"key": "dev/hf-token"}}]}, False),
        ({"dataFrom": [{"extract": {"key": "dev/my-opensearch-index"}}]}, False),
    ],
)
def test_models_do_not_read_the_platforms_secrets(server: Server, spec: dict[str, Any], refused: bool) -> None:
    store = {"secretStoreRef": {"kind": "SecretStore", "name": "secrets-manager"}}
    value = {"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": {"name": "probe"}}
    value = {**value, "spec": {**store, **spec}}
    assert server.refused_by(value) == ("secrets-of-the-platform" if refused else "")
    assert server.refused_by(value, "elsewhere") == ""


def test_ingresses_that_face_the_internet(server: Server) -> None:
    def ingress(scheme: str) -> dict[str, Any]:
        return {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": "probe", "annotations": {"alb.ingress.kubernetes.io/scheme": scheme}},
            "spec": {"defaultBackend": {"service": {"name": "chat", "port": {"number": 80}}}},
        }

    assert server.refused_by(ingress("internet-facing")) == "public-load-balancers"
    assert server.refused_by(ingress("internal")) == ""


# ------------------------------------------------------------------------------------------------------ what we ship


def test_nothing_that_is_shipped_is_refused(server: Server, tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repository")
    tried = 0
    for overlay in names(OVERLAYS):
        for value in build(repository.model(f"m-{overlay}"[:40].rstrip("-"), overlay)):
            if (value["apiVersion"], value["kind"]) in server.served and value["kind"] != "Namespace":
                refused = server.refused_by(value)
                assert not refused, f"{overlay}: {value['kind']} {value['metadata']['name']}: {refused}"
                tried += value["kind"] in {"Deployment", "LeaderWorkerSet", "RayService"}
    assert tried >= len(names(OVERLAYS))


def test_no_component_is_told_of(server: Server) -> None:
    tried = 0
    for component in sorted(PLATFORM.glob("*/component.yaml")):
        for value in shipped(component.parent):
            if value["kind"] not in {"DaemonSet", "Deployment", "StatefulSet", "Job", "CronJob", "Service"}:
                continue
            answer = server.tried(unprivileged(value), "elsewhere")
            assert answer.ok, f"{component.parent.name}: {answer.message}"
            assert not [each for each in answer.warnings if "ValidatingAdmissionPolicy" in each], answer.warnings
            tried += 1
    assert tried > 3


def unprivileged(value: dict[str, Any]) -> dict[str, Any]:
    """Return an object whose containers are not privileged, which this API server is not started to allow."""
    value = copy.deepcopy(value)
    pod_spec = value["spec"].get("template", {}).get("spec", {})
    for each in (*pod_spec.get("containers", ()), *pod_spec.get("initContainers", ())):
        each.get("securityContext", {}).pop("privileged", None)
    return value


# -------------------------------------------------------------------------------------------------------------- roles

MAY = {
    "readers": {
        "yes": ["get pods", "list nodes", "watch deployments.apps", "get externalsecrets.external-secrets.io"],
        "no": ["get pods/log", "delete pods", "create pods", "patch deployments.apps", "create pods/portforward"],
    },
    "model-owners": {
        "yes": ["get pods", "get pods/log", "delete pods", "create pods/portforward"],
        "no": [
            "patch deployments.apps",
            "create deployments.apps",
            "patch nodes",
            "delete resourcequotas",
            "update networkpolicies.networking.k8s.io",
        ],
    },
    "platform": {
        "yes": [
            "get pods/log",
            "create pods/eviction",
            "patch nodes",
            "delete nodeclaims.karpenter.sh",
            "delete jobs.batch",
        ],
        "no": [
            "create pods",
            "create deployments.apps",
            "patch deployments.apps",
            "patch statefulsets.apps",
            "patch applications.argoproj.io",
            "delete namespaces",
            "delete nodepools.karpenter.sh",
        ],
    },
    "strangers": {"yes": [], "no": ["get pods", "get nodes", "get configmaps"]},
}
NOBODY = [
    "get secrets",
    "list secrets",
    "create pods/exec",
    "create pods/attach",
    "bind clusterroles.rbac.authorization.k8s.io",
]
NOBODY += ["create serviceaccounts/token", "update clusterrolebindings.rbac.authorization.k8s.io", "impersonate users"]


@pytest.mark.parametrize("group", MAY)
def test_a_group_may_what_its_role_says_and_nothing_else(server: Server, group: str) -> None:
    assert [what for what in MAY[group]["yes"] if not allowed(server, group, what)] == []
    assert [what for what in MAY[group]["no"] + NOBODY if allowed(server, group, what)] == []


def test_model_owners_have_their_rights_in_their_namespace_alone(server: Server) -> None:
    assert allowed(server, "model-owners", "get pods", "argocd")
    assert not allowed(server, "model-owners", "get pods/log", "argocd")
    assert not allowed(server, "model-owners", "delete pods", "kube-system")
    assert allowed(server, "platform", "get pods/log", "argocd")
