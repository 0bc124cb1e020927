"""Which kinds live in a namespace and which belong to the cluster as a whole."""

from __future__ import annotations

from functools import cache

import orjson

from modelyard.schemas.bundle import FOLDER

CLUSTER_SCOPED = frozenset(
    {
        ("", "ComponentStatus"),
        ("", "Namespace"),
        ("", "Node"),
        ("", "PersistentVolume"),
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"),
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"),
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
        ("apiextensions.k8s.io", "CustomResourceDefinition"),
        ("apiregistration.k8s.io", "APIService"),
        ("certificates.k8s.io", "CertificateSigningRequest"),
        ("flowcontrol.apiserver.k8s.io", "FlowSchema"),
        ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
        ("networking.k8s.io", "IngressClass"),
        ("networking.k8s.io", "IPAddress"),
        ("networking.k8s.io", "ServiceCIDR"),
        ("node.k8s.io", "RuntimeClass"),
        ("rbac.authorization.k8s.io", "ClusterRole"),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
        ("resource.k8s.io", "DeviceClass"),
        ("resource.k8s.io", "ResourceSlice"),
        ("scheduling.k8s.io", "PriorityClass"),
        ("storage.k8s.io", "CSIDriver"),
        ("storage.k8s.io", "CSINode"),
        ("storage.k8s.io", "StorageClass"),
        ("storage.k8s.io", "VolumeAttachment"),
        ("storage.k8s.io", "VolumeAttributesClass"),
    }
)
"""Kinds of Kubernetes itself without a namespace (`kubectl api-resources --namespaced=false`)."""

NATIVE_GROUPS = frozenset(
    {"", "apps", "autoscaling", "batch", "policy", *(group for group, _ in CLUSTER_SCOPED)}
    | {"coordination.k8s.io", "discovery.k8s.io", "events.k8s.io", "authentication.k8s.io", "authorization.k8s.io"}
)
"""API groups that every Kubernetes serves; other groups come with a definition."""


@cache
def _custom() -> dict[tuple[str, str], bool]:
    entries = orjson.loads((FOLDER / "index.json").read_bytes())
    return {(entry["group"], entry["kind"]): entry["scope"] == "Namespaced" for entry in entries}


def is_namespaced(group: str, kind: str) -> bool | None:
    """Return whether objects of a kind live in a namespace; None for a kind that is not known."""
    if group in NATIVE_GROUPS:
        return (group, kind) not in CLUSTER_SCOPED
    return _custom().get((group, kind))
