"""Every field of a deployment of others is carried, set here, or lost by name; what is not taken over says why."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from modelyard.editing import foreign
from modelyard.findings import UserError

Path = tuple[str | int, ...]

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: big
  namespace: llm
  labels: {team: search}
  annotations: {owner: me}
  finalizers: [acme.example/wait]
spec:
  replicas: 3
  revisionHistoryLimit: 2
  minReadySeconds: 5
  strategy: {type: Recreate}
  selector: {matchLabels: {app: big}}
  template:
    metadata: {labels: {app: big, kueue.x-k8s.io/queue-name: q}, annotations: {a: b}}
    spec:
      nodeSelector: {zone: a}
      tolerations: [{key: dedicated, operator: Exists}]
      affinity: {nodeAffinity: {}}
      priorityClassName: high
      serviceAccountName: me
      hostAliases: [{ip: 10.0.0.1, hostnames: [a]}]
      imagePullSecrets: [{name: registry}]
      volumes: [{name: weights, persistentVolumeClaim: {claimName: weights}}]
      initContainers: [{name: download, image: alpine}]
      containers:
        - name: server
          image: vllm/vllm-openai:v0.24.0
          imagePullPolicy: Always
          command: [numactl, vllm, serve, Qwen/Qwen3-8B]
          args: [--served-model-name, small, --port=8080, --max-model-len, "8192", -tp, "2", --lora-modules, a=b, c=d]
          env:
            - {name: NCCL_DEBUG, value: INFO}
            - {name: CUDA_VISIBLE_DEVICES, value: "0,1"}
            - {name: HF_TOKEN, valueFrom: {secretKeyRef: {name: hf, key: token}}}
            - {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
          envFrom: [{secretRef: {name: s}}]
          ports: [{containerPort: 8080}]
          readinessProbe: {httpGet: {path: /health, port: 8080}}
          lifecycle: {preStop: {exec: {command: [sleep, "5"]}}}
          volumeMounts: [{name: weights, mountPath: /weights}]
          resources: {requests: {cpu: "8", nvidia.com/gpu: 2}, limits: {cpu: "16", nvidia.com/gpu: 2}}
        - {name: logs, image: fluent/fluent-bit}
"""

VALUES = """
model: Qwen/Qwen3-8B
modelParameters: {gpuMemoryUtilization: 0.88, pipeline: x}
extra: 1
inference:
  serviceName: chat
  serviceNamespace: llm
  accelerator: neuron
  framework: aibrix
  observability: {a: b}
  modelServer:
    env: {A: b}
    vllmVersion: 0.8.0
    image: {repository: acme/vllm, tag: v1, pullPolicy: Always}
    probes: {a: b}
    deployment:
      replicas: 2
      instanceType: inf2.xlarge
      minReplicas: 1
      tolerations: [a]
      resources: {neuron: {requests: {cpu: 4}}}
"""

# They stand for the form itself, or are the same in every object of their kind.
ENGINE = ("containers", 0)
FORM = {"apiVersion", "kind", "spec", "template", "metadata", "containers", "inference", "modelServer", "deployment"}


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of each scalar and of each empty mapping."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = False
    for key, below in items:
        found = True
        yield from leaves(below, (*path, key))
    if not found:
        yield path


def without(value: Any, path: Path) -> Any:
    """Return a copy without what stands at a path."""
    made = copy.deepcopy(value)
    holder = made
    for step in path[:-1]:
        holder = holder[step]
    del holder[path[-1]]
    return made


def told(value: Any) -> str:
    """Return what is understood of a source, or why it is refused."""
    try:
        return repr(foreign("source.yaml", yaml.safe_dump(value)))
    except UserError as refused:
        return f"refused: {refused.message}"


@pytest.mark.parametrize("text", [DEPLOYMENT, DEPLOYMENT.replace("Deployment", "StatefulSet"), VALUES])
def test_no_field_is_lost_in_silence(text: str) -> None:
    """Without a field, something else is told: of itself, or of the field that holds it."""
    source = yaml.safe_load(text)
    whole = told(source)
    silent = []
    for path in leaves(source):
        ends = range(len(path), 0, -1)
        parts = [path[:end] for end in ends if path[end - 1] not in FORM and not isinstance(path[end - 1], int)]
        items = [path[:end] for end in ends if isinstance(path[end - 1], int) and path[end - 2 : end] != ENGINE]
        if path[-1] not in FORM and all(told(without(source, part)) == whole for part in (*parts, *items)):
            silent.append(path)
    assert silent == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"nvidia.com/gpu": "amd.com/gpu"}, "amd.com/gpu: 2"),
        ({"nvidia.com/gpu": "habana.ai/gaudi"}, "habana.ai/gaudi: 2"),
        ({"nvidia.com/gpu": "google.com/tpu"}, "google.com/tpu: 2"),
        ({"nvidia.com/gpu": "nvidia.com/mig-3g.40gb"}, "mig-3g.40gb"),
        ({"vllm/vllm-openai": "rocm/vllm"}, "rocm/vllm"),
        ({"volumes:": "resourceClaims: [{name: a}]\n      volumes:"}, "resourceClaims"),
        ({"replicas: 3": "replicas: ${REPLICAS:-1}"}, "no number"),
        ({"--port=8080": "--config=/etc/vllm.yaml"}, "reads its settings from /etc/vllm.yaml"),
        ({"--port=8080": '--kv-transfer-config={"kv_role":"kv_producer"}'.replace('"', "'")}, "prefill and decode"),
        (
            {"--port=8080": "--kv-transfer-config={'kv_connector':'NixlConnector','kv_role':'kv_both'}"},
            "prefill and decode",
        ),
        ({"numactl, vllm, serve, Qwen/Qwen3-8B": "router", "name: server": "name: router"}, "neither a values file"),
        ({"[numactl, vllm, serve, Qwen/Qwen3-8B]": "[sh, -c, 'if a; then vllm serve b; fi']"}, "decides what runs"),
    ],
)
def test_what_would_become_something_else_is_refused(change: dict[str, str], message: str) -> None:
    text = DEPLOYMENT
    for old, new in change.items():
        assert old in text
        text = text.replace(old, new) if "kv_role" not in new else text.replace(old, f'"{new}"')
    with pytest.raises(UserError) as refused:
        foreign("source.yaml", text)
    assert message in refused.value.message


def test_a_pair_of_prefill_and_decode_is_named_as_one() -> None:
    half = DEPLOYMENT.replace("--port=8080", "\"--kv-transfer-config={'kv_connector':'NixlConnector'}\"")
    with pytest.raises(
        UserError, match=r"Deployment big \(NixlConnector\) and Deployment other \(NixlConnector\): pre"
    ):
        foreign("source.yaml", f"{half}---{half.replace('name: big', 'name: other')}")


def test_several_engines_in_a_file_are_refused() -> None:
    with pytest.raises(UserError, match="2 workloads that run vLLM"):
        foreign("source.yaml", f"{DEPLOYMENT}---{DEPLOYMENT.replace('name: big', 'name: other')}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        *(
            (f"kind: {kind}\nmetadata: {{name: a}}\n", f"a {kind}, which")
            for kind in (
                "LeaderWorkerSet",
                "RayService",
                "LLMInferenceService",
                "InferenceService",
                "StormService",
                "Model",
                "NIMService",
                "VLLMRuntime",
                "Job",
            )
        ),
        ("servingEngineSpec: {modelSpec: []}\n", "production-stack"),
        ("modelArtifacts: {uri: 'hf://a/b'}\n", "llm-d-modelservice"),
        ("image: {repository: nvcr.io/nim/meta/llama}\n", "a NIM of NVIDIA"),
    ],
)
def test_each_kind_is_refused_by_its_own_reason(text: str, message: str) -> None:
    with pytest.raises(UserError) as refused:
        foreign("source.yaml", text)
    assert message in refused.value.message
    assert refused.value.fix


def test_a_script_is_followed_and_the_rest_of_it_is_lost_by_name() -> None:
    script = (
        "pip install x\nexport VLLM_LOGGING_LEVEL=DEBUG\nMODEL=Qwen/Qwen3-8B\nexec vllm serve $MODEL --port ${PORT:-80}"
    )
    source = yaml.safe_load(DEPLOYMENT)
    container = source["spec"]["template"]["spec"]["containers"][0]
    container["command"], container["args"] = ["/bin/sh", "-c"], [script]
    found = foreign("source.yaml", yaml.safe_dump(source))
    assert found.model == "Qwen/Qwen3-8B"
    assert found.variables["VLLM_LOGGING_LEVEL"] == "DEBUG"
    assert [each for each in found.lost if each.startswith(("pip", "port 80"))]
