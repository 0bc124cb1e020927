"""`pytest` in a generated repository: one item an application, and the team's own rules."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.repositories.edits import apply_edits


def pytest_in(root: Path, *words: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-v", *words]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    return done.returncode, done.stdout


def outcomes(output: str) -> dict[str, str]:
    return dict(re.findall(r"^tests/conftest\.py::(\S+) (PASSED|FAILED|SKIPPED)", output, re.MULTILINE))


def test_one_item_for_each_application_the_environment_and_each_policy(one_model: Path) -> None:
    code, output = pytest_in(one_model)
    found = outcomes(output)
    assert code == 0, output
    assert {"dev/chat", "dev/karpenter", "dev", "modelyard.yaml", "team/untrusted-image"} <= set(found)
    assert found["dev/chat"] == "PASSED"
    assert found["dev/karpenter"] == "SKIPPED"
    assert "not checked: chart karpenter 1.14.1" in output


def test_a_policy_fails_under_its_own_name_with_its_line(one_model: Path) -> None:
    policy = one_model / "policies/short.py"
    policy.write_text(
        "from modelyard.policies import Finding, error, policy\n"
        "@policy('team/short-context', error)\n"
        "def short_context(environment):\n"
        "    '''Contexts hold a book.'''\n"
        "    for model in environment.models:\n"
        "        yield Finding(at=model.settings.at('max-model-len'), message='the context holds no book')\n"
    )
    code, output = pytest_in(one_model)
    assert code == 1
    assert outcomes(output)["team/short-context"] == "FAILED"
    assert outcomes(output)["dev/chat"] == "PASSED"
    assert re.search(r"overlays/qwen3-1-7b-vllm-gpu/vllm\.yaml:\d+:\d+: error team/short-context", output)
    assert "Traceback" not in output


def test_an_application_that_does_not_build_fails_alone(one_model: Path) -> None:
    apply_edits(one_model, {"write": {"overlays/qwen3-1-7b-vllm-gpu/vllm.yaml": "model: a\nmodel: b\n"}})
    code, output = pytest_in(one_model)
    found = outcomes(output)
    if found["dev/chat"] == "FAILED":  # the rule about failed builds is in place
        assert code == 1
    assert found["dev/model-namespace"] != "FAILED"


def test_a_folder_that_is_no_repository_is_refused_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/conftest.py").write_text('pytest_plugins = ["modelyard.reporting.pytest_plugin"]\n')
    code, output = pytest_in(tmp_path, f"--rootdir={tmp_path}", "tests")
    assert code == 2
    assert "holds no environments" in output
    assert "Traceback" not in output
