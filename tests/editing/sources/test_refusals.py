"""What would become something else here is refused, each by its own reason; no input ends in a traceback."""

from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard.editing import foreign
from modelyard.findings import UserError

INPUTS = Path(__file__).parent / "inputs"


def refusal(text: str, only: str = "") -> UserError:
    with pytest.raises(UserError) as refused:
        foreign("source.yaml", text, only)
    assert refused.value.fix, "a refusal says what to do"
    return refused.value


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("deployment", {"nvidia.com/gpu": "amd.com/gpu"}, "amd.com/gpu: 2"),
        ("deployment", {"nvidia.com/gpu": "habana.ai/gaudi"}, "habana.ai/gaudi: 2"),
        ("deployment", {"nvidia.com/gpu": "google.com/tpu"}, "google.com/tpu: 2"),
        ("deployment", {"nvidia.com/gpu": "nvidia.com/mig-3g.40gb"}, "mig-3g.40gb"),
        ("deployment", {"vllm/vllm-openai": "rocm/vllm"}, "AMD GPUs"),
        ("deployment", {"NCCL_DEBUG, value: INFO": "VLLM_CPU_KVCACHE_SPACE, value: '4'"}, "CPUs"),
        ("deployment", {"      volumes:": "      resourceClaims: [{name: a}]\n      volumes:"}, "resourceClaims"),
        ("deployment", {"replicas: 3": "replicas: ${REPLICAS:-1}"}, "no number"),
        ("deployment", {"--port=8080": "--config=/etc/vllm.yaml"}, "reads its settings from /etc/vllm.yaml"),
        ("deployment", {"--port=8080": "--kv-transfer-config={kv_role:kv_producer}"}, "prefill and decode"),
        ("deployment", {"--port=8080": "'--kv-transfer-config={kv_connector:NixlConnector}'"}, "prefill and decode"),
        (
            "deployment",
            {"numactl, vllm, serve, Qwen/Qwen3-8B": "router", "vllm/vllm-openai": "lmcache/lmstack-router"},
            "is a router",
        ),
        ("deployment", {"[numactl, vllm, serve, Qwen/Qwen3-8B]": "[sh, -c, 'if a; then vllm serve b; fi']"}, "decides"),
        ("deployment", {"numactl, vllm, serve, Qwen/Qwen3-8B": "python3, -m, sglang.launch_server"}, "runs SGLang"),
        (
            "deployment",
            {"[numactl, vllm, serve, Qwen/Qwen3-8B]": "[tritonserver]", "vllm/vllm-openai": "a/b"},
            "runs Triton",
        ),
        (
            "deployment",
            {
                "          image: vllm/vllm-openai:v0.24.0\n": "",
                "[numactl, vllm, serve, Qwen/Qwen3-8B]": "[]",
                "image: fluent/fluent-bit": "tty: true",
            },
            "a patch",
        ),
        ("deployment", {"Qwen/Qwen3-8B": "--max-num-batched-tokens=1"}, "names no model"),
        ("ray-service", {"ray.serve.llm:build_openai_app": "serve:app", "llm_configs": "args"}, "program of its own"),
        ("ray-service", {"nvidia.com/gpu: 1": "amd.com/gpu: 1"}, "amd.com/gpu"),
        ("inference-service", {"--backend=vllm": "--backend=huggingface"}, "runs Transformers"),
        ("inference-service", {"name: huggingface": "name: sklearn"}, "the format sklearn"),
        ("inference-service", {"name: huggingface": "name: a", "kserve-huggingfaceserver": "mine"}, "whether that is"),
        ("inference-service", {"name: huggingface": "name: a", "kserve-huggingface": "triton"}, "runs Triton"),
        ("inference-service", {"  predictor:": "  transformer: {containers: []}\n  predictor:"}, "a part transformer"),
        ("inference-service", {"nvidia.com/gpu": "amd.com/gpu"}, "amd.com/gpu"),
        ("inference-service-container", {"vllm/vllm-openai:v0.24.0": "acme/server:v1"}, "not vLLM"),
        ("llm-inference-service", {"  replicas: 2": "  prefill: {}\n  replicas: 2"}, "has prefill"),
        ("llm-inference-service", {"  replicas: 2": "  baseRefs: [{name: own}]\n  replicas: 2"}, "spec from own"),
        ("llm-inference-service", {"nvidia.com/gpu": "amd.com/gpu"}, "amd.com/gpu"),
        ("storm-service", {"name: helper\n          replicas": "name: prefill\n          replicas"}, "prefill"),
        ("storm-service", {"vllm.entrypoints.openai.api_server": "sglang.launch_server"}, "runs SGLang"),
        ("kubeai-model", {"VLLM\n": "OLlama\n"}, "runs Ollama"),
        ("kubeai-model", {"nvidia-gpu-l4:1": "amd-gpu-mi300x:1"}, "AMD GPUs"),
        ("kubeai-model", {"nvidia-gpu-l4:1": "google-tpu-v5e-1x1:1"}, "TPUs"),
        ("kubeai-model", {"nvidia-gpu-l4:1": "cpu:1"}, "CPUs"),
        ("kaito-workspace", {"inference:\n": "tuning:\n"}, "tunes a model"),
        ("nim-service", {"nvidia/llm-nim": "nvidia/riva-tts"}, "serves speech"),
        ("nim-service", {"nvidia/llm-nim": "nvidia/nemoguard-jailbreak-detect"}, "serves verdicts"),
        ("nim-service", {"  replicas: 2": "  draResources: [{a: b}]\n  replicas: 2"}, "resource claims"),
        ("vllm-runtime", {"nvidia.com/gpu": "amd.com/gpu"}, "amd.com/gpu"),
        ("production-stack", {"enabled: true, cpuOff": "enablePD: true, cpuOff"}, "prefill and decode"),
        ("production-stack", {"requestGPU: 1": "requestGPU: 1\n      requestGPUType: amd.com/gpu"}, "amd.com/gpu"),
        ("production-stack", {"requestGPU: 1": "requestGPU: 0.5"}, "0.5 of a GPU"),
        ("production-stack", {"requestGPU: 1": "requestGPUMem: 3000"}, "HAMi"),
        ("modelservice", {"prefill: {create: false}": "prefill: {create: true}"}, "prefill beside decode"),
        ("modelservice", {"type: nvidia": "type: intel-gaudi"}, "Intel Gaudi"),
        ("modelservice", {"llm-d-cuda:v0.9.0": "llm-d-inference-sim:latest"}, "a simulator"),
        ("inference-charts", {"framework: vllm": "framework: nim"}, "an image of NVIDIA's"),
        ("compose", {"vllm/vllm-openai:v0.24.0": "opea/vllm-gaudi:1.22.0"}, "Intel Gaudi"),
        ("compose", {"vllm/vllm-openai:v0.24.0": "ollama/ollama"}, "runs Ollama"),
    ],
)  # fmt: skip
def test_what_would_become_something_else_is_refused(name: str, change: dict[str, str], message: str) -> None:
    text = (INPUTS / f"{name}.yaml").read_text()
    for old, new in change.items():
        assert old in text
        text = text.replace(old, new)
    assert message in refusal(text).message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        *(
            (f"kind: {kind}\napiVersion: {group}/v1\nmetadata: {{name: a}}\n", message)
            for kind, group, message in (
                ("RayCluster", "ray.io", "is a Ray cluster"),
                ("ServingRuntime", "serving.kserve.io", "is a runtime of KServe"),
                ("InferenceService", "ome.io", "OME of SGLang"),
                ("ModelServing", "workload.serving.volcano.sh", "kthena"),
                ("NIMCache", "apps.nvidia.com", "serves nothing"),
                ("DynamoGraphDeployment", "nvidia.com", "NVIDIA Dynamo"),
                ("PyTorchJob", "kubeflow.org", "trains a model"),
                ("Job", "batch", "ends by itself"),
                ("InferencePool", "inference.networking.k8s.io", "makes none"),
                ("VLLMRouter", "production-stack.vllm.ai", "is a router"),
                ("ConfigMap", "", "serves no model in a way that import knows: it holds ConfigMap"),
            )
        ),
        ("s3ModelCopy: {model: a/b}\n", "serves nothing"),
        ("- a\n", "serves no model"),
        ("", "serves no model"),
        ("a: 1\n", "serves no model"),
        ("services: {a: {image: nginx}}\n", "does not run vLLM (image nginx)"),
        ("docker run --gpus all ollama/ollama serve\n", "runs Ollama"),
        ("docker run \\\n  --gpus 'unclosed vllm/vllm-openai\n", "names no model"),
    ],
)
def test_each_kind_is_refused_by_its_own_reason(text: str, message: str) -> None:
    assert message in refusal(text).message


def test_one_of_several_models_is_chosen_by_name() -> None:
    text = (INPUTS / "production-stack.yaml").read_text()
    text = text.replace("    - name: off\n      enabled: false", "    - name: two")
    told = refusal(text)
    assert "2 models: model qwen3 of production-stack and model two" in told.message and "--only qwen3" in told.fix
    found = foreign("values.yaml", text, "two")
    assert found.model == "a/b"
    assert [each for each in found.fields() if each.why == "another model of the file; import it with --only qwen3"]
    assert "has no model three" in refusal(text, "three").message


def test_a_pair_of_prefill_and_decode_is_named_as_one() -> None:
    text = (INPUTS / "script.yaml").read_text()
    half = text.replace("--max-num-seqs 32", '--kv-transfer-config \'{"kv_connector":"NixlConnector"}\'')
    told = refusal(f"{half}---\n{half.replace('scripted', 'other')}").message
    assert "StatefulSet scripted (NixlConnector) and StatefulSet other (NixlConnector): prefill and decode" in told


def test_a_template_is_to_be_rendered_first() -> None:
    assert "render it first" in refusal("kind: Deployment\nspec: {replicas: {{ .Values.replicas }}}\n").fix


def test_words_after_a_script_are_its_arguments() -> None:
    content = yaml.safe_load((INPUTS / "script.yaml").read_text())
    container = content["spec"]["template"]["spec"]["containers"][0]
    container["command"] = ["sh", "-c", 'exec vllm serve "$@"', "--"]
    container["args"] = ["Qwen/Qwen3-8B", "--max-num-seqs=4"]
    found = foreign("a.yaml", yaml.safe_dump(content))
    assert (found.model, found.flags["max-num-seqs"].value) == ("Qwen/Qwen3-8B", "4")


def test_a_list_of_kubectl_is_read() -> None:
    content = yaml.safe_load((INPUTS / "script.yaml").read_text())
    assert foreign("a.yaml", yaml.safe_dump({"kind": "List", "items": [content]})).name == "scripted"


ODD: tuple[Any, ...] = (None, "", 0, -1, 1e9, True, "x", [], {}, [None], [[]], {"a": None}, "${A}", "hf://", "/", "\n")


@pytest.mark.parametrize("path", sorted(INPUTS.glob("*.yaml")), ids=lambda each: each.stem)
def test_values_of_any_shape_are_read_or_refused(path: Path) -> None:
    chance = random.Random(path.name)  # noqa: S311 - the same in every run
    content = list(yaml.safe_load_all(path.read_text()))
    places = list(_places(content))
    for place in places:
        changed = copy.deepcopy(content)
        holder = changed
        for step in place[:-1]:
            holder = holder[step]
        holder[place[-1]] = chance.choice(ODD)
        try:
            foreign(path.name, yaml.safe_dump_all(changed)).fields()
        except UserError as refused:
            assert refused.message


def _places(value: Any, path: tuple[Any, ...] = ()) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in items:
        yield (*path, key)
        yield from _places(below, (*path, key))
