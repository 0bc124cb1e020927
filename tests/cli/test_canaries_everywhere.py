"""A repository with secrets in every file that a verb reads: none of them leaves, whatever verb in whatever format."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from modelyard.cli.application import run
from modelyard.reporting import FORMATS
from tests.cli.test_canaries import HF, JWT, SLACK, git
from tests.cli.test_fit_command import LOG
from tests.editing.test_adopting import DEPLOYMENT, VALUES
from tests.planning.test_objectives_and_runs import VLLM

URL = "https://me:canary-url@git.example.com/acme/x.git"
"""An address with a password, which stands where files have addresses."""

ASKED = "ttft: 800ms\nitl: 30ms\nrate: 6\nprompt: 1500\noutput: 300\n"
PATCH = f"""  - target: {{kind: Deployment}}
    patch: |-
      apiVersion: apps/v1
      kind: Deployment
      metadata: {{name: any}}
      spec:
        template:
          metadata: {{annotations: {{slack: "{SLACK}"}}}}
          spec:
            containers:
              - name: vllm
                env:
                  - name: DB_PASSWORD
                    value: canary-variable
                  - {{name: HF_TOKEN, value: {HF}}}
                  - {{name: DATABASE_URL, value: "postgres://me:canary-database@db/x"}}
"""
FLAG = """  - target: {kind: Deployment}
    patch: |-
      - {op: add, path: /spec/template/spec/containers/0/args/-, value: --api-key=canary-flag}
"""
MANIFEST = """apiVersion: v1
kind: Secret
metadata: {name: chat-secret}
stringData: {token: canary-secret}
"""
CHART = f"""apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: charted, labels: {{app.kubernetes.io/component: platform, modelyard.dev/source: chart}}}}
spec:
  project: platform
  sources:
    - {{path: environments/dev/platform/karpenter, ref: repository}}
    - repoURL: {URL}
      chart: web
      targetRevision: 1.0.0
      helm:
        parameters: [{{name: adminPassword, value: canary-parameter}}]
        valuesObject: {{db: {{password: canary-values}}}}
  destination: {{namespace: web}}
"""
SETTINGS = f"""version: 1
waivers:
  - rule: area/none
    path: x/**
    reason: until {JWT} and {URL} are gone
    expires: 2026-12-31
"""
CONFIG = {
    "architectures": ["LlamaForCausalLM"], "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "vocab_size": 100, "intermediate_size": 128, "torch_dtype": "bfloat16", "api_token": "canary-config",
}  # fmt: skip
OUTPUTS = {
    "db_password": {"sensitive": False, "value": "canary-output"},
    "shared_file_system_id": {"sensitive": True, "value": "canary-sensitive"},
    "account_id": {"sensitive": False, "value": "111122223333"},
}


@pytest.fixture(scope="module")
def planted(bases: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that holds the repository, and beside it what verbs are given."""
    folder = tmp_path_factory.mktemp("planted")
    root = folder / "repository"
    left_out = shutil.ignore_patterns("terraform")
    shutil.copytree(bases["many-environments"], root, symlinks=True, ignore=left_out)
    git(root, "init", "-q", "-b", "main")
    git(root, "remote", "add", "origin", URL)
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "before")
    own = root / "environments/dev/models/chat"
    kustomization = own / "kustomization.yaml"
    text = kustomization.read_text().replace("patches:\n", f"patches:\n{PATCH}", 1)
    kustomization.write_text(text.replace("  - ../../../../overlays", "  - secret.yaml\n  - ../../../../overlays", 1))
    other = root / "environments/prod/models/chat/kustomization.yaml"
    other.write_text(other.read_text().replace("patches:\n", f"patches:\n{FLAG}", 1))
    (own / "secret.yaml").write_text(MANIFEST)
    (own / "objectives.yaml").write_text(ASKED)
    (root / "environments/dev/applications/charted.yaml").write_text(CHART)
    listed = root / "environments/dev/kustomization.yaml"
    listed.write_text(listed.read_text().replace("resources:\n", "resources:\n  - applications/charted.yaml\n", 1))
    (root / "modelyard.yaml").write_text(SETTINGS)
    variables = root / "environments/dev/terraform.tfvars"
    variables.write_text(f'{variables.read_text()}\ndb_password = "canary-terraform"\nmirror = "{URL}"\n')
    for file in (root / "environments/dev").rglob("*.yaml"):
        file.write_text(file.read_text().replace("https://github.com/acme/my-platform.git", URL))
    answers = root / ".copier-answers.yml"
    lines = [f"_src_path: {URL}" if line.startswith("_src_path") else line for line in answers.read_text().splitlines()]
    answers.write_text("\n".join(lines) + "\n")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "after")
    beside = {
        "values.yaml": VALUES.replace("MADE_UP: 1", f'DB_PASSWORD: canary-import, URL: "{URL}", MADE_UP: {HF}'),
        "deployment.yaml": DEPLOYMENT.replace("--enforce-eager", "--enforce-eager --api-key canary-key").replace(
            "            - name: POD_IP",
            "            - {name: VLLM_API_KEY, value: canary-env}\n            - name: POD_IP",
        ),
        "bench.json": json.dumps({**VLLM, "model_id": URL, "median_tpot_ms": 16.0, "api_key": "canary-bench"}),
        "client.json": json.dumps(
            {"model_id": URL, "ttfts": [0.1], "itls": [[0.1]], "errors": [""], "output_lens": [2], "duration": 1}
        ),
        "start.log": LOG.replace(
            "'max_model_len': 16384", f"'max_model_len': 16384, 'api_key': 'canary-log', 'x': '{URL}'"
        ),
        "config.json": json.dumps(CONFIG),
        "outputs.json": json.dumps(OUTPUTS),
        "prometheus.json": json.dumps(
            {
                "status": "success",
                "data": {
                    "result": [
                        {"metric": {"__name__": "vllm:num_requests_waiting", "url": URL}, "value": [1, "3"]},
                    ]
                },
            }
        ),
        "stream.yaml": MANIFEST,
    }
    for name, content in beside.items():
        (folder / name).write_text(content)
    return folder


AT = ("--env", "dev", "--dry-run")
EITHER = ("", "--json")
WRITING = [
    ("update", "--dry-run", "--defaults"),  # first: it refuses a work tree with changes
    ("model", "add", "Qwen/Qwen3-8B", *AT, "--defaults"),
    ("model", "set", "chat", "replicas=3", *AT),
    ("model", "set", "chat", "api-key=canary-given", *AT),
    ("model", "rename", "chat", "talk", *AT),
    ("model", "remove", "chat", *AT),
    ("feature", "on", "chat", "spread-zones", *AT),
    ("import", "../values.yaml", *AT),
    ("import", "../deployment.yaml", *AT),
    ("promote", "dev", "prod", "--dry-run"),
    ("plan", "chat", "--apply", "3", *AT),
    ("plan", "chat", "--from-bench", "../bench.json", "--device", "L4", *AT),
    ("env", "sync", "dev", "--outputs", "../outputs.json", "--dry-run"),
    ("env", "remove", "prod", "--yes", "--dry-run"),
    ("fetch", "--dry-run"),
]
READING = [
    ("fit",),
    ("place",),
    ("times",),
    ("cost",),
    ("plan", "chat", "--env", "dev"),
    ("tune", "chat", "--env", "dev", "--prometheus", "../prometheus.json"),
    ("model", "list"),
    ("env", "list"),
    ("catalog", "show"),
    ("loadtest", "report", "../client.json"),
    ("cache", "info"),
    ("doctor",),
    ("fit", "--from-log", "../start.log", "--device", "L4"),
]
OTHERS = [
    *(("graph", "--format", name) for name in ("text", "mermaid", "dot", "json")),
    *(("check", "--no-policies", "--all", "--format", name) for name in FORMATS),
    *(("diff", "HEAD~1", "--findings", "--format", name) for name in ("text", "json", "markdown", "gitlab")),
    ("report", "--no-policies", "--output", "../report.html"),
    ("loadtest", "report", "../client.json", "--format", "markdown"),
    ("loadtest", "report", "../client.json", "../config.json"),
    ("cost", "--sources"),
    ("plan", "chat", "--env", "dev", "--all", "--what-if"),
    ("check", "--no-policies", "--fact", f"repository={URL}", "--fact", f"region={HF}"),
    ("check", "--no-policies", "--baseline", "../baseline.json", "--write-baseline"),
    ("catalog", "add", "acme/chat-7b", "--config", "../config.json"),
    ("fit", "--model-id", "Qwen/Qwen3-8B", "--device", "L4", "--flag", "api-key=canary-flag"),
    ("check", "-f", "text", URL),
    ("new", "../other", "--template", URL, "--defaults"),
]  # fmt: skip


REFUSED = (
    ("update", "--dry-run", "--defaults"),
    ("model", "set", "chat", "api-key=canary-given", *AT),
    ("check", "-f", "text", URL),
    ("new", "../other", "--template", URL, "--defaults"),
)
"""What ends in a refusal, whose words hold no secret either; everything else has to work."""


def _shown(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        run(list(words))
    shown = capsys.readouterr()
    plain = tuple(word for word in words if word != "--json")
    assert (ended.value.code == 2) == (plain in REFUSED), shown
    return shown.out + shown.err


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [*((*words, *filter(None, [form])) for words in (*WRITING, *READING) for form in EITHER), *OTHERS],
    ids=lambda words: " ".join(words).replace(URL, "URL").replace(HF, "HF"),
)
def test_no_verb_shows_a_secret(
    words: tuple[str, ...], planted: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(planted / "repository")
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "none")
    text = _shown(words, capsys)
    assert text.strip()
    page = planted / "report.html"
    if words[0] == "report":
        text += page.read_text()
    found = [line[:300] for line in text.splitlines() if "canary" in line.lower()]
    assert found == []
