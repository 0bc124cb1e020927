"""Every value is addressed at the text that set it last, or the address says how vague it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from modelyard.findings import Precision
from modelyard.rendering import ProcessRenderer, Resource, address
from modelyard.repository import Repository

Write = Callable[[dict[str, str]], Path]

BASE = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: serving
spec:
  replicas: 1
  template:
    spec:
      containers:
        - name: sidecar
          image: fluent/fluent-bit:4.0.0
        - name: vllm
          image: vllm/vllm-openai
          args:
            - --config
            - /etc/vllm.yaml
          env:
            - {name: A, value: base}
            - {name: B, value: base}
"""

FILES = {
    "base/kustomization.yaml": "resources:\n  - deployment.yaml\n",
    "base/deployment.yaml": BASE,
    "feature/kustomization.yaml": """\
kind: Component
patches:
  - target: {kind: Deployment}
    patch: |-
      - op: add
        path: /spec/template/spec/containers/0/args/-
        value: --enable-prefix-caching
      - {op: remove, path: /spec/replicas}
""",
    "overlay/kustomization.yaml": """\
resources:
  - ../base
configMapGenerator:
  - name: settings
    files: [vllm.yaml]
    literals: [mode=fast]
patches:
  - path: devices.yaml
""",
    "overlay/vllm.yaml": "model: a/b\n",
    "overlay/devices.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: serving
spec:
  template:
    spec:
      containers:
        - name: vllm
          resources:
            limits:
              nvidia.com/gpu: 2
          env:
            - {name: B, value: overlay}
""",
    "model/kustomization.yaml": """\
namespace: models
resources:
  - ../overlay
components:
  - ../feature
images:
  - name: vllm/vllm-openai
    newTag: v0.33.0
patches:
  - target: {kind: Deployment}
    patch: |-
      - {op: add, path: /spec/template/spec/containers/0/args/-, value: --max-model-len=4096}
      - {op: replace, path: /spec/template/spec/containers/0/env/1/value, value: model}
  - target: {name: serving}
    options: {allowNameChange: true}
    patch: |-
      - {op: replace, path: /metadata/name, value: chat}
labels:
  - pairs: {app.kubernetes.io/instance: chat}
    includeSelectors: true
""",
}


@pytest.fixture
def rendered(tree: Write) -> tuple[Repository, dict[str, Resource]]:
    repository = Repository(tree(FILES))
    (rendering,) = ProcessRenderer().render(repository, ["model"])
    assert rendering.errors == ()
    return repository, {resource.value["kind"]: resource for resource in rendering.resources}


VLLM = "spec.template.spec.containers[0]"  # a strategic merge puts the container that it patches first


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (f"{VLLM}.name", "overlay/devices.yaml:9:17"),
        (f"{VLLM}.image", "model/kustomization.yaml:8:13"),
        (f"{VLLM}.args[1]", "base/deployment.yaml:16:15"),
        (f"{VLLM}.args[2]", "feature/kustomization.yaml:7:16"),
        (f"{VLLM}.args[3]", "model/kustomization.yaml:12:73"),
        (f"{VLLM}.env[1].value", "model/kustomization.yaml:13:82"),
        (f"{VLLM}.env[0].value", "overlay/devices.yaml:14:32"),
        (
            ("spec", "template", "spec", "containers", 0, "resources", "limits", "nvidia.com/gpu"),
            "overlay/devices.yaml:12:31",
        ),
        ("spec.template.spec.containers[1].image", "base/deployment.yaml:11:18"),
        ("metadata.name", "model/kustomization.yaml:17:52"),
        ("metadata.namespace", "model/kustomization.yaml:1:12"),
        (("spec", "selector", "matchLabels", "app.kubernetes.io/instance"), "model/kustomization.yaml:19:41"),
    ],
)
def test_exact_place_of_a_scalar(rendered: tuple[Repository, dict[str, Resource]], path: str, place: str) -> None:
    repository, resources = rendered
    found = address(repository, "model", resources["Deployment"], path).place()
    assert (str(found), found.precision) == (place, Precision.EXACT)


def test_excerpt_is_the_line_with_the_value(rendered: tuple[Repository, dict[str, Resource]]) -> None:
    repository, resources = rendered
    found = address(repository, "model", resources["Deployment"], f"{VLLM}.args[3]").place()
    assert found.text is not None and found.column is not None and found.end_column is not None
    assert found.text[found.column - 1 : found.end_column - 1] == "--max-model-len=4096"


def test_absent_value_is_addressed_where_it_belongs(rendered: tuple[Repository, dict[str, Resource]]) -> None:
    repository, resources = rendered
    found = address(repository, "model", resources["Deployment"], f"{VLLM}.startupProbe.httpGet").place()
    assert found.file in ("overlay/devices.yaml", "base/deployment.yaml")
    assert found.precision is Precision.EXACT


def test_removed_value_is_addressed_at_what_removed_it(rendered: tuple[Repository, dict[str, Resource]]) -> None:
    repository, resources = rendered
    found = address(repository, "model", resources["Deployment"], "spec.replicas").place()
    assert str(found) == "feature/kustomization.yaml:8:28"


def test_generated_values(rendered: tuple[Repository, dict[str, Resource]]) -> None:
    repository, resources = rendered
    config_map = resources["ConfigMap"]
    assert str(address(repository, "model", config_map, ("data", "vllm.yaml")).place()) == "overlay/vllm.yaml:1:1"
    assert str(address(repository, "model", config_map, "data.mode").place()) == "overlay/kustomization.yaml:6:16"
    name = address(repository, "model", config_map, "metadata.name").place()
    assert (name.file, name.precision) == ("overlay/kustomization.yaml", Precision.KUSTOMIZATION)


def test_name_that_is_a_number_has_a_place(tree: Write) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: 7\n"
    repository = Repository(tree({"kustomization.yaml": "resources: [map.yaml]\n", "map.yaml": text}))
    resource = Resource({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": 7}}, "map.yaml")
    assert str(address(repository, "", resource, "metadata.name").place()) == "map.yaml:4:9"
