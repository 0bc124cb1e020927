"""What follows from another finding is no finding of its own."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from modelyard.checking import CheckOptions, check
from tests.repositories.edits import apply_edits


def test_what_a_folder_that_does_not_build_would_bring_is_not_missing(
    bases: Mapping[str, Path], tmp_path: Path
) -> None:
    root = shutil.copytree(bases["one-model"], tmp_path / "repository", symlinks=True)
    file = "bases/platform/model-namespace/limits.yaml"
    apply_edits(root, {"replace": {file: {"kind: LimitRange": "kid: LimitRange"}}})
    report = check(root, CheckOptions(policies=False))
    assert {finding.rule for finding in report.findings} == {"kustomize/failed-build"}
    told = [gap for gap in report.not_checked if "which does not build may bring it" in gap.reason]
    assert any("priority class model-interactive" in str(gap.subject) for gap in told), report.not_checked


def test_what_is_missing_where_all_builds_is_told(bases: Mapping[str, Path], tmp_path: Path) -> None:
    root = shutil.copytree(bases["one-model"], tmp_path / "repository", symlinks=True)
    file = "bases/platform/model-namespace/priority-classes.yaml"
    apply_edits(root, {"replace": {file: {"name: model-interactive": "name: model-interactiv"}}})
    rules = {finding.rule for finding in check(root, CheckOptions(policies=False)).findings}
    assert "scheduling/missing-priority-class" in rules
