"""Deployments of others taken over: what is carried, and that everything else is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from modelyard.editing import Changes, ImportResult, adopt, foreign, rows, set_model
from modelyard.findings import UserError, is_secret

from .conftest import Outcome, snapshot
from .test_models import errors

Run = Callable[..., Outcome]

VALUES = """\
model: Qwen/Qwen3-8B
modelParameters:
  gpuMemoryUtilization: 0.88
  maxModelLen: 16384
  tokenizerPoolSize: 4
  pipelineParallelSize: 1
inference:
  serviceName: Team_Chat
  serviceNamespace: default
  accelerator: gpu
  framework: vllm
  modelServer:
    env: {VLLM_LOGGING_LEVEL: WARNING, MADE_UP: 1}
    image: {repository: public.ecr.aws/deep-learning-containers/vllm, tag: 0.10.2-gpu-py312-ec2}
    deployment:
      replicas: 2
      instanceType: g6e.2xlarge
      resources:
        gpu:
          requests: {nvidia.com/gpu: 1, cpu: 4}
"""

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: mistral}
spec:
  replicas: 1
  template:
    spec:
      nodeSelector: {karpenter.sh/nodepool: mine}
      initContainers: [{name: download}]
      containers:
        - name: server
          image: vllm/vllm-openai:v0.8.5
          command: ["/bin/sh", "-c"]
          args:
            - |
              vllm serve Qwen/Qwen3-8B \\
                --max-model-len 8192 --enforce-eager \\
                --served-model-name=mine --port 8080 -q fp8
          env:
            - name: HUGGING_FACE_HUB_TOKEN
              valueFrom: {secretKeyRef: {name: hf-token, key: token}}
            - name: POD_IP
              valueFrom: {fieldRef: {fieldPath: status.podIP}}
          resources: {limits: {nvidia.com/gpu: "1"}}
          readinessProbe: {httpGet: {path: /health, port: 8080}}
        - {name: logs, image: fluent/fluent-bit}
---
apiVersion: v1
kind: Service
metadata: {name: mistral}
"""


def adopted(root: Path, text: str, **named: str) -> ImportResult:
    return adopt(lambda: Changes(root), "dev", foreign("values.yaml", text), **named)


def lost(made: ImportResult, *words: str) -> bool:
    """Return whether something is told as lost or set here, in one line with all of these words."""
    return any(all(word in each for word in words) for each in (*made.lost, *made.set, *made.notes))


def test_a_values_file_becomes_a_model_that_does_the_same(starter: Path) -> None:
    made = adopted(starter, VALUES)
    assert (made.name, made.candidate.overlay.name) == ("team-chat", "qwen3-8b-vllm-gpu")
    made.candidate.changes.apply()
    assert errors(starter) == []
    (row,) = (each for each in rows(Changes(starter)) if each.name == "team-chat")
    overlay = yaml.safe_load((starter / "overlays/qwen3-8b-vllm-gpu/vllm.yaml").read_text())
    expected = {"replicas": "2", "gpu-memory-utilization": "0.88"}
    if overlay["max-model-len"] != 16384:
        expected["max-model-len"] = "16384"
    assert row.settings == expected
    text = (starter / "environments/dev/models/team-chat/kustomization.yaml").read_text()
    assert "value: {name: VLLM_LOGGING_LEVEL, value: WARNING}" in text


def test_what_a_values_file_says_and_has_no_place_is_said(untouched: Path) -> None:
    made = adopted(untouched, VALUES)
    assert lost(made, "tokenizer-pool-size 4", "has no such flag")
    assert lost(made, "variable MADE_UP", "does not read it")
    assert lost(made, "image public.ecr.aws/deep-learning-containers/vllm:0.10.2")
    assert lost(made, "instanceType g6e.2xlarge") and lost(made, "requests.cpu", "sizes the pod")
    assert lost(made, "serviceNamespace", "share the namespace models")
    told = " ".join([*made.carried, *made.set, *made.lost])
    for key in ("gpu-memory-utilization", "max-model-len", "tokenizer-pool-size", "pipeline-parallel-size", "replicas"):
        assert key in told, f"nothing is said of {key}"


def test_a_plain_deployment_is_read_from_its_command_line(starter: Path) -> None:
    made = adopted(starter, DEPLOYMENT, name="chat")
    assert made.candidate.features == ("hf-token",)
    assert any("enforce-eager true" in each for each in made.carried)
    assert any("max-model-len 8192" in each for each in made.carried)
    assert any("served-model-name mine: it answers to chat as well" in each for each in made.carried)
    for word in (
        "nodeSelector",
        "init container download",
        "container logs",
        "readinessProbe",
        "Service",
        "POD_IP",
    ):
        assert lost(made, word), f"nothing is said of {word}"
    assert lost(made, "port 8080")
    made.candidate.changes.apply()
    assert errors(starter) == []


@pytest.mark.parametrize(
    ("framework", "accelerator", "model", "engine"),
    [
        ("vllm", "neuron", "meta-llama/Llama-3.1-8B-Instruct", "vllm-neuron"),
        ("ray-vllm", "gpu", "deepseek-ai/DeepSeek-R1-Distill-Llama-8B", "vllm"),
        ("ray-vllm", "neuron", "meta-llama/Llama-3.1-8B-Instruct", "vllm-neuron"),
        ("aibrix", "gpu", "Qwen/Qwen3-1.7B", "vllm"),
        ("diffusers", "gpu", "black-forest-labs/FLUX.1-schnell", "vllm-omni"),
    ],
)
def test_an_engine_that_cannot_serve_it_here_gives_way_to_one_that_can(
    untouched: Path, framework: str, accelerator: str, model: str, engine: str
) -> None:
    text = VALUES.replace("framework: vllm", f"framework: {framework}").replace("Qwen/Qwen3-8B", model)
    made = adopted(untouched, text.replace("accelerator: gpu", f"accelerator: {accelerator}"), name="taken-over")
    assert made.candidate.overlay.engine == engine
    if framework != "vllm":
        assert lost(made, framework) or lost(made, "engine"), "the change of the engine is not said"


def test_flags_are_carried_onto_an_overlay_that_is_made(starter: Path) -> None:
    text = VALUES.replace("Qwen/Qwen3-8B", "microsoft/phi-4").replace("MaxModelLen: 16384", "MaxModelLen: 8192")
    made = adopted(starter, text, name="phi")
    assert made.candidate.made and any("gpu-memory-utilization 0.88" in each for each in made.carried)
    made.candidate.changes.apply()
    assert errors(starter) == []


def test_another_copy_of_the_model_can_be_named(untouched: Path) -> None:
    text = VALUES.replace("Qwen/Qwen3-8B", "NousResearch/Llama-3.2-1B")
    with pytest.raises(UserError) as caught:
        adopted(untouched, text)
    assert "--model meta-llama/Llama-3.2-1B serves that one instead" in caught.value.fix
    with pytest.raises(UserError) as unlike:
        adopted(untouched, VALUES.replace("Qwen/Qwen3-8B", "acme/zzz"))
    assert "--model ID serves that one instead" in unlike.value.fix
    made = adopted(untouched, text, model="meta-llama/Llama-3.2-1B-Instruct")
    assert lost(made, "NousResearch/Llama-3.2-1B", "is served instead")
    path = DEPLOYMENT.replace("serve Qwen/Qwen3-8B", "serve /models/Qwen3-8B")
    with pytest.raises(UserError, match="loads weights from /models/Qwen3-8B, and does not say which") as weights:
        adopted(untouched, path)
    assert "--model Qwen/Qwen3-8B" in weights.value.fix


def test_a_pipeline_is_served_by_vllm_omni(starter: Path) -> None:
    text = """
model: stabilityai/stable-diffusion-3.5-large
modelParameters: {pipeline: stablediffusion3}
inference: {serviceName: sd3, serviceNamespace: default, accelerator: gpu, framework: diffusers}
"""
    made = adopted(starter, text)
    assert made.candidate.overlay.name == "stable-diffusion-3-5-large-vllm-omni-gpu"
    assert lost(made, "pipeline stablediffusion3") and lost(made, "/v1/generations", "/v1/images/generations")
    made.candidate.changes.apply()
    assert errors(starter) == []


def test_smaller_weights_of_a_model_that_fits_nowhere_are_named(untouched: Path) -> None:
    text = VALUES.replace("Qwen/Qwen3-8B", "Qwen/Qwen3-Coder-480B-A35B-Instruct")
    with pytest.raises(UserError, match=r"as asked \(accelerator gpu, engine lws-vllm\); .* fits no GPU") as caught:
        adopted(untouched, text.replace("framework: vllm", "framework: lws-vllm"))
    assert "--model Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8 serves that one instead" in caught.value.fix


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("inference: {framework: nim}\nmodel: a/b\n", "an image of NVIDIA's"),
        ("s3ModelCopy: {model: a/b}\n", "serves nothing"),
        ("inference: {framework: vllm}\n", "names no model"),
        ("kind: Deployment\nspec: {template: {spec: {containers: [{image: nginx}]}}}\n", "does not run vLLM"),
        ("kind: Deployment\nspec: {template: {spec: {containers: [{image: vllm/vllm-openai}]}}}\n", "names no model"),
        ("a: [", "not valid YAML"),
    ],
)
def test_what_cannot_be_taken_over_is_refused(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        foreign("file.yaml", text)


def test_the_command_shows_and_writes(starter: Path, modelyard: Run, tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(VALUES)
    before = snapshot(starter)
    shown = modelyard(starter, "import", str(file), "--env", "dev", "--dry-run", "--json")
    assert shown.code == 0, shown.err
    told = json.loads(shown.out)
    assert told["name"] == "team-chat" and told["written"] is False
    assert {"path", "subject", "outcome", "why"} == set(told["fields"][0])
    assert {each["outcome"] for each in told["fields"]} == {"carried", "set", "lost"}
    assert snapshot(starter) == before
    written = modelyard(starter, "import", str(file), "--env", "dev")
    assert written.code == 0, written.err
    assert "team-chat is added to dev, from values of inference-charts" in written.out
    assert "set here: image public.ecr.aws/deep-learning-containers/vllm:0.10.2" in written.out
    assert "note: lost: tokenizer-pool-size 4: " in written.out
    again = modelyard(starter, "import", str(file), "--env", "dev")
    assert again.code == 2 and "has an application team-chat already" in again.err and "--model" not in again.err
    gone = modelyard(starter, "import", str(tmp_path / "none.yaml"), "--env", "dev")
    assert gone.code == 2 and "cannot be read" in gone.err


SECRETS = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: llm}
spec:
  strategy: {type: Recreate}
  template:
    metadata: {annotations: {prometheus.io/scrape: "true"}}
    spec:
      imagePullSecrets: [{name: registry}]
      containers:
        - image: vllm/vllm-openai:v0.8.4
          command: [vllm, serve, Qwen/Qwen3-1.7B]
          args: [--api-key, swordfish, --hf-token=hf_abcdefghijklmnopqrstuvwxyz0123456789, --max-model-len=8192]
          env:
            - {name: VLLM_API_KEY, value: swordfish}
            - {name: S3_SECRET_ACCESS_KEY, value: swordfish}
          resources: {limits: {nvidia.com/gpu: 1, memory: 60Gi}}
"""


def test_no_secret_is_carried_over_or_shown(starter: Path, modelyard: Run) -> None:
    file = starter.parent / "deployment.yaml"
    file.write_text(SECRETS)
    done = modelyard(starter, "import", str(file), "--env", "dev")
    assert done.code == 0, done.err
    for secret in ("swordfish", "hf_abcdefghij"):
        assert secret not in done.out + done.err
        assert not [path for path in (starter / "environments").rglob("*.yaml") if secret in path.read_text()]
    assert "feature hf-token: asked for" in done.out
    said = " ".join(done.out.split())
    assert "lost: api-key (hidden): a secret does not belong in Git" in said
    for word in (
        "variable VLLM_API_KEY",
        "variable S3_SECRET_ACCESS_KEY",
        "strategy",
        "imagePullSecrets",
        "annotation prometheus.io/scrape",
    ):
        assert word in said, f"nothing is said of {word}"
    assert "resources.limits.memory: the overlay sizes the pod" in said
    assert "metadata.namespace: models share the namespace models" in said


@pytest.mark.parametrize("flag", ["api-key", "hf-token", "api_key"])
def test_a_secret_is_no_setting(untouched: Path, flag: str) -> None:
    with pytest.raises(UserError, match="holds a secret") as caught:
        set_model(Changes(untouched), "dev", "qwen3-1-7b", {flag: "swordfish"})
    assert "swordfish" not in caught.value.message + caught.value.fix


def test_flags_that_count_tokens_are_no_secrets() -> None:
    for name in ("long-prefill-token-threshold", "return-tokens-as-token-ids", "max-num-batched-tokens", "tokenizer"):
        assert not is_secret(name)


def test_bounds_of_autoscaling_become_those_of_a_feature(starter: Path) -> None:
    """Without KEDA in the environment, they are lost and the least number of replicas stays."""
    text = (Path(__file__).parent / "sources/inputs/inference-service.yaml").read_text()
    made = adopted(starter, text)
    assert lost(made, "maxReplicas", "scale-on-queue needs keda")
    (row,) = (each for each in rows(_applied(made, starter)) if each.name == "llama")
    assert "scale-on-queue" not in row.features and "replicas" not in row.settings


def _applied(made: ImportResult, root: Path) -> Changes:
    made.candidate.changes.apply()
    return Changes(root)


def test_a_new_kind_of_source_is_one_module(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from modelyard.editing.sources import kinds, sources

    (tmp_path / "toy.py").write_text(
        "from modelyard.editing.sources.protocol import Candidate, Source, head_of\n\n\n"
        "class Toy(Source):\n"
        "    title, kinds = 'Toy', ('Toy',)\n\n"
        "    def of_manifest(self, manifest, documents):\n"
        "        def read(found):\n"
        "            head_of(manifest)\n"
        "            found.take_model(manifest.at('model').text, manifest.at('model'))\n\n"
        "        yield Candidate('toy', 'Toy', manifest, read)\n"
    )
    monkeypatch.setattr(kinds, "__path__", [*kinds.__path__, str(tmp_path)])
    sources.cache_clear()
    try:
        found = foreign("toy.yaml", "kind: Toy\nmodel: Qwen/Qwen3-8B\nother: 1\n")
    finally:
        monkeypatch.undo()
        sources.cache_clear()
    assert (found.source, found.model) == ("Toy", "Qwen/Qwen3-8B")
    assert [each.why for each in found.fields() if each.path == "other"] == ["not known to import"]
