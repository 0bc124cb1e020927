"""Schemas against the API server that they stand for: what one refuses, the other refuses, or it is known why not."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from modelyard.rehearsal.control_plane import ControlPlane
from modelyard.schemas import DEFAULT_KUBERNETES, SchemaBundle
from modelyard.tooling import find
from modelyard.view import NATIVE_GROUPS, Environment
from tests.rehearsal.faults import distinct, ready, view_of
from tests.rehearsal.mutations import mutations
from tests.rehearsal.verdicts import Judged, judged

SEEDS = (1, 2, 3)
PER_RESOURCE = 25

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find("modelyard-render") is None, reason="modelyard-render is not installed"),
    pytest.mark.skipif(find("kubeconform") is None, reason="kubeconform is not installed"),
]


@dataclass(frozen=True)
class Explained:
    """A difference that is known.

    Attributes:
        reason: Why it is there.
        kind: Pattern of the whole kind.
        path: Pattern of the start of the path that is objected to.
        message: Pattern within the objection.
    """

    reason: str
    kind: str = ".*"
    path: str = ""
    message: str = ""

    def covers(self, kind: str, path: str, message: str) -> bool:
        """Return whether an objection is of this sort."""
        return (
            re.fullmatch(self.kind, kind) is not None
            and re.match(self.path, path) is not None
            and re.search(self.message, message) is not None
        )


_WORKLOADS = "DaemonSet|Deployment|Job"

# The server's Go code checks more of its own kinds than it publishes. Each entry is a gap of `modelyard check`, which
# a rehearsal closes.
ONLY_THE_SERVER = (
    Explained("the server of a test holds the environment's namespaces only", message=r"^namespaces \".*\" not found"),
    Explained("pod security levels are labels with a meaning", "Namespace", r"metadata\.labels\.pod-security"),
    Explained("finalizers are a set by code only", path=r"metadata\.finalizers", message="uplicate|name part|domain"),
    Explained("selectors by label have a syntax", path=r"spec\..*([sS]elector|matchLabels|matchExpressions|from|to)"),
    Explained("a selector must match its pods", _WORKLOADS, r"spec\.(selector|template\.metadata\.labels)"),
    Explained("labels of pods are checked by code", _WORKLOADS, r"spec\.template\.metadata"),
    Explained("peers, ports and types of policies", "NetworkPolicy", r"spec\.(ingress|egress|policyTypes|podSelector)"),
    Explained("names of resources are known to code only", "LimitRange", r"spec\.limits"),
    Explained("names of resources are known to code only", "ResourceQuota", r"spec\.(hard|scopes)"),
    Explained("ports, their names and their number", "Service", r"spec\.(ports|selector|$)"),
    Explained("bounds of a budget", "PodDisruptionBudget", r"spec\.(maxUnavailable|minAvailable|selector)"),
    Explained("bounds of a priority", "PriorityClass", r"(value|preemptionPolicy|description|globalDefault|metadata)"),
    Explained("bounds, names and cross references in a pod", _WORKLOADS, r"spec\.template\.spec"),
    Explained("bounds of a workload", _WORKLOADS, r"spec\.(replicas|progressDeadline|strategy|minReady|revision)"),
    Explained("bounds of a job", "Job", r"spec\.(backoffLimit|activeDeadline|ttlSeconds|completions|parallelism)"),
    Explained("keys of a ConfigMap are file names", "ConfigMap|Secret", r"(data|binaryData|immutable|type|stringData)"),
    Explained("a ServiceAccount's secrets", "ServiceAccount", r"(secrets|imagePullSecrets)"),
    Explained("rules, subjects and roles", "(Cluster)?Role(Binding)?", r"(rules|subjects|roleRef)"),
    Explained("what an admission policy says", "ValidatingAdmissionPolicy(Binding)?", r"spec"),
    Explained("the name of a provisioner", "StorageClass", r"provisioner"),
    Explained("a port that no 32 bits hold", "NetworkPolicy", message="failed to convert new object"),
)

# The published schemas ask for more than the server does.
ONLY_SCHEMAS = (
    Explained("the server trims a quantity", message="quantity such as"),
    Explained("the server takes a missing number or list for zero or none", message=r"lacks|is required"),
    Explained("the server cuts a number that is too large", message=r"at most|whole number, not a number|32 bits"),
    Explained("the server does not check the name of a budget", "PodDisruptionBudget", r"metadata\.name"),
    Explained("in a list of its own kinds the server takes null for an empty value", message=r"null"),
)

# kubeconform knows neither CEL nor keys of lists. `check` says so for CEL, and finds doubled keys by a rule.
ONLY_KUBECONFORM_PASSES = "its verdict says that rules in CEL were not checked, and a rule finds keys of lists twice"


def unexplained(all_judged: list[Judged]) -> list[str]:
    """Return the verdicts that differ without a known reason."""
    return [str(each) for each in all_judged if not _agrees(each)]


def _agrees(each: Judged) -> bool:
    backends = (each.kubeconform, each.library)
    if each.refusals:
        if all(backends):
            return True
        if each.library:
            return True  # ONLY_KUBECONFORM_PASSES, of which `test_kubeconform_passes_only_what_it_says` has more
        return all(
            any(known.covers(each.kind, _path(one.path), one.message) for known in ONLY_THE_SERVER)
            for one in each.refusals
        )
    return all(
        any(known.covers(each.kind, problem.path, problem.message) for known in ONLY_SCHEMAS)
        for problems in backends
        for problem in problems
    )


def _path(path: tuple[str | int, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def mutated(view: Environment, seed: int) -> list[tuple[str, dict[str, Any]]]:
    """Return changed resources of every kind and shape of an environment."""
    shapes = {
        (manifest.group, manifest.kind, *sorted(manifest.mapping("spec"))): manifest.value
        for manifest in view.resources
    }
    draw = random.Random(seed)  # noqa: S311 - repeatable, not secret
    return [each for value in shapes.values() for each in mutations(value, draw, PER_RESOURCE)]


@pytest.mark.parametrize("name", ["starter-models", "two-models"])
def test_the_server_takes_what_check_passes(
    plane: ControlPlane, bases: dict[str, Path], name: str, tmp_path: Path
) -> None:
    view = view_of(bases[name])
    ready(plane, view)
    values = distinct(manifest.value for manifest in view.resources)
    found = judged(plane.api, DEFAULT_KUBERNETES, "models", [("", value) for value in values], tmp_path)
    assert len(found) == len(values) > 20
    assert [str(each) for each in found if each.refusals or each.library or each.kubeconform] == []


@pytest.mark.parametrize("seed", SEEDS)
def test_changed_resources(plane: ControlPlane, bases: dict[str, Path], seed: int, tmp_path: Path) -> None:
    view = view_of(bases["starter-models"])
    ready(plane, view)
    found = judged(plane.api, DEFAULT_KUBERNETES, "models", mutated(view, seed), tmp_path)
    refused = [each for each in found if each.refusals]
    assert len(refused) > len(found) / 3, "the changes break enough to show something"
    assert len(found) - len(refused) > len(found) / 10, "and not all"
    assert unexplained(found) == []


def test_custom_resources_have_no_gap(plane: ControlPlane, bases: dict[str, Path], tmp_path: Path) -> None:
    """The library runs the server's own code over definitions, so that there is nothing to explain."""
    view = view_of(bases["starter-models"])
    ready(plane, view)
    native = SchemaBundle().is_covered
    cases = [case for seed in SEEDS for case in mutated(view, seed)]
    custom = [case for case in cases if not native(str(case[1]["apiVersion"]).rpartition("/")[0])]
    found = judged(plane.api, DEFAULT_KUBERNETES, "models", custom, tmp_path)
    assert len(found) > 200
    missed = [
        each
        for each in found
        if each.refusals
        and not each.library
        and "namespaces" not in each.refusals[0].message
        and "finalizers" not in each.refusals[0].path
    ]
    assert [str(each) for each in missed] == []
    assert [str(each) for each in found if each.library and not each.refusals] == []


def test_kubeconform_passes_only_what_it_says(plane: ControlPlane, bases: dict[str, Path], tmp_path: Path) -> None:
    view = view_of(bases["starter-models"])
    ready(plane, view)
    found = judged(plane.api, DEFAULT_KUBERNETES, "models", mutated(view, SEEDS[0]), tmp_path)
    bundle = SchemaBundle()
    passed = [each for each in found if each.refusals and each.library and not each.kubeconform]
    assert passed
    for each in passed:
        by_rules = bundle.has_rules(str(each.value["apiVersion"]), each.kind)
        by_keys = any("a second item" in problem.message or problem.source == "duplicate" for problem in each.library)
        in_text = any(problem.path.startswith("metadata") for problem in each.library)
        assert by_rules or by_keys or in_text, f"{ONLY_KUBECONFORM_PASSES}\n{each}"


def test_faults_of_every_rule(plane: ControlPlane, faults: list[dict[str, Any]], tmp_path: Path) -> None:
    """What the cases of all rules render to: a fault may be legal to a server, but no verdict may differ."""
    once = [("", value) for value in distinct(faults)]
    found = judged(plane.api, DEFAULT_KUBERNETES, "models", once, tmp_path)
    known = [
        each
        for each in found
        if str(each.value.get("apiVersion")).rpartition("/")[0] in NATIVE_GROUPS or "serves no" not in str(each)
    ]
    assert len(known) > 60
    assert any(each.refusals for each in known), "some faults are refused"
    assert unexplained(known) == []
