"""No output of a check shows a credential, whichever rule comes upon it."""

from __future__ import annotations

import io
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from modelyard.checking import CheckOptions, check
from modelyard.findings import Report
from modelyard.reporting import write
from tests.repositories.edits import apply_edits

TOKEN = "hf_" + "A1b2C3d4E5" * 4


@pytest.fixture(scope="module")
def report(bases: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Report:
    root = tmp_path_factory.mktemp("credentials") / "repository"
    shutil.copytree(bases["one-model"], root, symlinks=True)
    model = "environments/dev/models/chat/kustomization.yaml"
    argument = "{op: add, path: /spec/template/spec/containers/0/args/-, value: --max-num-seqs=64}"
    twice = f"{{op: add, path: /spec/template/spec/containers/0/args/-, value: --hf-token={TOKEN}}}"
    variable = f"{{op: add, path: /spec/template/spec/containers/0/env/-, value: {{name: HOME, value: {TOKEN}}}}}"
    apply_edits(root, {"replace": {model: {argument: f"{twice}\n      - {twice}\n      - {variable}"}}})
    return check(root, CheckOptions(policies=False))


def test_token_is_found(report: Report) -> None:
    found = {finding.rule for finding in report.findings}
    assert {"secrets/token-in-manifest", "settings/duplicate-flag", "kustomize/duplicate-list-key"} <= found


@pytest.mark.parametrize("format_name", ["text", "json", "sarif", "junit", "github", "markdown"])
def test_token_is_not_shown(format_name: str, report: Report) -> None:
    stream = io.StringIO()
    write(report, format_name, stream)
    assert "token-in-manifest" in stream.getvalue()
    assert TOKEN not in stream.getvalue()
