"""The truth side of mutants says no to what a control plane refuses, and tells a miss from what the check noticed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from modelyard.checking import CheckOptions
from modelyard.checking.environments import environments
from modelyard.rehearsal.control_plane import control_plane
from modelyard.rehearsal.folders import run_folder
from modelyard.repository import Repository
from tests.mutants.judging import Outcome
from tests.mutants.truth import Asked, Truth, Verdict, verdict
from tests.rehearsal.conftest import missing

TARGET = "environments/dev/models/chat"
GOOD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "probe", "namespace": "models"},
    "spec": {"ports": [{"port": 8000}]},
}
# Each is refused by another part of the server: schemas, validation in Go, CEL, admission policies, what it serves.
BAD: dict[str, dict[str, Any]] = {
    "unknown field": {**GOOD, "spec": {"ports": [{"port": 8000}], "prts": [1]}},
    "port": {**GOOD, "spec": {"ports": [{"port": 80000}]}},
    "policy": {**GOOD, "spec": {"ports": [{"port": 8000}], "type": "LoadBalancer"}},
    "kind": {**GOOD, "kind": "Servce"},
    "name": {**GOOD, "metadata": {"name": "Probe_", "namespace": "models"}},
    "other namespace": {**GOOD, "metadata": {"name": "probe", "namespace": "argocd"}, "spec": {"ports": [{"port": 0}]}},
    "type": {**GOOD, "spec": {"ports": 7}},
    "namespace": {**GOOD, "metadata": {"name": "probe", "namespace": "nowhere"}},
    "rule of a definition": {
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodePool",
        "metadata": {"name": "probe"},
        "spec": {
            "template": {
                "spec": {
                    "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "gpu"},
                    "requirements": [{"key": "karpenter.sh/capacity-type", "operator": "In", "values": []}],
                }
            }
        },
    },
}


@pytest.fixture(scope="module")
def truth(bases: Mapping[str, Path]) -> Iterator[Truth]:
    if reason := missing():
        pytest.skip(reason)
    views = environments(Repository(bases["one-model"]), CheckOptions(policies=False)).views
    with run_folder() as folder, control_plane(folder) as plane:
        yield Truth(plane, views)


@pytest.mark.slow
def test_what_is_right_is_taken(truth: Truth, bases: Mapping[str, Path]) -> None:
    assert truth.asked({TARGET: [GOOD]}) == Asked(1)
    (view,) = environments(Repository(bases["one-model"]), CheckOptions(policies=False)).views
    whole = [manifest.value for manifest in view.resources if manifest.target == TARGET]
    assert len(whole) > 3
    assert truth.asked({TARGET: whole}) == Asked(len(whole))


@pytest.mark.slow
@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_refused(truth: Truth, name: str) -> None:
    asked = truth.asked({TARGET: [GOOD, BAD[name]]})
    assert asked.count == 2
    assert len(asked.refusals) == 1, asked


@pytest.mark.slow
def test_what_is_refused_of_the_unchanged_repository_is_no_news(truth: Truth) -> None:
    accepted = truth.accept({TARGET: [BAD["port"]]})
    assert len(accepted) == 1
    assert truth.asked({TARGET: [BAD["port"]]}).refusals == ()
    assert truth.asked({TARGET: [BAD["name"]]}).refusals
    truth.accept({})


@pytest.mark.parametrize(
    ("outcome", "asked", "expected"),
    [
        (Outcome.SURVIVED, Asked(1, ("no",)), Verdict.MISS),
        (Outcome.EQUAL, Asked(1, ("no",)), Verdict.MISS),
        (Outcome.KILLED, Asked(1, ("no",)), Verdict.BOTH_REFUSE),
        (Outcome.ELSEWHERE, Asked(2, ("no",)), Verdict.BOTH_REFUSE),
        (Outcome.NOT_CHECKED, Asked(1, ("no",)), Verdict.SAID),
        (Outcome.KILLED, Asked(1), Verdict.ONLY_CHECK),
        (Outcome.SURVIVED, Asked(1), Verdict.BOTH_TAKE),
        (None, Asked(1), Verdict.TAKEN),
        (Outcome.SURVIVED, Asked(0), Verdict.NOTHING),
    ],
)
def test_verdicts(outcome: Outcome | None, asked: Asked, expected: Verdict) -> None:
    assert verdict({} if outcome is None else {"outcome": outcome.value}, asked) is expected
