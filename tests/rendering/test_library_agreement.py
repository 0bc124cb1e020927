"""The library backend against the reference: what `kustomize build` prints, on everything that ships."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml as pyyaml

from modelyard.rendering import ProcessRenderer, Rendering
from modelyard.rendering.library import LibraryRenderer
from modelyard.repository import Repository
from modelyard.repository.yaml import rendered
from modelyard.tooling import find, require, run

PROJECT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(
    find("modelyard-render") is None or find("kustomize") is None,
    reason="modelyard-render or kustomize is not installed: `modelyard tools install` builds both",
)


def built(root: Path, target: str) -> list[Any] | None:
    """Return what a plain `kustomize build` prints; None when it refuses."""
    completed = run([require("kustomize").path, "build", str(root / target)], timeout=60)
    return None if completed.returncode else [each for each in rendered(completed.stdout) if each is not None]


def by_target(root: Path, targets: list[str]) -> dict[str, Rendering]:
    return {each.target: each for each in LibraryRenderer(None).render(Repository(root), targets)}


def kustomizations(root: Path) -> tuple[list[str], list[str]]:
    """Return the targets and the components of a repository."""
    targets: list[str] = []
    components: list[str] = []
    for file in sorted(root.rglob("kustomization.yaml")):
        content = pyyaml.safe_load(file.read_text())
        folder = file.parent.relative_to(root).as_posix()
        (components if content.get("kind") == "Component" else targets).append(folder)
    return targets, components


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the project's bases and overlays, with one target more for every feature on every overlay."""
    root = tmp_path_factory.mktemp("shipped")
    for name in ("bases", "overlays"):
        shutil.copytree(PROJECT / name, root / name)
    _, components = kustomizations(root)
    for component in components:
        for overlay in sorted((root / "overlays").iterdir()):
            folder = root / "tried" / component.replace("/", "-") / overlay.name
            folder.mkdir(parents=True)
            up = "../../.."
            (folder / "kustomization.yaml").write_text(
                f"resources: [{up}/overlays/{overlay.name}]\ncomponents: [{up}/{component}]\n"
            )
    return root


@pytest.mark.slow
def test_every_base_overlay_and_feature_renders_as_kustomize_prints_it(shipped: Path) -> None:
    targets, components = kustomizations(shipped)
    assert len(targets) > 10 and components
    renderings = by_target(shipped, targets)
    assert sorted(renderings) == sorted(targets)
    compared = 0
    for target in targets:
        expected = built(shipped, target)
        found = renderings[target]
        if expected is None:
            assert found.errors, f"kustomize refuses {target}, the library renders it"
            continue
        assert not found.errors, f"kustomize builds {target}: {found.errors[0].message}"
        assert [each.value for each in found.resources] == expected, target
        compared += len(expected)
    assert compared > 50


@pytest.mark.slow
def test_every_target_of_a_generated_repository_renders_as_kustomize_prints_it(bases: Mapping[str, Path]) -> None:
    for name, root in bases.items():
        # Bases and overlays are the same everywhere, and are compared above.
        targets = [each for each in kustomizations(root)[0] if each.startswith("environments/")]
        assert len(targets) > 5
        for target, found in by_target(root, targets).items():
            expected = built(root, target)
            assert [each.value for each in found.resources] == (expected or []), f"{name}: {target}"
            assert bool(found.errors) == (expected is None), f"{name}: {target}"


def test_both_backends_name_the_same_origins(shipped: Path) -> None:
    target = "overlays/qwen3-1-7b-vllm-gpu"
    (reference,) = ProcessRenderer().render(Repository(shipped), [target])
    found = by_target(shipped, [target])[target]
    assert [each.origin for each in found.resources] == [each.origin for each in reference.resources]
    assert all(each.origin for each in found.resources)
    assert [each.transformed_by for each in found.resources] == [each.transformed_by for each in reference.resources]


TRICKY: dict[str, dict[str, str]] = {
    "asks for provenance itself": {
        "kustomization.yaml": "resources: [a.yaml]\nbuildMetadata: [originAnnotations, managedByLabel]\n",
        "a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
    },
    "flow mapping": {
        "kustomization.yaml": "{resources: [a.yaml], namePrefix: x-}",
        "a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
    },
    "document end": {
        "kustomization.yaml": "resources: [a.yaml]\n...\n",
        "a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
    },
    "a patch that needs annotations to be absent": {
        "kustomization.yaml": (
            "resources: [a.yaml]\npatches:\n  - target: {kind: ConfigMap}\n"
            "    patch: '- {op: add, path: /metadata/annotations/x, value: y}'\n"
        ),
        "a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
    },
    "a patch that sets all annotations": {
        "kustomization.yaml": (
            "resources: [a.yaml]\npatches:\n  - target: {kind: ConfigMap}\n"
            "    patch: '- {op: add, path: /metadata/annotations, value: {x: y}}'\n"
        ),
        "a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
    },
    "a replacement that copies all annotations": {
        "kustomization.yaml": (
            "resources: [a.yaml, b.yaml]\nreplacements:\n  - source: {kind: Secret, fieldPath: metadata.annotations}\n"
            "    targets: [{select: {kind: Widget}, fieldPaths: [spec.copied], options: {create: true}}]\n"
        ),
        "a.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: a, annotations: {x: y}}\n",
        "b.yaml": "apiVersion: x.example.com/v1\nkind: Widget\nmetadata: {name: b}\nspec: {}\n",
    },
    "a hash over annotations": {
        "kustomization.yaml": "resources: [a.yaml]\n",
        "a.yaml": (
            "apiVersion: x.example.com/v1\nkind: Widget\nmetadata:\n  name: a\n"
            "  annotations: {kustomize.config.k8s.io/needs-hash: 'true'}\nspec: {}\n"
        ),
    },
    "scalars of every kind": {
        "kustomization.yaml": "resources: [a.yaml]\n",
        "a.yaml": (
            "apiVersion: x.example.com/v1\nkind: Widget\nmetadata: {name: a, annotations: {}}\nspec:\n"
            "  yes: yes\n  on: 'on'\n  octal: 0644\n  newOctal: 0o644\n  hex: 0x1F\n  float: 1.50\n  whole: 1.0\n"
            "  exponent: 1e3\n  large: 12345678901234567890\n  negative: -0\n  date: 2001-01-01\n"
            "  time: 2001-01-01T10:00:00Z\n  null1: ~\n  empty:\n  under: 1_000\n  base60: 190:20:30\n"
            '  bool: True\n  quoted: "1"\n  version: 1.10\n  flow: {absent, other: }\n'
            "  tagged: !!str 5\n  binary: !!binary aGVsbG8=\n"
        ),
    },
    "anchors and merge keys": {
        "kustomization.yaml": "resources: [a.yaml]\n",
        "a.yaml": (
            "apiVersion: x.example.com/v1\nkind: Widget\nmetadata: {name: a}\nspec:\n  one: &one {a: 1, b: [1, 2]}\n"
            "  two: {<<: *one, c: 3}\n  three: *one\n"
        ),
    },
    "a list and several documents": {
        "kustomization.yaml": "resources: [a.yaml]\n",
        "a.yaml": (
            "apiVersion: v1\nkind: List\nitems:\n  - {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n"
            "  - {apiVersion: v1, kind: ConfigMap, metadata: {name: b}}\n---\n---\n"
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"
        ),
    },
    "sorted as the kustomization says": {
        "kustomization.yaml": "resources: [a.yaml]\nsortOptions: {order: fifo}\n",
        "a.yaml": (
            "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Namespace\n"
            "metadata: {name: b}\n"
        ),
    },
    "local configuration is dropped": {
        "kustomization.yaml": "resources: [a.yaml, b.yaml]\n",
        "a.yaml": (
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"
            "  annotations: {config.kubernetes.io/local-config: 'true'}\n"
        ),
        "b.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n",
    },
    "Kustomize's own generator and transformer": {
        "kustomization.yaml": "generators: [g.yaml]\ntransformers:\n  - |\n    apiVersion: builtin\n"
        "    kind: PrefixTransformer\n    metadata: {name: p}\n    prefix: x-\n"
        "    fieldSpecs: [{path: metadata/name}]\n",
        "g.yaml": "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: g}\nname: g\nliterals: [a=b]\n",
    },
}


@pytest.mark.parametrize("name", TRICKY)
def test_tricky_targets_render_as_kustomize_prints_them(name: str, tmp_path: Path) -> None:
    write(tmp_path / "target", TRICKY[name])
    expected = built(tmp_path, "target")
    found = by_target(tmp_path, ["target"])["target"]
    if expected is None:
        assert found.errors, "kustomize refuses it, the library renders it"
    else:
        assert not found.errors, found.errors[0].message
        assert [each.value for each in found.resources] == expected
        assert all(each.origin for each in found.resources)


def test_a_custom_openapi_schema_does_not_reach_other_targets(tmp_path: Path) -> None:
    widget = "apiVersion: x.example.com/v1\nkind: Widget\nmetadata: {name: a}\nspec: {items: [{name: one, a: 1}]}\n"
    patch = "apiVersion: x.example.com/v1\nkind: Widget\nmetadata: {name: a}\nspec: {items: [{name: two, b: 2}]}\n"
    schema = (
        '{"definitions": {"Widget": {"type": "object", "x-kubernetes-group-version-kind": [{"group": "x.example.com",'
        ' "version": "v1", "kind": "Widget"}], "properties": {"spec": {"properties": {"items": {"type": "array",'
        ' "items": {"type": "object"}, "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": "name"'
        "}}}}}}}"
    )
    kustomization = "resources: [a.yaml]\npatches: [{path: patch.yaml}]\n"
    common = {"a.yaml": widget, "patch.yaml": patch}
    write(
        tmp_path / "with",
        {**common, "kustomization.yaml": f"{kustomization}openapi: {{path: s.json}}\n", "s.json": schema},
    )
    plain = [f"plain{number}" for number in range(4)]
    for target in plain:
        write(tmp_path / target, {**common, "kustomization.yaml": kustomization})
    targets = [plain[0], "with", *plain[1:]]
    found = by_target(tmp_path, targets)
    for target in targets:
        assert [each.value for each in found[target].resources] == built(tmp_path, target), target
    assert len(found["with"].resources[0].value["spec"]["items"]) == 2
    assert len(found["plain3"].resources[0].value["spec"]["items"]) == 1


def write(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.fixture(autouse=True)
def _nothing_is_written(request: pytest.FixtureRequest) -> Iterator[None]:
    """Rendering changes nothing in the repository that it reads."""
    root = request.getfixturevalue("tmp_path")
    yield
    assert not list(root.rglob("*.tmp"))
