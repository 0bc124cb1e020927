"""What may be missing in a rehearsal: for each stand-in that says yes, one that says no, as data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from modelyard.graph import ObjectRef, graph
from modelyard.rehearsal.kubelets import condition
from modelyard.view import Environment, Manifest, listed, mapping

Value = dict[str, Any]
Kind = tuple[str, str]
"""API group and kind."""


@dataclass(frozen=True, slots=True)
class No:
    """What an operator says of an object in place of yes.

    Attributes:
        status: Makes the status; None where the operator writes none.
        concerns: Whether an object is meant.
    """

    status: Callable[[Value], Value] | None = None
    concerns: Callable[[Value], bool] = lambda value: True


@dataclass(frozen=True, slots=True)
class Absence:
    """Something that is not there yet.

    Attributes:
        name: Its name on the command line.
        words: What is missing.
        source: Where the words and statuses were read that programs have for it.
        kinds: What operators say, by group and kind.
        images: Whether no image of a model can be pulled.
        volumes: Whether nobody provides volumes.
        node: Whether the first node is not ready.
        webhooks: API groups whose admission webhooks do not answer.
        pods: Whether pods of any Application may wait for it.
    """

    name: str
    words: str
    source: str
    kinds: Mapping[Kind, No] = field(default_factory=dict)
    images: bool = False
    volumes: bool = False
    node: bool = False
    webhooks: tuple[str, ...] = ()
    pods: bool = False

    def says_no(self, kind: Kind, value: Value) -> No | None:
        """Return what is said of an object in place of yes; None where yes is said."""
        no = self.kinds.get(kind)
        return no if no is not None and no.concerns(value) else None

    def concerned(self, view: Environment) -> set[str]:
        """Return the Applications that may wait: those with such objects, and those that need what these bring."""
        manifests = [manifest for manifest in view.resources if self._concerns(manifest)]
        found = {manifest.application for manifest in manifests}
        for node in [node for manifest in manifests for node in _brought(manifest, view)]:
            for edge in graph(view).into(node):
                if isinstance(edge.source.holder, Manifest) and not edge.reference.optional:
                    found.add(edge.source.holder.application)
        if self.images or self.volumes:
            found |= {model.application.name for model in view.models}
        return found - {""}

    def _concerns(self, manifest: Manifest) -> bool:
        if manifest.group in self.webhooks:
            return True
        if self.volumes and (manifest.kind == "PersistentVolumeClaim" or manifest.get("spec.volumeClaimTemplates", ())):
            return True
        return self.says_no((manifest.group, manifest.kind), manifest.value) is not None


def _brought(manifest: Manifest, view: Environment) -> Iterator[ObjectRef]:
    """Yield what others name: the object, and the Secret that it makes."""
    namespace = view.namespace_of(manifest)
    yield ObjectRef(manifest.kind, manifest.name, namespace)
    if manifest.kind == "ExternalSecret":
        yield ObjectRef("Secret", str(manifest.get("spec.target.name", manifest.name)), namespace)
    if manifest.kind in ("SecretStore", "ClusterSecretStore"):
        for edge in graph(view).into(ObjectRef(manifest.kind, manifest.name, namespace)):
            if isinstance(edge.source.holder, Manifest):
                yield from _brought(edge.source.holder, view)


def _not(kind: str, reason: str, message: str) -> Callable[[Value], Value]:
    return lambda value: {"conditions": [condition(kind, False, reason, message)]}


def _is_brought_by_people(value: Value) -> bool:
    """Whether an ExternalSecret reads a store; what a generator makes needs nobody."""
    spec = value.get("spec", {})
    sources = [mapping(each, "sourceRef") for each in listed(spec, "dataFrom") if isinstance(each, dict)]
    return bool(listed(spec, "data")) or any("generatorRef" not in each for each in sources)


def _is_load_balancer(value: Value) -> bool:
    return bool(value.get("spec", {}).get("type") == "LoadBalancer")


def _gateway(value: Value) -> Value:
    generation = value["metadata"].get("generation", 1)
    programmed = condition("Programmed", False, "AddressNotAssigned", "No addresses have been assigned to the Gateway")
    return {"conditions": [{**each, "observedGeneration": generation} for each in (condition("Accepted"), programmed)]}


_ESO, _GATEWAY = "external-secrets.io", "gateway.networking.k8s.io"
ABSENCES: dict[str, Absence] = {
    each.name: each
    for each in (
        Absence(
            "secret-values",
            "nobody has stored the values of secrets",
            "external-secrets@cc5bfbc2 pkg/controllers/externalsecret",
            {
                (_ESO, "ExternalSecret"): No(
                    _not("Ready", "SecretSyncedError", "could not get secret data from provider"), _is_brought_by_people
                )
            },
        ),
        Absence(
            "secret-stores",
            "AWS Secrets Manager refuses External Secrets",
            "external-secrets@cc5bfbc2 pkg/controllers/secretstore",
            {
                (_ESO, "SecretStore"): No(_not("Ready", "InvalidProviderConfig", "unable to validate store")),
                (_ESO, "ClusterSecretStore"): No(_not("Ready", "InvalidProviderConfig", "unable to validate store")),
                (_ESO, "ExternalSecret"): No(
                    _not("Ready", "SecretSyncedError", "could not get secret data from provider"), _is_brought_by_people
                ),
            },
        ),
        Absence(
            "load-balancers",
            "no load balancer gets an address",
            "envoyproxy/gateway v1.9.0 internal/gatewayapi/status/gateway.go; Services and Ingresses: no status",
            {
                ("", "Service"): No(concerns=_is_load_balancer),
                ("networking.k8s.io", "Ingress"): No(),
                (_GATEWAY, "Gateway"): No(_gateway),
            },
        ),
        Absence(
            "certificates",
            "no certificate is issued",
            "cert-manager v1.21.1 pkg/controller/certificates/readiness",
            {("cert-manager.io", "Certificate"): No(_not("Ready", "DoesNotExist", "Issuing certificate"))},
        ),
        Absence(
            "node-classes",
            "no subnet is found for nodes, so that no node is made",
            "aws/karpenter-provider-aws@1d927085 pkg/controllers/nodeclass/subnet.go",
            {
                ("karpenter.k8s.aws", "EC2NodeClass"): No(
                    _not("Ready", "SubnetsNotFound", "SubnetSelector did not match any Subnets")
                ),
                ("eks.amazonaws.com", "NodeClass"): No(_not("Ready", "SubnetsNotFound", "no subnets")),
            },
            pods=True,
        ),
        Absence(
            "scalers",
            "KEDA cannot ask Prometheus, and AIBrix cannot scale",
            "kedacore/keda v2.20.2 pkg/scaling; vllm-project/aibrix v0.7.0",
            {
                ("keda.sh", "ScaledObject"): No(
                    _not(
                        "Ready", "ScaledObjectCheckFailed", "Failed to ensure HPA is correctly created for ScaledObject"
                    )
                ),
                ("autoscaling.aibrix.ai", "PodAutoscaler"): No(_not("AbleToScale", "FailedGetScale", "no scale")),
            },
        ),
        Absence(
            "operators",
            "operators of groups of pods and adapters do not answer",
            "no status is written",
            {
                ("leaderworkerset.x-k8s.io", "LeaderWorkerSet"): No(),
                ("ray.io", "RayService"): No(),
                ("ray.io", "RayCluster"): No(),
                ("resource.nvidia.com", "ComputeDomain"): No(),
                ("model.aibrix.ai", "ModelAdapter"): No(),
            },
        ),
        Absence("volumes", "no driver provides volumes", "claims stay Pending", volumes=True),
        Absence(
            "images",
            "images of models cannot be pulled",
            "kubernetes/kubernetes pkg/kubelet/images/types.go: ErrImagePull",
            images=True,
        ),
        Absence(
            "node", "one node is not ready", "kubernetes/kubernetes pkg/controller/nodelifecycle", node=True, pods=True
        ),
        Absence(
            "webhooks",
            "the webhook of External Secrets does not answer",
            "external-secrets@cc5bfbc2 deploy/charts/external-secrets/templates: failurePolicy Fail",
            webhooks=(_ESO,),
        ),
    )
}
