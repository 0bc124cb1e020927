#!/usr/bin/env python3
"""Say which objects of a cluster belong to one environment, for cleanup.sh.

Reads `kubectl get <kinds> --all-namespaces -o json` on standard input and writes one object a line, separated by tabs:
its part in the cleanup, its kind as kubectl takes it, its namespace or `-`, its name, and a word about it or `-`.

An object belongs to the environment when Argo CD made it for one of the environment's Applications (the tracking
annotation names the Application and the object itself, so that a copied annotation counts for nothing), when install.sh
and nobody else made it, when something that belongs to the environment owns it, or when it carries the label that
cleanup.sh puts on claims and nodes.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any

TRACKING = "argocd.argoproj.io/tracking-id"
MARK = "modelyard.dev/cleanup"
INSTALLER = "modelyard-install"
KARPENTER = ("karpenter.sh", "karpenter.k8s.aws", "eks.amazonaws.com")
# What must still work while the rest goes: load balancers and nodes are removed by these, claims' pods by the first.
LAST = ("argocd", "aws-load-balancer-controller", "karpenter")
# Others in a cluster that was there before may use these, and Argo CD takes over what it finds by name.
SHARED = (
    *("Namespace", "CustomResourceDefinition", "StorageClass", "PersistentVolume", "PriorityClass", "GatewayClass"),
    *("IngressClass", "IngressClassParams", "CSIDriver", "RuntimeClass"),
)
CALLED_BY_THE_API = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "APIService")
BUILT_IN = re.compile(r"^(|apps|batch|autoscaling|policy|extensions|[a-z.-]+\.k8s\.io)$")
# Their objects are not of operators that make workloads, and are removed in parts of their own.
ELSEWHERE = (*KARPENTER, "argoproj.io", "gateway.networking.k8s.io", "apiextensions.k8s.io")
# What costs, or holds data, when nobody of this environment made it.
NOTICED = (
    *("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "PersistentVolumeClaim", "Ingress", "Gateway"),
    "NodePool",
)
# Namespaces that EKS fills.
OF_EKS = ("kube-system", "amazon-cloudwatch", "amazon-guardduty")

Manifest = dict[str, Any]


class Cluster:
    """The objects that kubectl listed, and who they belong to."""

    def __init__(self, manifests: list[Manifest], applications: set[str], environment: str) -> None:
        self.manifests, self.applications, self.environment = manifests, applications, environment
        self.by_uid = {
            manifest["metadata"]["uid"]: manifest for manifest in manifests if manifest["metadata"].get("uid")
        }
        self.pools = {
            manifest["metadata"]["name"]
            for manifest in manifests
            if manifest["kind"] == "NodePool" and self.application(manifest)
        }
        # A StatefulSet does not own the claims that it makes; it names them.
        self.claim_names: list[tuple[str, re.Pattern[str]]] = []
        for manifest in manifests:
            if manifest["kind"] == "StatefulSet" and self.is_ours(manifest):
                for claim in manifest["spec"].get("volumeClaimTemplates") or []:
                    name = re.escape(f"{claim['metadata']['name']}-{manifest['metadata']['name']}")
                    self.claim_names.append((manifest["metadata"]["namespace"], re.compile(rf"{name}-\d+")))
        self.makers = {
            id(owner)
            for manifest in manifests
            if manifest["kind"] in NOTICED or is_entrance(manifest)
            for owner in self.owners(manifest)
        }

    def application(self, manifest: Manifest) -> str | None:
        """Return the environment's Application that Argo CD made an object for."""
        metadata = manifest["metadata"]
        tracked = (metadata.get("annotations") or {}).get(TRACKING, "")
        name, _, rest = tracked.partition(":")
        this = f"{group_of(manifest)}/{manifest['kind']}:"
        # Argo CD writes the destination's namespace for objects that have none.
        same = rest.startswith(this) and rest.rpartition("/")[2] == metadata["name"]
        if metadata.get("namespace"):
            same = rest == f"{this}{metadata['namespace']}/{metadata['name']}"
        return name if same and name in self.applications else None

    @staticmethod
    def installed(manifest: Manifest) -> bool:
        """Whether install.sh made an object, under its own name, and nobody but controllers wrote since."""
        managers = {entry.get("manager", "") for entry in manifest["metadata"].get("managedFields") or []}
        others = {name for name in managers if not name.startswith(("argocd", "kube-controller-manager", INSTALLER))}
        return INSTALLER in managers and not others

    def owners(self, manifest: Manifest) -> Iterator[Manifest]:
        """Yield what owns an object, as far as it was listed."""
        for reference in manifest["metadata"].get("ownerReferences") or []:
            if owner := self.by_uid.get(reference["uid"]):
                yield owner
        labels = manifest["metadata"].get("labels") or {}
        # Envoy Gateway writes labels in place of owners, since these cannot be of another namespace.
        gateway = labels.get("gateway.envoyproxy.io/owning-gateway-name")
        for other in self.manifests if gateway else ():
            at = (other["metadata"]["name"], other["metadata"].get("namespace"))
            if other["kind"] == "Gateway" and at == (
                gateway,
                labels.get("gateway.envoyproxy.io/owning-gateway-namespace"),
            ):
                yield other

    def is_ours(self, manifest: Manifest, depth: int = 0) -> bool:
        """Whether an object belongs to the environment."""
        metadata = manifest["metadata"]
        if (
            self.application(manifest)
            or self.installed(manifest)
            or (metadata.get("labels") or {}).get(MARK) == self.environment
        ):
            return True
        if manifest["kind"] == "NodeClaim":
            return (metadata.get("labels") or {}).get("karpenter.sh/nodepool") in self.pools
        if manifest["kind"] == "PersistentVolumeClaim" and any(
            namespace == metadata.get("namespace") and name.fullmatch(metadata["name"])
            for namespace, name in self.claim_names
        ):
            return True
        # Owners of owners end soon, unless somebody wrote a circle.
        return depth < 10 and any(self.is_ours(owner, depth + 1) for owner in self.owners(manifest))

    def is_of_eks(self, manifest: Manifest) -> bool:
        """Whether EKS made an object; Auto Mode has node pools of its own."""
        labels = manifest["metadata"].get("labels") or {}
        entrance = is_entrance(manifest) and labels.get("app.kubernetes.io/managed-by") != "eks"
        return not entrance and (
            manifest["metadata"].get("namespace") in OF_EKS or labels.get("app.kubernetes.io/managed-by") == "eks"
        )


def group_of(manifest: Manifest) -> str:
    """Return an object's API group, empty for the core."""
    return manifest["apiVersion"].rpartition("/")[0]


def kind_of(manifest: Manifest) -> str:
    """Return a kind as kubectl takes it without asking which group is meant."""
    group, version = group_of(manifest), manifest["apiVersion"].rpartition("/")[2]
    return f"{manifest['kind']}.{version}.{group}" if group else manifest["kind"]


def is_entrance(manifest: Manifest) -> bool:
    """Whether a controller makes a load balancer for an object."""
    if manifest["kind"] == "Service" and group_of(manifest) == "":
        return (manifest.get("spec") or {}).get("type") == "LoadBalancer"
    return manifest["kind"] in ("Ingress", "Gateway") and group_of(manifest).endswith("networking.k8s.io")


def part_of(cluster: Cluster, manifest: Manifest, existing: bool) -> str | None:
    """Return in which part of the cleanup an object goes; None when it goes with the cluster or with its owner."""
    kind, group = manifest["kind"], group_of(manifest)
    owned = next(cluster.owners(manifest), None) is not None
    parts = {"NodePool": "pools", "NodeClaim": "nodes", "EC2NodeClass": "classes", "NodeClass": "classes"}
    if group in KARPENTER and kind in parts:
        return parts[kind]
    if is_entrance(manifest):
        return "derived" if owned else "entrances"
    if kind == "PersistentVolumeClaim":
        return "claims"
    if kind == "PodDisruptionBudget":
        return "budgets"
    if owned or group == "argoproj.io":
        return None
    if cluster.application(manifest) in LAST or cluster.installed(manifest):
        return "last" if existing and kind not in SHARED else ("shared" if existing else None)
    if kind == "Deployment":
        return "deployments"
    if kind in ("StatefulSet", "Job", "CronJob") or (existing and kind == "DaemonSet"):
        return "workloads"
    if existing and kind in SHARED:
        return "shared"
    if existing and kind in CALLED_BY_THE_API:
        return "webhooks"
    if not BUILT_IN.match(group) and group not in ELSEWHERE and (existing or id(manifest) in cluster.makers):
        return "custom"
    return "rest" if existing else None


def confirmations(manifest: Manifest) -> bool:
    """Whether Argo CD asks before it deletes an object."""
    options = (manifest["metadata"].get("annotations") or {}).get("argocd.argoproj.io/sync-options", "")
    return "Delete=confirm" in [option.strip() for option in options.split(",")]


def lines(cluster: Cluster, *, existing: bool, since: str, models: set[str]) -> Iterator[tuple[str, Manifest, str]]:
    """Yield part, object and a word about it."""
    for manifest in cluster.manifests:
        owned = next(cluster.owners(manifest), None) is not None
        if not cluster.is_ours(manifest):
            noticed = (
                is_entrance(manifest) or manifest["kind"] == "NodeClaim" or (manifest["kind"] in NOTICED and not owned)
            )
            if noticed and not existing and not cluster.is_of_eks(manifest):
                yield "others", manifest, part_of(cluster, manifest, existing) or "-"
            continue
        application = cluster.application(manifest)
        if application in models and confirmations(manifest):
            yield "confirm", manifest, application or "-"
        part = part_of(cluster, manifest, existing)
        # Argo CD takes over what has the name; RFC 3339 times in UTC compare as texts.
        older = existing and manifest["metadata"].get("creationTimestamp", "") < since
        before = older and application and not cluster.installed(manifest)
        if part is not None:
            yield ("before" if before else part), manifest, application or "-"


def main(words: Iterable[str]) -> int:
    """Read objects and write lines."""
    parser = argparse.ArgumentParser(description="Say which objects of a cluster belong to one environment.")
    parser.add_argument("--environment", required=True)
    parser.add_argument("--application", action="append", default=[], help="an Application of the environment")
    parser.add_argument("--model", action="append", default=[], help="an Application of a model")
    parser.add_argument("--existing", action="store_true", help="the cluster was there before the environment")
    parser.add_argument(
        "--since", default="", help="when the environment was installed; what is older was there before"
    )
    options = parser.parse_args(list(words))
    try:
        manifests = json.load(sys.stdin)["items"]
    except (ValueError, KeyError, TypeError):
        sys.exit("kubectl printed no list of objects")
    cluster = Cluster(manifests, {*options.application, *options.model}, options.environment)
    for part, manifest, word in lines(
        cluster, existing=options.existing, since=options.since, models=set(options.model)
    ):
        metadata = manifest["metadata"]
        print(part, kind_of(manifest), metadata.get("namespace") or "-", metadata["name"], word, sep="\t")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
