"""cleanup.sh against a cluster that behaves as one with controllers does, and stand-ins for AWS and Terraform."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.template.cloud import Answer, Cloud
from tests.template.conftest import REPOSITORY_URL

Manifest = dict[str, Any]
MADE_HERE: Answer = ("cluster.tags", 0, "my-platform-dev\n")
NETWORK: Answer = ("describe-vpcs", 0, "vpc-1\n")
NO_OBJECTS: Answer = ("list-object-versions", 0, "0\n")
BUCKET: Answer = ("output -raw models_bucket_name", 0, "my-platform-dev-models-111122223333")
USUAL = (MADE_HERE, NETWORK, NO_OBJECTS, BUCKET)
BEFORE, INSTALLED, AFTER = "2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"


def manifest(kind: str, name: str, namespace: str | None = None, **more: Any) -> Manifest:
    """Make an object: `by` is the Application that made it, `owner` what owns it, `notes` and `labels` as they are."""
    kinds = {
        **dict.fromkeys(("Deployment", "StatefulSet", "DaemonSet"), "apps/v1"),
        **dict.fromkeys(("NodePool", "NodeClaim"), "karpenter.sh/v1"),
        **dict.fromkeys(("Application", "AppProject"), "argoproj.io/v1alpha1"),
        "EC2NodeClass": "karpenter.k8s.aws/v1",
        "PodDisruptionBudget": "policy/v1",
        "Prometheus": "monitoring.coreos.com/v1",
        "Gateway": "gateway.networking.k8s.io/v1",
        "ValidatingWebhookConfiguration": "admissionregistration.k8s.io/v1",
        "StorageClass": "storage.k8s.io/v1",
    }
    api = kinds.get(kind, "v1")
    metadata: Manifest = {"name": name, "uid": f"{kind}/{namespace}/{name}", "annotations": dict(more.get("notes", {}))}
    metadata["creationTimestamp"] = more.get("made", AFTER)
    metadata["labels"] = dict(more.get("labels", {}))
    if namespace:
        metadata["namespace"] = namespace
    if by := more.get("by"):
        tracking = f"{by}:{api.rpartition('/')[0]}/{kind}:{namespace or 'argocd'}/{name}"
        metadata["annotations"]["argocd.argoproj.io/tracking-id"] = tracking
    if owner := more.get("owner"):
        metadata["ownerReferences"] = [{"uid": owner["metadata"]["uid"]}]
    if writers := more.get("writers"):
        metadata["managedFields"] = [{"manager": writer, "operation": "Apply"} for writer in writers]
    if more.get("finalizers"):
        metadata["finalizers"] = more["finalizers"]
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": more.get("spec", {})}


def application(name: str, component: str, repository: str = REPOSITORY_URL) -> Manifest:
    finalizers = ["resources-finalizer.argocd.argoproj.io"] if component == "model" else []
    folder = "models" if component == "model" else "platform"
    source = {"repoURL": repository, "path": f"environments/dev/{folder}/{name}"}
    labels = {"app.kubernetes.io/component": component}
    return manifest("Application", name, "argocd", labels=labels, finalizers=finalizers, spec={"source": source})


def cluster(*more: Manifest) -> list[Manifest]:
    """A small environment as it runs: a model, Prometheus with a volume and a budget, a gateway, Karpenter, nodes."""
    prometheus = manifest("Prometheus", "stack", "monitoring", by="kube-prometheus-stack")
    template = {"volumeClaimTemplates": [{"metadata": {"name": "db"}}]}
    kept, made = {"test/kept-by": "Deployment/operator"}, {"test/kept-by": "Prometheus/stack"}
    return [
        manifest("Application", "root", "argocd"),
        manifest("AppProject", "bootstrap", "argocd", made=INSTALLED),
        application("chat", "model"),
        application("karpenter", "platform"),
        application("kube-prometheus-stack", "platform"),
        manifest("Deployment", "chat", "models", by="chat"),
        manifest("Service", "web", "models", by="model-namespace", spec={"type": "LoadBalancer"}),
        manifest("Gateway", "gateway", "models", by="model-namespace"),
        manifest(
            "Service",
            "envoy",
            "envoy-gateway-system",
            spec={"type": "LoadBalancer"},
            notes={"test/kept-by": "Gateway/gateway"},
            labels={
                "gateway.envoyproxy.io/owning-gateway-name": "gateway",
                "gateway.envoyproxy.io/owning-gateway-namespace": "models",
            },
        ),
        manifest("Deployment", "operator", "monitoring", by="kube-prometheus-stack"),
        prometheus,
        manifest("StatefulSet", "prometheus", "monitoring", owner=prometheus, spec=template, notes=made),
        manifest("StatefulSet", "search", "monitoring", by="kube-prometheus-stack", spec=template, notes=kept),
        manifest("PersistentVolumeClaim", "db-prometheus-0", "monitoring"),
        manifest("PersistentVolumeClaim", "db-search-0", "monitoring"),
        manifest("PodDisruptionBudget", "prometheus", "monitoring", by="kube-prometheus-stack"),
        manifest("Deployment", "karpenter", "kube-system", by="karpenter"),
        (pool := manifest("NodePool", "gpu", by="karpenter")),
        manifest("NodeClaim", "gpu-1", owner=pool, labels={"karpenter.sh/nodepool": "gpu"}),
        manifest("EC2NodeClass", "gpu", by="karpenter"),
        manifest("Deployment", "coredns", "kube-system"),
        *more,
    ]


@pytest.fixture
def cloud(repository: Path, tmp_path: Path) -> Cloud:
    return Cloud(repository, tmp_path / "bin")


def changes(cloud: Cloud) -> list[str]:
    """What was called that changes something."""
    words = (" delete ", " delete-", " label ", " annotate ", " destroy ", " apply ", " state rm ")
    return [call["line"] for call in cloud.calls if any(word in call["line"] for word in words)]


def test_an_environment_goes_from_models_to_the_network(cloud: Cloud) -> None:
    cloud.hold(cluster())
    done = cloud.call("cleanup.sh", answers=USUAL, stdin="my-platform-dev\n")
    assert done.returncode == 0, done.stderr
    order = [
        "delete applications.argoproj.io root",
        "delete applications.argoproj.io chat",
        "karpenter karpenter-crd",
        "delete Gateway.v1.gateway.networking.k8s.io gateway",
        "delete Prometheus.v1.monitoring.coreos.com stack",
        "wait Service envoy",
        "delete Deployment.v1.apps operator",
        "delete StatefulSet.v1.apps search",
        "delete PersistentVolumeClaim db-prometheus-0 db-search-0",
        "delete PodDisruptionBudget.v1.policy",
        "delete NodePool.v1.karpenter.sh gpu",
        "wait NodeClaim.v1.karpenter.sh gpu-1",
        "delete EC2NodeClass.v1.karpenter.k8s.aws gpu",
        "describe-load-balancers",
        "terraform -chdir=terraform destroy",
        "get-resources",
    ]
    positions = [cloud.position(words) for words in order]
    assert positions == sorted(positions)
    # Karpenter and Argo CD end the rest and go with the cluster; CoreDNS is of EKS.
    assert cloud.held == {"AppProject/bootstrap", "Deployment/karpenter", "Deployment/coredns"}
    assert "leaves nothing behind" not in done.stderr


def test_the_list_is_shown_before_anything_changes(cloud: Cloud) -> None:
    cloud.hold(cluster())
    done = cloud.call("cleanup.sh", answers=USUAL, stdin="dev\n")
    assert done.returncode == 2
    assert "that is not my-platform-dev; nothing was changed" in done.stderr
    assert "  PersistentVolumeClaim monitoring/db-search-0\n" in done.stderr
    assert "  NodePool.v1.karpenter.sh gpu (karpenter)\n" in done.stderr
    assert changes(cloud) == []


def test_a_dry_run_lists_and_changes_nothing(cloud: Cloud) -> None:
    cloud.hold(cluster(manifest("Deployment", "shop", "payments")))
    done = cloud.call("cleanup.sh", "--dry-run", answers=USUAL)
    assert done.returncode == 0, done.stderr
    assert "  Deployment.v1.apps payments/shop (deployments)\n" in done.stderr
    assert list(changes(cloud)) == []


OTHERS = (
    manifest("Deployment", "shop", "payments"),
    manifest("Service", "shop", "payments", spec={"type": "LoadBalancer"}),
    manifest("PersistentVolumeClaim", "orders", "payments"),
    # A copied annotation is not ownership.
    manifest(
        "StatefulSet", "copy", "payments", notes={"argocd.argoproj.io/tracking-id": "chat:apps/StatefulSet:models/chat"}
    ),
    (other_pool := manifest("NodePool", "batch")),
    manifest("NodeClaim", "batch-1", owner=other_pool, labels={"karpenter.sh/nodepool": "batch"}),
)


def test_what_others_made_is_named_and_stops_it(cloud: Cloud) -> None:
    cloud.hold(cluster(*OTHERS))
    done = cloud.call("cleanup.sh", "--yes", answers=USUAL)
    assert done.returncode == 2
    assert "others made the above in my-platform-dev; nothing was changed" in done.stderr
    for name in ("payments/shop", "payments/orders", "payments/copy", "batch"):
        assert name in done.stderr
    assert changes(cloud) == []


@pytest.mark.slow
def test_what_others_made_goes_when_that_is_asked_for(cloud: Cloud) -> None:
    cloud.hold(cluster(*OTHERS))
    done = cloud.call("cleanup.sh", "--yes", "--with-others", answers=USUAL)
    assert done.returncode == 0, done.stderr
    assert cloud.held == {"AppProject/bootstrap", "Deployment/karpenter", "Deployment/coredns"}


@pytest.mark.parametrize("known_by", ["settings", pytest.param("tag", marks=pytest.mark.slow)])
def test_a_cluster_that_was_there_before_keeps_what_others_made(
    repository: Path, tmp_path: Path, known_by: str
) -> None:
    cloud = Cloud(repository, tmp_path / "bin")
    theirs = [
        *OTHERS,
        manifest("StorageClass", "gp3", by="storage"),
        manifest("Deployment", "adopted", "monitoring", by="kube-prometheus-stack", made=BEFORE),
        manifest("Deployment", "taken-over", "argocd", by="argocd", made=BEFORE, writers=["helm", "modelyard-install"]),
        application("theirs", "platform", "https://github.com/acme/other.git"),
        application("their-model", "model", "https://github.com/acme/other.git"),
        manifest("Deployment", "their-model", "models", by="their-model"),
    ]
    ours = [
        manifest("ValidatingWebhookConfiguration", "hook", by="kube-prometheus-stack"),
        manifest("Deployment", "argocd-server", "argocd", by="argocd", made=BEFORE, writers=["modelyard-install"]),
    ]
    cloud.hold(cluster(*theirs, *ours))
    answers: list[Answer] = [NO_OBJECTS, ("describe-vpcs", 0, "None\n"), BUCKET]
    if known_by == "settings":
        settings = repository / "environments/dev/terraform.tfvars"
        settings.write_text(settings.read_text() + 'existing_cluster = {\n  vpc_id = "vpc-9"\n}\n')
        answers.append(MADE_HERE)
    else:
        answers.append(("cluster.tags", 0, "None\n"))
    done = cloud.call("cleanup.sh", "--yes", answers=answers)
    assert done.returncode == 0, done.stderr
    assert "was there before this environment and stays" in done.stderr
    kept = {f"{each['kind']}/{each['metadata']['name']}" for each in theirs}
    assert cloud.held == {*kept, "Deployment/coredns"}
    assert "Left in the cluster" in done.stderr and "monitoring/adopted" in done.stderr
    assert not [line for line in changes(cloud) if "payments" in line or " --all" in line.replace("--all-", "")]


@pytest.mark.slow
def test_when_the_environment_came_must_be_known(repository: Path, tmp_path: Path) -> None:
    cloud = Cloud(repository, tmp_path / "bin")
    cloud.hold([each for each in cluster() if each["kind"] != "AppProject"])
    done = cloud.call("cleanup.sh", "--yes", answers=[("cluster.tags", 0, "None\n"), *USUAL[1:]])
    assert done.returncode == 2
    assert "when the environment came is not known" in done.stderr
    assert changes(cloud) == []


CONFIRM = manifest(
    "PersistentVolumeClaim",
    "chat",
    "models",
    by="chat",
    notes={"argocd.argoproj.io/sync-options": "Prune=confirm,Delete=confirm"},
)


def test_a_guarded_claim_is_deleted_when_it_is_approved_by_name(cloud: Cloud) -> None:
    cloud.hold(cluster(CONFIRM))
    done = cloud.call("cleanup.sh", answers=USUAL, stdin="chat\nmy-platform-dev\n")
    assert done.returncode == 0, done.stderr
    assert "PersistentVolumeClaim/chat" not in cloud.held
    assert cloud.position("delete applications.argoproj.io chat") < cloud.position("deletion-approved=2026-11-30")


@pytest.mark.slow
@pytest.mark.parametrize("words", [("--yes",), ()])
def test_a_guarded_claim_stops_it_without_an_approval(cloud: Cloud, words: tuple[str, ...]) -> None:
    cloud.hold(cluster(CONFIRM))
    done = cloud.call("cleanup.sh", *words, answers=USUAL, stdin="no\n")
    assert done.returncode == 2
    assert "models/chat" in done.stderr
    assert "nothing was changed" in done.stderr
    assert changes(cloud) == []
    again = cloud.call("cleanup.sh", "--yes", "--approve", "chat", answers=USUAL)
    assert again.returncode == 0, again.stderr


STUCK = {"test/stuck": ""}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stuck", "says", "left"),
    [
        (
            manifest("Deployment", "held", "models", by="chat", notes=STUCK),
            "has not deleted the objects of chat",
            "kubectl",
        ),
        (
            manifest("Service", "held", "models", by="model-namespace", spec={"type": "LoadBalancer"}, notes=STUCK),
            "Service models/held (model-namespace)",
            "FailedDeployModel",
        ),
        (
            manifest("PodDisruptionBudget", "held", "kube-system"),
            "NodeClaim.v1.karpenter.sh gpu-1",
            "poddisruptionbudgets",
        ),
        (
            manifest("PersistentVolumeClaim", "held", "monitoring", by="storage", notes=STUCK),
            "PersistentVolumeClaim monitoring/held (storage)",
            "Used By",
        ),
    ],
)
def test_what_does_not_go_is_named_and_nothing_is_claimed(cloud: Cloud, stuck: Manifest, says: str, left: str) -> None:
    cloud.hold(cluster(stuck))
    done = cloud.call("cleanup.sh", "--yes", answers=USUAL)
    assert done.returncode == 2
    assert says in done.stderr and left in done.stderr
    assert "the environment still stands" in done.stderr
    assert not [call for call in cloud.calls if "destroy" in call["line"]]
    # Mended, it goes on where it stopped: what was known by its maker is known by its mark.
    manifests = list(json.loads((cloud.folder / "cluster.json").read_text()))
    for each in manifests:
        each["metadata"]["annotations"].pop("test/stuck", None)
    manifests = [
        each for each in manifests if each["metadata"]["name"] != "held" or each["kind"] != "PodDisruptionBudget"
    ]
    manifests = [
        each for each in manifests if each["kind"] != "NodeClaim" or not each["metadata"].get("deletionTimestamp")
    ]
    (cloud.folder / "cluster.json").write_text(json.dumps(manifests))
    again = cloud.call("cleanup.sh", "--yes", answers=USUAL)
    assert again.returncode == 0, again.stderr
    assert not {"PersistentVolumeClaim/db-prometheus-0", "NodePool/gpu"} & cloud.held


HELD: tuple[Answer, ...] = (
    MADE_HERE,
    NETWORK,
    BUCKET,
    ("head-bucket", 0, ""),
    ("list-object-versions", 0, "1\n"),
    ("describe-repositories", 0, "my-platform-dev/tools\n"),
    ("list-images", 0, "1\n"),
    (
        "state list",
        0,
        'module.storage.aws_s3_bucket.models\nmodule.encryption.aws_kms_key.this["data"]\nmodule.network.x\n',
    ),
)


@pytest.mark.slow
def test_data_is_asked_for_before_anything_changes(cloud: Cloud) -> None:
    cloud.hold(cluster())
    done = cloud.call("cleanup.sh", "--yes", answers=HELD)
    assert done.returncode == 2
    assert "objects in s3://my-platform-dev-models-111122223333" in done.stderr
    assert "images in my-platform-dev/tools" in done.stderr
    assert changes(cloud) == []
    done = cloud.call("cleanup.sh", answers=HELD, stdin="perhaps\n")
    assert "that is neither delete nor keep; nothing was changed" in done.stderr
    assert changes(cloud) == []


@pytest.mark.slow
def test_data_is_deleted_when_that_is_chosen(cloud: Cloud) -> None:
    cloud.hold(cluster())
    done = cloud.call("cleanup.sh", answers=HELD, stdin="delete\nmy-platform-dev\n")
    assert done.returncode == 0, done.stderr
    emptied = cloud.position("-var models_bucket_force_destroy=true -target=module.storage.aws_s3_bucket.models")
    assert emptied < cloud.position("ecr delete-repository --repository-name my-platform-dev/tools --force")
    assert emptied < cloud.position("terraform destroy")


def test_data_is_kept_with_its_key_when_that_is_chosen(cloud: Cloud) -> None:
    cloud.hold(cluster())
    done = cloud.call("cleanup.sh", "--yes", "--keep-data", answers=HELD)
    assert done.returncode == 0, done.stderr
    removed = [call["line"].split()[-1] for call in cloud.calls if "state rm" in call["line"]]
    assert removed == ["module.storage.aws_s3_bucket.models", 'module.encryption.aws_kms_key.this["data"]']
    assert "Kept with its key, as you chose" in done.stderr
    assert not [line for line in changes(cloud) if "force" in line]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "left", "says"),
    [
        ("aws elbv2 describe-load-balancers", "by-hand", "load balancers: by-hand"),
        ("aws elb describe-load-balancers", "a1b2c3", "classic load balancers: a1b2c3"),
        ("describe-instances", "i-0123456789", "instances: i-0123456789"),
    ],
)
def test_it_stops_at_what_was_made_by_hand(cloud: Cloud, asked: str, left: str, says: str) -> None:
    cloud.hold(cluster())
    done = cloud.call("cleanup.sh", "--yes", answers=[(asked, 0, f"{left}\n"), *USUAL])
    assert done.returncode == 2
    assert f"remove it, then run this again:\n{says}\n" in done.stderr
    assert not [call for call in cloud.calls if "destroy" in call["line"]]


def test_it_goes_on_where_it_was_interrupted(cloud: Cloud) -> None:
    gone = ("describe-cluster", 254, "An error occurred (ResourceNotFoundException)")
    secrets = ("list-secrets", 0, "my-platform-dev/hf-token\n")
    done = cloud.call("cleanup.sh", "--yes", answers=[gone, secrets, ("describe-vpcs", 0, "None\n"), NO_OBJECTS])
    assert done.returncode == 0, done.stderr
    assert not [call for call in cloud.calls if call["line"].startswith("kubectl")]
    assert [call for call in cloud.calls if "destroy" in call["line"]]
    assert "until then their names are taken" in done.stderr.lower() and "my-platform-dev/hf-token" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (("describe-cluster", 255, "Could not connect to the endpoint"), "whether there is a cluster"),
        (("get --raw /readyz", 1, "i/o timeout"), "public_access_cidrs"),
        (("get applications.argoproj.io", 1, "Forbidden"), "the Applications in the cluster cannot be read"),
        (("get applications.argoproj.io", 0, ""), "kubectl printed no list of Applications"),
    ],
)
def test_it_stops_where_it_cannot_know(cloud: Cloud, answer: Answer, says: str) -> None:
    cloud.hold(cluster())
    done = cloud.call("cleanup.sh", "--yes", answers=[answer, *USUAL])
    assert done.returncode == 2
    assert says in done.stderr and "nothing was changed" in done.stderr
    assert changes(cloud) == []


@pytest.mark.slow
def test_a_stopped_destroy_is_not_called_an_end(cloud: Cloud) -> None:
    cloud.hold(cluster())
    done = cloud.call("cleanup.sh", "--yes", answers=[("destroy", 1, "Error: DependencyViolation"), *USUAL])
    assert done.returncode == 2
    assert "still stands in part" in done.stderr
    assert "10. What remains" not in done.stderr
