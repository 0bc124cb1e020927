"""Rendering here and in the cluster is by the same Kustomize and Helm: those that the shipped Argo CD bundles."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import orjson
import pytest
import yaml

from modelyard.tooling import pin

PROJECT = Path(__file__).parents[2]


def argo_cd_version() -> str:
    component = yaml.safe_load((PROJECT / "bases/platform/argocd/component.yaml").read_text())
    return str(component["chart"]["app-version"]).removeprefix("v")


@pytest.fixture(scope="module")
def bundled() -> dict[str, str]:
    """Return the tools that Argo CD's own image is built with, from its Go module."""
    if shutil.which("go") is None:
        pytest.skip("Go is not on PATH, so Argo CD's module cannot be read")
    module = f"github.com/argoproj/argo-cd/v3@v{argo_cd_version()}"
    done = subprocess.run(["go", "mod", "download", "-json", module], capture_output=True, cwd="/", check=False)  # noqa: S607
    found = orjson.loads(done.stdout or b"{}")
    if "Dir" not in found:
        pytest.skip(f"{module} cannot be downloaded: {found.get('Error', done.stderr.decode())}")
    text = (Path(found["Dir"]) / "hack/tool-versions.sh").read_text()
    return dict(re.findall(r"^(\w+)_version=(\S+)$", text, re.MULTILINE))


def test_kustomize_is_the_one_that_argo_cd_bundles(bundled: dict[str, str]) -> None:
    assert pin("kustomize").version == bundled["kustomize5"]


def test_helm_is_the_one_that_argo_cd_bundles(bundled: dict[str, str]) -> None:
    assert pin("helm").version == bundled["helm4"]
