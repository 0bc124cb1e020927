"""What files set is found where it stands, and what is done to it is what was meant."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import yaml

from tests.mutants.leaves import Leaf, leaves, terraform_leaves
from tests.mutants.mutations import Family, Mutant, applied, mutants
from tests.mutants.worlds import order

MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, labels: {app: chat}}
spec:
  replicas: 2 # two
  template:
    spec:
      containers:
        - name: vllm
          image: a/b:1
          resources: {limits: {memory: 16Gi}}
        - name: other
          env:
            - {name: HOME, value: /tmp}
"""
PATCHED = """\
kind: Kustomization
patches:
  - target: {kind: Deployment}
    patch: |-
      - op: replace
        path: /spec/replicas
        value: 3
      - {op: remove, path: /spec/strategy}
"""
TERRAFORM = """\
resource "aws_eks_cluster" "this" {
  name    = "a" # the name
  version = local.version
  zones   = ["x", "y"]
  nested {
    enabled = true
  }
}
"""


def _of(text: str, file: str = "a.yaml") -> dict[str, list[Leaf]]:
    found: dict[str, list[Leaf]] = {}
    for leaf in terraform_leaves(file, text) if file.endswith(".tf") else leaves(file, text):
        found.setdefault(leaf.field, []).append(leaf)
    return found


def _mutated(text: str, field: str, family: Family, file: str = "a.yaml") -> list[Any]:
    texts = {file: text}
    made = _made(text, file)
    changed = [applied(each.edits, texts)[file] for each in made if (each.leaf.field, each.family) == (field, family)]
    return changed if file.endswith(".tf") else [yaml.safe_load(each) for each in changed]


def _made(text: str, file: str = "a.yaml") -> list[Mutant]:
    known = list(terraform_leaves(file, text) if file.endswith(".tf") else leaves(file, text))
    return list(mutants(known, {file: text}, 1))


def test_fields_name_kind_and_path_without_positions() -> None:
    found = _of(MANIFEST)
    assert [leaf.value for leaf in found["Deployment spec.template.spec.containers[].name"]] == ["vllm", "other"]
    assert found["Deployment spec.template.spec.containers[].env[HOME].value"][0].value == "/tmp"  # noqa: S108
    replicas = found["Deployment spec.replicas"][0]
    assert MANIFEST[slice(*replicas.span)] == "2"
    assert replicas.object == "Deployment chat"


def test_inline_patches_are_read_as_what_they_set() -> None:
    (leaf,) = _of(PATCHED)["Deployment spec.replicas"]
    assert PATCHED[slice(*leaf.span)] == "3"
    (changed,) = _mutated(PATCHED, "Deployment spec.replicas", Family.TENFOLD)
    assert yaml.safe_load(changed["patches"][0]["patch"])[0]["value"] == 30


@pytest.mark.parametrize(
    ("field", "family", "path", "value"),
    [
        ("Deployment spec.replicas", Family.ZERO, ("spec", "replicas"), 0),
        ("Deployment spec.replicas", Family.OTHER_TYPE, ("spec", "replicas"), "2"),
        ("Deployment metadata.labels.app", Family.REMOVED, ("metadata", "labels"), {}),
        (
            "Deployment spec.replicas",
            Family.REMOVED,
            ("spec",),
            {"template": yaml.safe_load(MANIFEST)["spec"]["template"]},
        ),
    ],
)
def test_mutations_of_one_value(field: str, family: Family, path: tuple[str, ...], value: object) -> None:
    (changed,) = _mutated(MANIFEST, field, family)
    for step in path:
        changed = changed[step]
    assert changed == value


def test_items_are_lost_and_doubled() -> None:
    field = "Deployment spec.template.spec.containers[]"
    lost = [_names(each) for each in _mutated(MANIFEST, field, Family.REMOVED)]
    doubled = [_names(each) for each in _mutated(MANIFEST, field, Family.DOUBLED)]
    assert lost == [["other"], ["vllm"]]
    assert doubled == [["vllm", "vllm", "other"], ["vllm", "other", "other"]]


def _names(manifest: dict[str, Any]) -> list[str]:
    return [each["name"] for each in manifest["spec"]["template"]["spec"]["containers"]]


def test_units_and_swaps() -> None:
    memory = "Deployment spec.template.spec.containers[].resources.limits.memory"
    (changed,) = _mutated(MANIFEST, memory, Family.OTHER_UNIT)
    assert changed["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"] == "16Mi"
    swapped = _mutated(MANIFEST, "Deployment spec.template.spec.containers[].name", Family.SWAPPED)
    assert [_names(each) for each in swapped] == [["other", "vllm"], ["other", "vllm"]]


def test_terraform_is_read_by_lines() -> None:
    found = _of(TERRAFORM, "a.tf")
    block = "terraform resource aws_eks_cluster"
    assert {field: [leaf.value for leaf in each] for field, each in found.items()} == {
        f"{block}.name": ["a"],
        f"{block}.zones[]": ["x", "y"],
        f"{block} nested.enabled": [True],
    }
    assert 'zones   = ["y"]' in _mutated(TERRAFORM, f"{block}.zones[]", Family.REMOVED, "a.tf")[0]


def test_a_seed_makes_the_same_mutants_again() -> None:
    first, second = _made(MANIFEST), _made(MANIFEST)
    assert [(each.family, each.edits) for each in first] == [(each.family, each.edits) for each in second]
    texts = {"a.yaml": MANIFEST}
    repeated = [name for name, count in Counter(each.identity(texts) for each in first).items() if count > 1]
    assert repeated == []


def test_a_new_field_moves_no_other() -> None:
    made = _made(MANIFEST)
    fewer = [each for each in made if "image" not in each.leaf.field]
    kept = [(each.family, each.edits) for each in order(made, 1) if "image" not in each.leaf.field]
    assert [(each.family, each.edits) for each in order(fewer, 1)] == kept
    first = [(each.leaf.field, each.family) for each in order(made, 1)]
    groups = len(set(first))
    assert len(set(first[:groups])) == groups, "each field and kind of mistake comes once before any comes twice"
