"""No secret leaves the program, in whatever format of whatever verb; names, numbers and images do."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from modelyard.cli.application import run
from tests.diffing.conftest import AUTHOR

APPLICATION = """apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web, namespace: argocd, annotations: {note: "https://me:canary-a1@git.example.com/x"}}
spec:
  project: default
  source: {repoURL: "https://git.example.com/a.git", path: web, targetRevision: main}
  destination: {namespace: web, server: "https://kubernetes.default.svc"}
"""
HF = "hf_" + "canary" * 6
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJjYW5hcnkiOiJjYW5hcnkifQ.canarycanary"
AWS_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYcanaryKEY0"
SLACK = "https://hooks.slack.com/services/T00000000/B00000000/canarycanarycanarycanary"
WORKLOAD = f"""apiVersion: v1
kind: Secret
metadata: {{name: s}}
stringData: {{token: canary-b1, other: "canary-b2"}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: c}}
data:
  password: canary-c1
  hook: {SLACK}
  app.ini: |
    [default]
    aws_secret_access_key = {AWS_KEY}
    db.password=canary-c2
    level = 17
  env.yaml: |
    - name: API_TOKEN
      value: canary-c3
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: d, labels: {{tier: visible-label}}}}
spec:
  replicas: 17
  selector: {{matchLabels: {{a: b}}}}
  template:
    metadata: {{labels: {{a: b}}}}
    spec:
      containers:
        - name: a
          image: registry.example.com/visible-image:1.2.3
          command: [sh, -c, "curl -u me:canary-d1 -H 'Authorization: Bearer canary-d2-canary' -H 'X-Key: canary-d3' x"]
          args: [--api-key, canary-e1, --password=canary-e2, --visible-flag=visible-value, --max-tokens=4096]
          env:
            - name: DB_PASSWORD
              value: canary-f1
            - {{name: HF_TOKEN, value: {HF}}}
            - {{name: VLLM_API_KEY, value: canary-f3}}
            - {{name: AWS_SECRET_ACCESS_KEY, value: canary-f4}}
            - {{name: DATABASE_URL, value: "postgres://me:canary-f5@db/x"}}
            - {{name: SESSION, value: {JWT}}}
            - {{name: VISIBLE_NAME, value: visible-setting}}
"""
VISIBLE = (
    "DB_PASSWORD",
    "VISIBLE_NAME",
    "visible-setting",
    "visible-image:1.2.3",
    "--visible-flag=visible-value",
    "4096",
)


def _run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    with pytest.raises(SystemExit) as ended:
        run([str(word) for word in words])
    shown = capsys.readouterr()
    assert ended.value.code in (0, 1), shown
    return shown.out + shown.err


def git(root: Path, *words: str) -> None:
    """Run git in a repository, as its author."""
    subprocess.run(["git", *words], cwd=root, env={**os.environ, **AUTHOR}, check=True, capture_output=True)  # noqa: S607


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository of which the second commit adds what holds canaries, and the tree changes each of them."""
    files = {
        "environments/dev/kustomization.yaml": "resources: [web.yaml]\n",
        "environments/dev/web.yaml": APPLICATION,
        "web/kustomization.yaml": "resources: []\nconfigMapGenerator: [{name: e, literals: [a=b]}]\n",
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    git(tmp_path, "init", "-q", "-b", "main")
    for name in ("before", "after"):
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-q", "-m", name)
        git(tmp_path, "tag", name)
        (tmp_path / "web/kustomization.yaml").write_text("resources: [all.yaml]\n")
        (tmp_path / "web/all.yaml").write_text(WORKLOAD)
    (tmp_path / "web/all.yaml").write_text(WORKLOAD.replace("canary", "canarz"))
    return tmp_path


def _assert_hidden(text: str) -> None:
    found = [line for line in text.splitlines() if "canary" in line.lower() or "canarz" in line.lower()]
    assert found == []


def test_no_format_of_check_shows_a_secret(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / "web/all.yaml").write_text(WORKLOAD)
    formats = ("json", "sarif", "junit", "markdown", "github", "gitlab")
    wanted = [word for name in formats for word in ("--format", f"{name}={repository / 'out'}.{name}")]
    text = _run(capsys, "check", repository, "--no-policies", "--format", "text", *wanted)
    assert "secrets/token-in-manifest" in text
    assert "secrets/secret-in-git" in text
    assert "stringData: (hidden)" in text
    assert "DB_PASSWORD" in text
    for shown in (text, *((repository / f"out.{name}").read_text() for name in formats)):
        assert "web" in shown
        _assert_hidden(shown)


@pytest.mark.parametrize("sides", ["before..after", "after"], ids=["added", "changed"])
def test_no_format_of_diff_shows_a_secret(repository: Path, capsys: pytest.CaptureFixture[str], sides: str) -> None:
    formats = ("json", "markdown", "gitlab")
    wanted = [word for name in formats for word in ("--format", f"{name}={repository / 'out'}.{name}")]
    text = _run(capsys, "diff", sides, repository, "--findings", "--format", "text", *wanted)
    _assert_hidden(text)
    for shown in [(repository / f"out.{name}").read_text() for name in formats]:
        assert "(hidden" in shown
        _assert_hidden(shown)
    markdown = (repository / "out.markdown").read_text()
    assert all(name in markdown for name in VISIBLE[: 6 if sides == "before..after" else 1])


@pytest.mark.parametrize("verb", ["graph", "fit", "place", "cost"])
def test_no_other_verb_shows_a_secret(repository: Path, capsys: pytest.CaptureFixture[str], verb: str) -> None:
    (repository / "web/all.yaml").write_text(WORKLOAD)
    for words in ([verb, repository], [verb, repository, *(("--format", "json") if verb == "graph" else ("--json",))]):
        _assert_hidden(_run(capsys, *words))
