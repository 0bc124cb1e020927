"""Copies of what decides where pods go know nothing of each other, and Karpenter says no to bad ones."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modelyard.rehearsal.controllers import PROGRAMS
from modelyard.tooling import find
from tests.mutants.apart import MARK, Made, apart, deciding, is_about_places, without_what_is_as_before
from tests.mutants.leaves import Leaf
from tests.mutants.mutations import Family, Mutant
from tests.mutants.placed import UNCHANGED, placed
from tests.mutants.synced import is_argo_cds
from tests.rehearsal.conftest import missing
from tests.rehearsal.faults import view_of

POOL: dict[str, Any] = {
    "apiVersion": "karpenter.sh/v1",
    "kind": "NodePool",
    "metadata": {"name": "gpu"},
    "spec": {"template": {"spec": {"nodeClassRef": {"kind": "EC2NodeClass", "name": "gpu"}}}},
}
MODEL: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "chat"},
    "spec": {
        "template": {
            "spec": {"nodeSelector": {"karpenter.sh/nodepool": "gpu"}, "priorityClassName": "models", "containers": []}
        }
    },
}
WORLD = (
    Made("", {"kind": "PriorityClass", "metadata": {"name": "models"}}),
    Made("", {"kind": "EC2NodeClass", "metadata": {"name": "gpu"}}),
    Made("", POOL),
    Made("models", {"kind": "DaemonSet", "metadata": {"name": "exporter"}, "spec": {"template": {"spec": {}}}}),
    Made("models", MODEL, 1),
)


def test_a_copy_has_names_of_its_own() -> None:
    made = {f"{each.kind} {each.name}": each for each in apart(WORLD, "m1")}
    assert sorted(made) == [
        "DaemonSet exporter",
        "Deployment chat",
        "EC2NodeClass gpu-m1",
        "Namespace models-m1",
        "NodePool gpu-m1",
        "PriorityClass models-m1",
    ]
    pool = made["NodePool gpu-m1"].value["spec"]["template"]
    assert pool["spec"]["nodeClassRef"]["name"] == "gpu-m1"
    assert pool["metadata"]["labels"] == {MARK: "m1"}
    pod = made["Deployment chat"].value["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"karpenter.sh/nodepool": "gpu-m1", MARK: "m1"}
    assert pod["priorityClassName"] == "models-m1"
    assert made["Deployment chat"].namespace == "models-m1"
    assert "nodeSelector" in MODEL["spec"]["template"]["spec"] and MARK not in str(MODEL), "the original stays"


def test_a_name_of_nothing_stays_wrong() -> None:
    wrong = copy.deepcopy(MODEL)
    wrong["spec"]["template"]["spec"] |= {"nodeSelector": {"karpenter.sh/nodepool": "gp"}, "priorityClassName": "model"}
    (made,) = [each for each in apart((*WORLD[:-1], Made("models", wrong, 1)), "m1") if each.name == "chat"]
    pod = made.value["spec"]["template"]["spec"]
    assert (pod["nodeSelector"]["karpenter.sh/nodepool"], pod["priorityClassName"]) == ("gp", "model")


def test_only_what_changed_is_judged_unless_the_nodes_change() -> None:
    other = replace(WORLD[-1], value={**MODEL, "metadata": {"name": "other"}})
    before = (*WORLD, other)
    assert without_what_is_as_before(before, before) == ()
    changed = replace(WORLD[-1], value={**MODEL, "metadata": {"name": "chat", "labels": {"a": "b"}}})
    kept = without_what_is_as_before((*WORLD[:-1], changed, other), before)
    assert [each.name for each in kept if each.pods is not None] == ["chat"]
    pool = replace(WORLD[2], value={**POOL, "spec": {}})
    assert len(without_what_is_as_before((*WORLD[:2], pool, *WORLD[3:], other), before)) == len(before)


@pytest.mark.parametrize(
    ("field", "family", "places", "syncs"),
    [
        ("NodePool spec.limits.cpu", Family.ZERO, True, False),
        ("NodePool spec.limits.cpu", Family.OTHER_TYPE, False, False),
        ("Deployment spec.template.spec.tolerations[].key", Family.MISSPELT, True, False),
        ("Deployment spec.template.spec.containers[].args[]", Family.MISSPELT, False, False),
        ("values of keda resources.requests.cpu", Family.TENFOLD, False, False),
        ("Application spec.project", Family.MISSPELT, False, True),
        ("Deployment metadata.annotations.argocd.argoproj.io/sync-wave", Family.NEIGHBOUR, False, True),
    ],
)
def test_fields_of_levels(field: str, family: Family, places: bool, syncs: bool) -> None:
    leaf = Leaf("environments/dev/a.yaml", field, "", "", True, (0, 0), None, (0, 0, ""), None, (0, 0))
    mutant = Mutant(leaf, family, (), "", "")
    assert (is_about_places(mutant), is_argo_cds(mutant)) == (places, syncs)


@pytest.mark.slow
def test_what_finds_no_node_is_told_apart_from_what_does(bases: Mapping[str, Path]) -> None:
    if reason := missing() or ", ".join(f"{name} is not installed" for name in PROGRAMS if find(name) is None):
        pytest.skip(f"{reason}: `make rehearsal-tools` builds it")
    view = view_of(bases["one-model"])
    world = deciding(view)
    (model,) = [each for each in world if each.name == "chat"]
    (pool,) = [each for each in world if each.kind == "NodePool" and each.name == "gpu"]
    much, fine, twice = (copy.deepcopy(each) for each in (model.value, model.value, pool.value))
    much["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] = "100"
    fine["spec"]["template"]["metadata"]["annotations"] = {"modelyard.test/a": "b"}
    twice["spec"]["template"]["spec"]["taints"] *= 2
    told = placed(
        {
            UNCHANGED: world,
            "much": tuple(replace(model, value=much) if each is model else each for each in world),
            "fine": tuple(replace(model, value=fine) if each is model else each for each in world),
            "twice": tuple(replace(pool, value=twice) if each is pool else each for each in world),
        },
        [view],
    )
    assert told[UNCHANGED].refusals == told["fine"].refusals == ()
    for mark in ("much", "twice"):
        (said,) = told[mark].refusals
        assert said.startswith(f"Deployment models-{mark}/chat: ")
