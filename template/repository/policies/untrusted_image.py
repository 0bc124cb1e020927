"""A rule of this team, as an example: images come from registries that somebody has looked at.

Every Python file in this folder is read by `modelyard check`. A policy sees one environment at a time, reads nothing
else, and yields findings; where it lacks a fact it yields `NotChecked`.
"""

from collections.abc import Iterator

from modelyard.findings import Finding, warning
from modelyard.policies import policy
from modelyard.view import Environment

TRUSTED = (
    "602401143452.dkr.ecr.",  # Amazon EKS
    "aibrix/",  # Docker Hub
    "amazon/",  # Docker Hub
    "cr.fluentbit.io/fluent/",
    "curlimages/",  # Docker Hub
    "docker.io/envoyproxy/",
    "docker.io/grafana/",
    "ecr-public.aws.com/docker/library/",
    "ghcr.io/external-secrets/",
    "ghcr.io/kedacore/",
    "grafana/",  # Docker Hub
    "kserve/",  # Docker Hub
    "nvcr.io/nvidia/",
    "opensearchproject/",  # Docker Hub
    "public.ecr.aws/",
    "quay.io/argoproj/",
    "quay.io/jetstack/",
    "quay.io/kiwigrid/",
    "quay.io/kuberay/",
    "quay.io/prometheus-operator/",
    "quay.io/prometheus/",
    "rayproject/",  # Docker Hub
    "redis:",  # Docker Hub
    "registry.k8s.io/",
    "seldonio/",  # Docker Hub
    "vllm/",  # Docker Hub
)


@policy("team/untrusted-image", warning)
def untrusted_image(environment: Environment) -> Iterator[Finding]:
    """Container images should come from a registry or organisation in TRUSTED."""
    for workload in environment.workloads:
        for container in workload.containers:
            if container.image.startswith(TRUSTED):
                continue
            yield Finding(
                at=container.at("image"),
                message=f"{container} uses {container.image}, which no entry of TRUSTED covers",
                fix="use a mirror that the team trusts, or add the registry to TRUSTED in policies/untrusted_image.py",
            )
