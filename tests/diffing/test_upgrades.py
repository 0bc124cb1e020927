"""The walks of docs/upgrading.md that a comparison speaks of: images of nodes, Argo CD, and the way back of both."""

from __future__ import annotations

import pytest

from modelyard.diffing import EnvironmentChange, Hazard
from modelyard.findings import Severity
from tests.diffing.conftest import Changed

POOL = "bases/platform/karpenter/pools/gpu.yaml"
ARGO_CD = "environments/dev/applications/argocd.yaml"


def drifts(change: EnvironmentChange) -> list[Hazard]:
    return [hazard for each in change.applications for hazard in each.hazards if hazard.topic == "drift"]


@pytest.mark.slow
def test_another_image_of_nodes_replaces_them_and_so_does_the_way_back(changed: Changed) -> None:
    changed.replace(POOL, "bottlerocket@v1.64.0", "bottlerocket@v1.65.0")
    (hazard,) = drifts(changed.dev())
    assert hazard.message == "EC2NodeClass gpu: Karpenter replaces its nodes as their pools' budgets allow"
    assert hazard.severity is Severity.NOTE
    changed.commit("raised")
    (back,) = drifts(changed.dev("raised..base"))
    assert back.message == hazard.message


@pytest.mark.slow
def test_what_only_says_more_of_a_pool_replaces_no_node(changed: Changed) -> None:
    changed.replace(POOL, "consolidateAfter: 10m", "consolidateAfter: 30m")
    assert drifts(changed.dev()) == []


@pytest.mark.slow
def test_an_image_without_the_version_of_the_cluster_is_said_before_the_merge(changed: Changed) -> None:
    changed.replace(POOL, "bottlerocket@v1.64.0", "bottlerocket@v1.52.0")
    change = changed.dev(findings=True)
    # Images for Kubernetes 1.35 begin at 1.53.0.
    assert "scheduling/missing-node-image" in {each.rule for each in change.new_findings or ()}


@pytest.mark.slow
def test_a_new_version_of_argo_cd_is_a_change_like_others(changed: Changed) -> None:
    text = (changed.root / ARGO_CD).read_text()
    pinned = text.partition("targetRevision: ")[2].split()[0]
    changed.replace(ARGO_CD, f"targetRevision: {pinned}", "targetRevision: 99.0.0")
    (argocd,) = changed.dev().applications
    assert argocd.name == "argocd"
    (resource,) = argocd.resources
    assert [(each.before, each.after) for each in resource.fields] == [(pinned, "99.0.0")]
