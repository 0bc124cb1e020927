"""What the library says about resources, against kubeconform and against the published protocol."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest

from modelyard.rendering.library import LibraryRenderer
from modelyard.rendering.model import SchemaVerdict
from modelyard.repository import Repository
from modelyard.schemas import DEFAULT_KUBERNETES, Validator, native_version
from modelyard.schemas.bundle import FOLDER
from modelyard.tooling import find, require, run

PROJECT = Path(__file__).parents[2]
SCHEMA = PROJECT / "docs" / "reference" / "render-protocol.schema.json"
NODE_POOL: dict[str, Any] = {
    "apiVersion": "karpenter.sh/v1",
    "kind": "NodePool",
    "metadata": {"name": "gpu"},
    "spec": {
        "template": {
            "spec": {
                "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "gpu"},
                "requirements": [{"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"]}],
            }
        }
    },
}
DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "chat"},
    "spec": {
        "selector": {"matchLabels": {"a": "b"}},
        "template": {
            "metadata": {"labels": {"a": "b"}},
            "spec": {"containers": [{"name": "vllm", "image": "x", "env": [{"name": "A", "value": "1"}]}]},
        },
    },
}

pytestmark = pytest.mark.skipif(
    find("modelyard-render") is None, reason="modelyard-render is not installed: `modelyard tools install` builds it"
)


def changed(resource: dict[str, Any], path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    """Return a copy with another value at a path."""
    copied = copy.deepcopy(resource)
    place: Any = copied
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return copied


def renderer() -> LibraryRenderer:
    native = FOLDER / "native" / f"{native_version(DEFAULT_KUBERNETES)}.json"
    return LibraryRenderer(native, [FOLDER / "crds"])


def verdicts(root: Path, resources: list[dict[str, Any]]) -> list[SchemaVerdict]:
    """Return the library's verdicts, each resource rendered by a kustomization of its own."""
    targets = [f"t{number}" for number in range(len(resources))]
    for target, resource in zip(targets, resources, strict=True):
        (root / target).mkdir(parents=True)
        (root / target / "kustomization.yaml").write_text("resources: [a.json]\n")
        (root / target / "a.json").write_bytes(orjson.dumps(resource))
    found = {each.target: each for each in renderer().render(Repository(root), targets)}
    told = []
    for target in targets:
        assert not found[target].errors, found[target].errors[0].message
        verdict = found[target].resources[0].verdict
        assert verdict is not None
        told.append(verdict)
    return told


CONTAINER = ("spec", "template", "spec", "containers", 0)
BOTH = {
    "legal deployment": (DEPLOYMENT, ""),
    "unknown field": (changed(DEPLOYMENT, (*CONTAINER, "imag"), "x"), "spec.template.spec.containers[0].imag"),
    "wrong type": (changed(DEPLOYMENT, ("spec", "replicas"), "two"), "spec.replicas"),
    "number as env value": (
        changed(DEPLOYMENT, (*CONTAINER, "env", 0, "value"), 1),
        "spec.template.spec.containers[0].env[0].value",
    ),
    "missing selector": (changed(DEPLOYMENT, ("spec", "selector"), None), "spec.selector"),
    "legal node pool": (NODE_POOL, ""),
    "unknown field of a custom resource": (changed(NODE_POOL, ("spec", "limit"), {}), "spec.limit"),
    "an operator that is none": (
        changed(NODE_POOL, ("spec", "template", "spec", "requirements", 0, "operator"), "Inn"),
        "spec.template.spec.requirements[0].operator",
    ),
    "a version that is not served": (changed(NODE_POOL, ("apiVersion",), "karpenter.sh/v1alpha5"), "apiVersion"),
    "a kind that Kubernetes has not": (changed(DEPLOYMENT, ("kind",), "Deploymnet"), "kind"),
}


@pytest.mark.skipif(find("kubeconform") is None, reason="kubeconform is not installed")
def test_both_validations_agree_on_what_is_legal_and_where(tmp_path: Path) -> None:
    resources = [resource for resource, _ in BOTH.values()]
    ours = verdicts(tmp_path, resources)
    theirs = Validator(DEFAULT_KUBERNETES).verdicts(resources)
    for (name, (_, path)), our, their in zip(BOTH.items(), ours, theirs, strict=True):
        assert our.status == their.status == ("invalid" if path else "valid"), f"{name}: {our} {their}"
        assert [each.path for each in our.problems] == ([path] if path else []), f"{name}: {our}"


ONLY_OURS = {
    "a quantity that is none": (
        changed(DEPLOYMENT, (*CONTAINER, "resources"), {"limits": {"memory": "24GiB"}}),
        "schema",
        "spec.template.spec.containers[0].resources.limits.memory",
    ),
    "two env of one name": (
        changed(DEPLOYMENT, (*CONTAINER, "env"), [{"name": "A"}, {"name": "A"}]),
        "duplicate",
        "spec.template.spec.containers[0].env[1]",
    ),
    "a rule in CEL": (
        changed(NODE_POOL, ("spec", "template", "spec", "requirements", 0, "values"), []),
        "cel",
        "spec.template.spec.requirements",
    ),
}


@pytest.mark.parametrize("name", ONLY_OURS)
def test_what_only_the_servers_own_validation_finds(name: str, tmp_path: Path) -> None:
    resource, source, path = ONLY_OURS[name]
    (verdict,) = verdicts(tmp_path, [resource])
    assert verdict.status == "invalid"
    assert [(each.source, each.path) for each in verdict.problems] == [(source, path)]
    assert verdict.problems[0].message and verdict.rules_checked


def test_rules_of_an_unknown_kind_are_not_checked(tmp_path: Path) -> None:
    (verdict,) = verdicts(tmp_path, [{"apiVersion": "x.example.com/v1", "kind": "Widget", "metadata": {"name": "a"}}])
    assert verdict == SchemaVerdict("no-schema")


def test_everything_that_ships_is_legal() -> None:
    targets = [
        file.parent.relative_to(PROJECT).as_posix() for file in sorted(PROJECT.glob("overlays/*/kustomization.yaml"))
    ]
    for rendering in renderer().render(Repository(PROJECT), targets):
        for resource in rendering.resources:
            assert resource.verdict is not None
            assert resource.verdict.status == "valid", f"{rendering.target}: {resource.verdict.problems}"


def test_the_lines_are_as_the_published_schema_has_them(tmp_path: Path) -> None:
    schema = json.loads(SCHEMA.read_text())
    validator = jsonschema.Draft202012Validator(schema)
    (tmp_path / "kustomization.yaml").write_text("resources: [a.json, b.json, c.json]\n")
    for name, resource in (
        ("a", changed(NODE_POOL, ("spec", "template", "spec", "requirements", 0, "values"), [])),
        ("b", changed(changed(DEPLOYMENT, ("spec", "x"), 1), (*CONTAINER, "env"), [{"name": "A"}, {"name": "A"}])),
        ("c", {"apiVersion": "x.example.com/v1", "kind": "Widget", "metadata": {"name": "a"}}),
    ):
        (tmp_path / f"{name}.json").write_bytes(orjson.dumps(resource))
    native = FOLDER / "native" / f"{native_version(DEFAULT_KUBERNETES)}.json"
    header = {"version": 2, "root": str(tmp_path), "definitions": str(native), "crdFolders": [str(FOLDER / "crds")]}
    targets = [{"id": "a", "path": "."}, {"id": "b", "path": "none"}]
    for line, name in ((header, "header"), *((target, "target") for target in targets)):
        jsonschema.validate(line, {"$ref": f"#/$defs/{name}", "$defs": schema["$defs"]})
    stdin = b"\n".join(map(orjson.dumps, [header, *targets]))
    lines = run([require("modelyard-render").path], stdin=stdin, timeout=60, check=True).stdout.splitlines()
    assert len(lines) == 6
    for line in lines:
        validator.validate(json.loads(line))
    documented = (SCHEMA.with_suffix("").with_suffix(".md")).read_text()
    for name in schema["$defs"]["header"]["properties"]:
        assert f"`{name}`" in documented
    for kind in schema["$defs"]["done"]["properties"]["error"]["properties"]["kind"]["enum"]:
        assert f"`{kind}`" in documented
