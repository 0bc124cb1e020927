"""`check --fix`: remedies written into files, tried out before, all of them or none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelyard.checking import CheckOptions, check
from modelyard.cli.application import application
from modelyard.editing.fixing import fixed
from modelyard.repository import Repository

Tree = Callable[[dict[str, str]], Path]

APPLICATION = """apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: web
  labels: {app.kubernetes.io/component: model} # a model
spec:
  project: default
  source: {repoURL: "https://git.example.com/a.git", path: web}
  destination: {namespace: web}
"""
DEPLOYMENT = """# the web server
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      hostNetwork: true # for the old load balancer
      securityContext: {runAsNonRoot: true, runAsUser: 1000}
      containers:
        - name: web
          image: nginx:1.29.1
          securityContext:
            privileged: true
            runAsUser: 1000
"""
OPTIONS = CheckOptions(policies=False, kubernetes_version="1.35")


def run(root: Path, *words: str) -> tuple[int, str]:
    """Return exit code and output of a fix."""
    result = CliRunner().invoke(application(), ["check", str(root), "--fix", *words])
    return result.exit_code, result.output


def rules(root: Path) -> set[str]:
    """Return the rules that find something in a repository."""
    return {each.rule for each in check(root, OPTIONS).findings}


def test_safe_fixes_are_written_and_comments_stay(tree: Tree) -> None:
    root = tree({"web.yaml": APPLICATION, "web/a.yaml": DEPLOYMENT})
    before = rules(root)
    assert {"argocd/model-without-finalizer", "security/privileged-container"} <= before
    code, shown = run(root, "--dry-run")
    assert "+++ b/web.yaml" in shown and (root / "web.yaml").read_text() == APPLICATION
    code, shown = run(root)
    assert code == 0, shown
    assert "more with --unsafe" in shown
    text = (root / "web.yaml").read_text()
    assert "resources-finalizer" in text and "# a model" in text
    assert (root / "web" / "a.yaml").read_text() == DEPLOYMENT
    assert before - rules(root) == {"argocd/model-without-finalizer"}


def test_unsafe_fixes_remove_what_was_asked_for(tree: Tree) -> None:
    root = tree(
        {"web.yaml": APPLICATION, "web/a.yaml": f"{DEPLOYMENT}---\n{DEPLOYMENT.replace('name: web}', 'name: b}')}"}
    )
    code, shown = run(root, "--unsafe")
    assert code == 0, shown
    text = (root / "web" / "a.yaml").read_text()
    assert "privileged" not in text and "hostNetwork" not in text
    assert text.count("# the web server") == 2 and text.count("runAsUser: 1000") == 4
    assert "security/privileged-container" not in rules(root)


def test_nothing_is_written_where_a_fix_brings_something_new(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tree({"web.yaml": APPLICATION, "web/a.yaml": DEPLOYMENT})
    repository = Repository(root)
    findings = [each for each in check(root, OPTIONS).findings if each.edits]
    assert findings
    # As if the finding beside it had not been there before.
    beside = [each for each in findings if each.rule == "argocd/model-without-finalizer"]
    from modelyard.findings import UserError

    with pytest.raises(UserError, match="not written"):
        fixed(repository, beside, OPTIONS)
    assert (root / "web.yaml").read_text() == APPLICATION
