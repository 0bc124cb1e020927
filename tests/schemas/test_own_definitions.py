from pathlib import Path
from typing import Any

import pytest

from modelyard.findings import UserError
from modelyard.schemas import SchemaBundle, Validator

CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: widgets.example.com
spec:
  group: example.com
  scope: Namespaced
  names:
    kind: Widget
    plural: widgets
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          description: A widget.
          properties:
            spec:
              type: object
              required: [size]
              properties:
                size: {type: integer, minimum: 1}
                port: {x-kubernetes-int-or-string: true, anyOf: [{type: integer}, {type: string}]}
                note: {type: string, nullable: true}
                free: {type: object, x-kubernetes-preserve-unknown-fields: true}
                mode: {type: string, default: fast, enum: [fast, slow]}
                tags: {type: array, x-kubernetes-list-type: set, items: {type: string}}
                by: {type: object, additionalProperties: {type: integer}}
                above: {type: number, minimum: 0, exclusiveMinimum: true}
    - name: v1beta1
      served: false
      storage: false
      schema: {openAPIV3Schema: {type: object}}
"""


def widget(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "a"}, "spec": spec}


@pytest.fixture
def crds(tmp_path: Path, validator: Validator) -> Path:
    folder = tmp_path / "crds"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "widgets.yaml").write_text(CRD)
    (folder / "kustomization.yaml").write_text("resources: [deep/widgets.yaml]\n")
    return folder


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"size": 1}, None),
        ({"size": 1, "port": "http"}, None),
        ({"size": 1, "port": 80}, None),
        ({"size": 1, "note": None}, None),
        ({"size": 1, "mode": None}, None),  # dropped in favour of the default
        ({"size": 1, "free": {"any": ["thing"]}}, None),
        ({"size": 1, "by": {"a": 1}}, None),
        ({"size": 1, "above": 0.5}, None),
        ({}, "spec.size"),
        ({"size": None}, "spec.size"),
        ({"size": 0}, "spec.size"),
        ({"size": 1, "sise": 1}, "spec.sise"),
        ({"size": 1, "port": 1.5}, "spec.port"),
        ({"size": 1, "mode": "fastt"}, "spec.mode"),
        ({"size": 1, "tags": ["a", "a"]}, "spec.tags"),
        ({"size": 1, "by": {"a": "b"}}, "spec.by.a"),
        ({"size": 1, "above": 0}, "spec.above"),
    ],
)
def test_resources_are_held_against_a_definition_of_ones_own(
    crds: Path, spec: dict[str, Any], path: str | None
) -> None:
    (verdict,) = Validator(crd_paths=[crds]).verdicts([widget(**spec)])
    assert [problem.path for problem in verdict.problems] == ([path] if path else [])
    assert verdict.status == ("invalid" if path else "valid")


def test_a_version_that_is_not_served_is_told(crds: Path) -> None:
    beta = {**widget(size=1), "apiVersion": "example.com/v1beta1"}
    (verdict,) = Validator(crd_paths=[crds]).verdicts([beta])
    assert "serves Widget as example.com/v1, not as example.com/v1beta1" in verdict.problems[0].message


def test_ones_own_definition_comes_before_the_bundled_one(tmp_path: Path, validator: Validator) -> None:
    own = CRD.replace("example.com", "karpenter.sh").replace("Widget", "NodePool").replace("widgets", "nodepools")
    (tmp_path / "own.yaml").write_text(own)
    pool = {**widget(size=1), "apiVersion": "karpenter.sh/v1", "kind": "NodePool"}
    (verdict,) = Validator(crd_paths=[tmp_path / "own.yaml"]).verdicts([pool])
    assert verdict.status == "valid"
    assert validator.verdicts([pool])[0].status == "invalid"


def test_a_changed_definition_takes_effect_at_once(crds: Path) -> None:
    before = Validator(crd_paths=[crds])
    file = crds / "deep" / "widgets.yaml"
    file.write_text(CRD.replace("required: [size]", "required: [size, port]"))
    after = Validator(crd_paths=[crds])
    assert before.verdicts([widget(size=1)])[0].status == "valid"
    assert after.verdicts([widget(size=1)])[0].status == "invalid"
    assert before.identity != after.identity


def test_reading_again_gives_the_same(crds: Path) -> None:
    assert SchemaBundle(crd_paths=[crds]).identity == SchemaBundle(crd_paths=[crds]).identity


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no "),
        ("a: 1\n", "holds no CustomResourceDefinition"),
        (CRD.replace("/v1\n", "/v1beta1\n", 1), "which Kubernetes does not serve"),
        (CRD.replace("  scope: Namespaced\n", ""), "without the names, scope or versions"),
        ("kind: CustomResourceDefinition\n  a: b: c\n", "is not valid YAML"),
        (CRD + "  scope: Cluster\n", "stands twice"),
        ("kind: CustomResourceDefinition\nspec: [1, 2]\napiVersion: apiextensions.k8s.io/v1\n", "without the names"),
    ],
)
def test_what_is_no_definition_is_refused(tmp_path: Path, content: str | None, message: str) -> None:
    file = tmp_path / "own.yaml"
    if content is not None:
        file.write_text(content)
    with pytest.raises(UserError, match=message) as caught:
        SchemaBundle(crd_paths=[file])
    assert "own.yaml" in caught.value.message


def test_a_file_that_is_far_too_large_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    with file.open("wb") as stream:
        stream.truncate(17 * 1024 * 1024)
    with pytest.raises(UserError, match="more than the 16 MiB that are read"):
        SchemaBundle(crd_paths=[file])
