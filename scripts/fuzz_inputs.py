"""What fuzzing reads: texts that are right, and what is done to them; an input follows from its seed alone."""

# ruff: noqa: E501 - inputs are easier to read whole

from __future__ import annotations

import json
import random
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

CORPUS = {
    "yaml": [
        "version: 1\nwaivers:\n  - rule: a/b\n    path: 'x/**'\n    reason: because of it\n    expires: 2027-01-01\n",
        "a: &a {b: 1}\nc: {<<: *a, d: [1, 2.5, true, null, ~]}\n---\n- x\n- |\n  text\n  more\n",
        "charts:\n  - {name: a, version: '1.0', repository: example.com/a, digest: 'sha256:00'}\nversion: 1\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {token: b}\n",
        "image: {repository: vllm/vllm-openai, tag: v0.10.0}\nargs: [--model, a/b, --tensor-parallel-size=2]\n",
    ],
    "answers": [
        "_src_path: https://git.example.com/template\n_commit: v1.2.3\nname: chat\nregion: us-west-2\ncomponents: a,b\nempty:\n",
    ],
    "deployment": [
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: chat}\nspec:\n  replicas: 2\n  template:\n    spec:\n      containers:\n"
        "        - name: vllm\n          image: vllm/vllm-openai:v0.10.0\n          args: [--model, Qwen/Qwen3-1.7B, --port=8000]\n"
        "          env: [{name: HF_TOKEN, value: x}, {name: A, valueFrom: {secretKeyRef: {name: a, key: b}}}]\n"
        "          resources: {limits: {nvidia.com/gpu: 1, memory: 16Gi}}\n",
        "servingEngineSpec:\n  modelSpec:\n    - name: chat\n      repository: vllm/vllm-openai\n      tag: v0.10.0\n"
        "      modelURL: Qwen/Qwen3-1.7B\n      requestGPU: 1\n      vllmConfig: {maxModelLen: 4096, extraArgs: [--a=b]}\n",
    ],
    "json": [
        '{"a": [1, 2.5e3, true, null, "x\\u00e9\\n"], "b": {"c": {}}}',
        '{"entries": {"a": [{"version": "1", "urls": ["a"]}]}}',
    ],
    "toml": ['[settings.kubernetes]\n"a" = 1\nb = [1, 2]\nc = """x\n"""\nd = 1979-05-27T07:32:00Z\n'],
    "hcl": ['name = "dev"\nlist = ["a", "b"]\nobject = {\n  a = 1 # c\n  b = "${x}"\n}\ntext = <<E\nx\nE\n'],
    "log": [
        "INFO vLLM API server version 0.10.0\nAvailable KV cache memory: 1.5 GiB\n",
        "non-default args: {'model': 'a/b', 'max_model_len': 8192, 'tensor_parallel_size': 2}\nModel loading took 5.38 GiB\n",
        "Initializing a V1 LLM engine (v0.10.0) with config: model='a', kv_cache_dtype=fp8, max_seq_len=8192\n",
        "GPU KV cache size: 651,504 tokens\ntotal_gpu_memory (79.1GiB) x gpu_memory_utilization (0.90) = 71.29GiB\n",
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB\n",
    ],
    "terraform": [
        'a.b["c"].d',
        '"x-${var.a}-${join(",", [for x in y : x if x != 1])}"',
        "a ? b : c == 1 && !d",
        "{ a = 1, (b) = [2] }",
    ],
    "pattern": ["(a|b)*c", "[a-z]{2,5}x?", "a**/*.yaml", "app=x, tier in (a, b), !c"],
    "plan": [
        '{"format_version": "1.2", "planned_values": {"root_module": {}}, "resource_changes": [], "variables": {"a": {"value": 1}}}'
    ],
    "outputs": ['{"region": {"sensitive": false, "type": "string", "value": "us-west-2"}, "a": {"value": {"b": [1]}}}'],
    "baseline": ['{"version": 1, "findings": [{"rule": "a/b", "file": "x.yaml", "message": "ab12", "count": 2}]}'],
    "bench": [
        '{"model_id": "chat", "completed": 200, "num_prompts": 200, "request_rate": "inf", "total_input_tokens": 300000, '
        '"total_output_tokens": 60000, "request_throughput": 1.0, "mean_ttft_ms": 260.0, "median_ttft_ms": 250.0, '
        '"p99_ttft_ms": 500.0, "mean_tpot_ms": 31.0, "median_tpot_ms": 30.0, "duration": 200.0, "max_concurrency": 10}',
        '{"benchmarks": [{"metrics": {"time_to_first_token_ms": {"successful": {"median": 250, "percentiles": {"p95": 4}}}}}]}',
        '{"time_to_first_token": {"unit": "ms", "avg": 260, "p50": 250}, "inter_token_latency": {"unit": "ms", "p50": 30}, '
        '"request_throughput": {"unit": "requests/sec", "avg": 1}, "request_count": {"avg": 200}}',
    ],
    "client": [
        '{"model_id": "a", "ttfts": [0.1, 0.2], "itls": [[0.01], [0.02, 0.03]], "errors": ["", ""], "output_lens": [2, 3], '
        '"duration": 3.5, "date": "20261130-101010"}',
        '{"metadata": {"benchmark_phase": "profiling", "request_start_ns": 1, "request_end_ns": 5}, "metrics": '
        '{"time_to_first_token": {"value": 100.0, "unit": "ms"}, "request_latency": {"value": 500, "unit": "ms"}}}\n'
        '{"metadata": {"was_cancelled": false}, "metrics": {}, "error": {"message": "503", "code": 503}}\n',
        '{"type": "Metric", "data": {"name": "http_req_duration"}, "metric": "http_req_duration"}\n{"type": "Point", "metric": '
        '"http_req_duration", "data": {"time": "2026-11-30T10:00:00.1Z", "value": 5.5, "tags": {"expected_response": "true"}}}\n',
    ],
    "prometheus": [
        '[{"status": "success", "data": {"resultType": "vector", "result": [{"metric": {"__name__": "vllm:num_requests_waiting"}, '
        '"value": [1790000000.1, "3"]}]}}]',
    ],
    "team-model": [
        "id: acme/chat-7b\nfamily: llm\nlicense: unknown\nparameters-billion: 7.0\nshape:\n  architecture: LlamaForCausalLM\n"
        "  layers: 2\n  hidden-size: 64\n  attention-heads: 4\n  key-value-heads: 2\n  head-dim: 16\n  vocabulary: 100\n"
        "  max-positions: 128\n  intermediate-size: 128\nsources: [config.json given by hand]\nunverified: [license]\n"
    ],
    "objectives": ["ttft: 800ms\nitl: 30ms\npercentile: 95\nrate: 6\nprompt: 1500\noutput: 300\nreuse: 0.2\n"],
    "runs": [
        "model: a/b\nruns:\n  - {device: L4, precision: bf16, version: 0.33.0, day: '2026-11-30', file: a.json, tool: vllm, ranks: 1,\n"
        "     requests: 8.0, prompt: 1500, output: 300, reuse: 0, rate: 1.0, ttft-ms: 250, itl-ms: 30, percentiles: {ttft-p95-ms: 400}}\n"
    ],
    "measurements": [
        "model: a/b\nmeasurements:\n  - {log: a.log, read: '2026-11-30', version: 0.33.0, device: L4, kv-available-gib: 3.55,\n"
        "     weights-gib: 15.2, tensor-parallel-size: 1, max-model-len: 16384}\n"
    ],
    "config": [
        '{"architectures": ["LlamaForCausalLM"], "hidden_size": 4096, "num_attention_heads": 32, "num_hidden_layers": 32, '
        '"vocab_size": 128256, "intermediate_size": 14336, "num_key_value_heads": 8, "torch_dtype": "bfloat16"}'
    ],
}
TOKENS = [
    *"[]{}()<>:,-?&*!|>'\"%@`#=+/\\\n\t \r\0\x1b\x7f",
    *(
        "- ",
        ": ",
        "? ",
        "*a",
        "&a ",
        "<<: *a",
        "---\n",
        "...\n",
        "|-\n",
        "!!int ",
        "!!timestamp ",
        "!!binary ",
        "!!set ",
        "!!python/none",
    ),
    *(
        "~",
        "null",
        "true",
        "0x",
        "1e999",
        "-1",
        "0",
        "9" * 400,
        ".nan",
        ".inf",
        "1_0",
        "12:30:45",
        "\u202e",
        "\u00b2",
        "\ufeff",
        "\U0001f600",
    ),
    *(
        "${",
        "}",
        "<<E\n",
        "E\n",
        "##[error]",
        "::error::",
        "\\u0000",
        "\\ud800",
        "=",
        "==",
        "for ",
        "...",
        "{{",
        "}}",
        "$(",
        "../",
    ),
    *(
        "GiB",
        "None",
        "float('nan')",
        "lambda: 0",
        "1j",
        "b'x'",
        "{1}",
        "()",
        "kind: Secret\n",
        "password: ",
        "https://a:b@c/",
    ),
]


def mutated(random_: random.Random, texts: list[str]) -> str:
    """Return a text of a corpus with a few things done to it; now and then something is repeated very often."""
    text = random_.choice(texts)
    for _ in range(random_.randint(1, 6)):
        start = random_.randint(0, len(text))
        end = min(len(text), start + random_.randint(0, 12))
        done = random_.randrange(8)
        if done == 0:
            text = text[:start] + text[end:]
        elif done == 1:
            text = text[:start] + text[start:end] * random_.randint(2, 5) + text[end:]
        elif done in (2, 3):
            text = text[:start] + random_.choice(TOKENS) + text[end if done == 2 else start :]
        elif done == 4:
            other = random_.choice(texts)
            cut = random_.randint(0, len(other))
            text = text[:start] + other[cut:]
        elif done == 5:
            text = (
                text[:start] + chr(random_.choice((random_.randrange(128), random_.randrange(0xD7FF)))) + text[start:]
            )
        elif done == 6:
            lines = text.split("\n")
            random_.shuffle(lines)
            text = "\n".join(lines)
        elif random_.random() < 0.2:
            text = text[:start] + random_.choice(TOKENS) * random_.choice((10, 300, 3000)) + text[start:]
    return text


_IN_YAML = ("answers", "deployment", "measurements", "objectives", "runs", "team-model")
_IN_JSON = ("baseline", "bench", "client", "config", "outputs", "plan", "prometheus")


def input_of(target: str, corpus: str, seed: int) -> str:
    """Return the input of a seed for a reader: a text that was mutated, and of odd seeds one with other values."""
    chosen = random.Random(f"{target} {seed}")  # noqa: S311 - no secret
    if seed % 2 and corpus in _IN_YAML:
        return changed_values(chosen, chosen.choice(CORPUS[corpus]), 2)
    if seed % 2 and corpus in _IN_JSON:
        lines = chosen.choice(CORPUS[corpus]).splitlines()
        values = list(yaml.safe_load_all(changed_values(chosen, "\n---\n".join(lines), 2)))
        return "\n".join(json.dumps(each, default=str) for each in values)
    return mutated(chosen, CORPUS[corpus])


ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, float("inf"), float("nan"), 2**70, "", " ", "text", [], {}, [None], [[]], [{}], {"a": None},
    "9" * 400, "../../../etc/passwd", "/etc/passwd", "--help", "\x1b[31m", "\u202etext", "##[error]x", "::error::x",
    "https://a:b@c/", "{{ x }}", "{{ .Values.x }}", "*" * 30, "${x}", "$(x)", "a\nb", "0x10", "1e400", "null", "a/b/c:d@e", "1Gi",
    "-5m", {"matchLabels": "x"}, {"name": ["x"]}, ["a", {"b": 1}, None], [1, 2, 3],
)  # fmt: skip
"""Values of every type, none of which is right where it comes to stand."""


def changed_values(random_: random.Random, text: str, most: int = 4) -> str:
    """Return a text of YAML in which a few values are others: of another type, of another place, gone, or twice there."""
    documents = list(yaml.safe_load_all(text))
    for _ in range(random_.randint(1, most)):
        holder, key = random_.choice(list(_slots(documents)))
        done = random_.randrange(10)
        if done < 5:
            holder[key] = deepcopy(random_.choice(ODD))
        elif done < 7:
            other, at = random_.choice(list(_slots(documents)))
            holder[key] = deepcopy(other[at])
        elif done == 7 and isinstance(holder, list):
            holder.append(deepcopy(holder[key]))
        elif done == 8 and isinstance(holder, dict):
            holder[random_.choice(ODD[:12]) if random_.random() < 0.3 else "other"] = holder.pop(key)
        elif len(holder) > 1 or holder is not documents:
            del holder[key]
        if not documents:
            documents = [None]
    return yaml.safe_dump_all(documents, allow_unicode=True, width=200)


def _slots(value: Any) -> Any:
    """Yield each place in a value, as what holds it and its key or index."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _slots(value[key])


FILES = {
    "environments/dev/kustomization.yaml": "resources: [web.yaml, platform.yaml]\n",
    "environments/dev/environment.yaml": "kubernetes: '1.35'\nregion: us-west-2\naccount: '111122223333'\n"
    "cluster: dev\nzones: [us-west-2a, us-west-2b]\nrepository: https://git.example.com/a.git\n",
    "environments/dev/terraform.tfvars": 'cluster_name = "dev"\nregion = "us-west-2"\n',
    "environments/dev/web.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: web\n  namespace: argocd\n"
    "  labels: {app.kubernetes.io/component: model}\nspec:\n  project: default\n"
    "  source: {repoURL: 'https://git.example.com/a.git', path: web, targetRevision: main}\n"
    "  destination: {namespace: web, server: 'https://kubernetes.default.svc'}\n  syncPolicy: {automated: {prune: true}}\n",
    "environments/dev/platform.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: pools, namespace: argocd}\n"
    "spec:\n  project: default\n  source: {repoURL: 'https://git.example.com/a.git', path: pools, targetRevision: main}\n"
    "  destination: {namespace: karpenter, server: 'https://kubernetes.default.svc'}\n---\n"
    "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: chart, namespace: argocd}\nspec:\n  project: default\n"
    "  source:\n    repoURL: https://git.example.com/a.git\n    path: chart\n    targetRevision: main\n"
    "    helm: {valueFiles: [values.yaml], parameters: [{name: a.b, value: c}]}\n"
    "  destination: {namespace: web, server: 'https://kubernetes.default.svc'}\n---\n"
    "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: sets, namespace: argocd}\nspec:\n"
    "  goTemplate: true\n  generators: [{list: {elements: [{name: one}]}}, {git: {repoURL: 'https://git.example.com/a.git', revision: main, files: [{path: 'web/*.yaml'}]}}]\n  template:\n"
    "    metadata: {name: '{{ .name }}'}\n    spec:\n      project: default\n"
    "      source: {repoURL: 'https://git.example.com/a.git', path: web, targetRevision: main}\n"
    "      destination: {namespace: x, server: 'https://kubernetes.default.svc'}\n",
    "pools/kustomization.yaml": "resources: [pool.yaml]\n",
    "pools/pool.yaml": "apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {name: gpu}\nspec:\n  limits: {nvidia.com/gpu: 4}\n"
    "  disruption: {consolidationPolicy: WhenEmpty, consolidateAfter: 5m, budgets: [{nodes: '1'}]}\n  template:\n    spec:\n"
    "      nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: gpu}\n"
    "      taints: [{key: nvidia.com/gpu, effect: NoSchedule}]\n      expireAfter: 720h\n      requirements:\n"
    "        - {key: karpenter.k8s.aws/instance-family, operator: In, values: [g6]}\n"
    "        - {key: karpenter.sh/capacity-type, operator: In, values: [on-demand]}\n---\n"
    "apiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: {name: gpu}\nspec:\n  role: nodes\n"
    "  amiSelectorTerms: [{alias: bottlerocket@v1.50.0}]\n  subnetSelectorTerms: [{tags: {a: b}}]\n"
    "  securityGroupSelectorTerms: [{tags: {a: b}}]\n  blockDeviceMappings: [{deviceName: /dev/xvdb, ebs: {volumeSize: 100Gi}}]\n",
    "chart/Chart.yaml": "apiVersion: v2\nname: own\nversion: 1.0.0\n",
    "chart/values.yaml": "a: {b: x}\nlist: [1, 2]\n",
    "chart/templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ .Release.Name }}'}\ndata: {a: '{{ .Values.a.b }}'}\n",
    "web/kustomization.yaml": "resources: [all.yaml, more.yaml]\npatches:\n  - target: {kind: Deployment, name: 'd|e.*'}\n    patch: |-\n"
    "      - {op: replace, path: /spec/replicas, value: 2}\nconfigMapGenerator: [{name: c, literals: [a=b]}]\n",
    "web/all.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  replicas: 1\n  selector: {matchLabels: {a: b}}\n"
    "  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}\n"
    "  template:\n    metadata: {labels: {a: b}}\n    spec:\n      nodeSelector: {karpenter.sh/nodepool: gpu}\n"
    "      tolerations: [{key: nvidia.com/gpu, operator: Exists}]\n      terminationGracePeriodSeconds: 60\n"
    "      topologySpreadConstraints: [{maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {a: b}}}]\n"
    "      containers:\n        - name: vllm\n          image: vllm/vllm-openai:v0.33.0\n"
    "          args: [--model, Qwen/Qwen3-1.7B, --max-model-len, '8192']\n          env: [{name: HF_TOKEN, value: x}]\n"
    "          ports: [{containerPort: 8000, name: http}]\n          startupProbe: {httpGet: {path: /health, port: http}, failureThreshold: 60}\n"
    "          volumeMounts: [{name: shm, mountPath: /dev/shm}]\n"
    "          resources: {limits: {nvidia.com/gpu: 1, memory: 16Gi}, requests: {cpu: 2}}\n"
    "      volumes: [{name: shm, emptyDir: {medium: Memory, sizeLimit: 2Gi}}]\n---\napiVersion: v1\nkind: Service\nmetadata: {name: d}\n"
    "spec: {selector: {a: b}, ports: [{port: 80, targetPort: http}]}\n",
    "web/more.yaml": "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: d}\n"
    "spec: {minAvailable: 1, selector: {matchLabels: {a: b}}}\n---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: d}\n"
    "spec: {minReplicas: 1, maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: d}, metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]}\n---\n"
    "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: d}\nspec: {podSelector: {matchLabels: {a: b}}, ingress: [{from: [{podSelector: {}}], ports: [{port: 8000}]}]}\n---\n"
    "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: t}\nspec: {secretStoreRef: {name: s}, data: [{secretKey: a, remoteRef: {key: b}}]}\n---\n"
    "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: d}\nspec: {rules: [{host: a.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: d, port: {number: 80}}}}]}}]}\n---\n"
    "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: d}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 10Gi}}}\n",
    "web/objectives.yaml": CORPUS["objectives"][0],
    "measurements/Qwen--Qwen3-1.7B.yaml": CORPUS["measurements"][0].replace("a/b", "Qwen/Qwen3-1.7B"),
    "measurements/Qwen--Qwen3-1.7B.load.yaml": CORPUS["runs"][0].replace("a/b", "Qwen/Qwen3-1.7B"),
    "modelyard.yaml": "version: 1\nwaivers:\n  - rule: security/root-container\n    path: web/**\n    reason: it is built so\n"
    "    expires: 2027-01-01\n",
    "charts.lock": "version: 1\n",
    ".github/workflows/a.yml": "on: push\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: 'echo ${{ github.head_ref }}'}]}}\n",
}
"""A small repository that has one of most things that rules look at."""

_LESS_OFTEN = ("modelyard.yaml", "environments/dev/environment.yaml", "charts.lock")
"""What is wrong there ends a check at once."""


def repository_of(seed: int, root: Path) -> None:
    """Write the repository of a seed: some of its files are mutated, mostly in their values and sometimes as text."""
    chosen = random.Random(f"repository {seed}")  # noqa: S311 - no secret
    names = [name for name in sorted(FILES) if name not in _LESS_OFTEN or chosen.random() < 0.3]
    changed = set(chosen.sample(names, chosen.randint(1, 4)))
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        content = text
        if path in changed:
            in_values = path.endswith((".yaml", ".yml")) and "{{ ." not in text and chosen.random() < 0.75
            content = changed_values(chosen, text) if in_values else mutated(chosen, [text, text, *CORPUS["yaml"]])
        (root / path).write_bytes(content.encode("utf-8", "surrogatepass"))
