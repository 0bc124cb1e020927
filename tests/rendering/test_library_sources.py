"""The renderer's own tests, and its fuzz targets: `make test-renderer` runs them where they changed."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from modelyard.tooling import pin, run

SOURCES = Path(__file__).parents[2] / "tools" / "render"
FUZZ_TARGETS = {
    "FuzzBuild": "./internal/build",
    "FuzzParse": "./internal/kustomization",
    "FuzzJudge": "./internal/validation",
}
FUZZ_SECONDS = 60

pytestmark = pytest.mark.skipif(shutil.which("go") is None, reason="Go is not on PATH")


def go(*arguments: str, timeout: float = 900.0) -> str:
    completed = run(["go", *arguments], cwd=SOURCES, timeout=timeout, env={"GOFLAGS": "-mod=readonly -trimpath"})
    output = completed.stdout.decode() + completed.stderr
    assert completed.returncode == 0, output[-4000:]
    return output


@pytest.mark.slow
def test_sources_are_formatted_and_pass_vet_and_their_own_tests() -> None:
    unformatted = run(["gofmt", "-l", "."], cwd=SOURCES, timeout=60).stdout.decode()
    assert not unformatted, f"run gofmt -w on {unformatted}"
    go("vet", "./...")
    assert "ok" in go("test", "./...")


def test_kustomize_is_the_pinned_release() -> None:
    """The library, the command in tools/, the pin, and so the version that Argo CD bundles, are one."""
    api = re.compile(r"sigs\.k8s\.io/kustomize/api (v\S+)")
    ours, command = ((SOURCES / place).read_text() for place in ("go.mod", "../go.mod"))
    assert api.findall(ours) == api.findall(command)
    release = re.findall(r"sigs\.k8s\.io/kustomize/kustomize/v5 v(\S+)", command)
    assert release == [pin("kustomize").version]
    assert f'KustomizeRelease = "v{release[0]}"' in (SOURCES / "internal" / "build" / "build.go").read_text()


def test_no_file_of_the_sources_is_long() -> None:
    long = {file.name: lines for file in SOURCES.rglob("*.go") if (lines := len(file.read_text().splitlines())) > 400}
    assert not long


@pytest.mark.slow
@pytest.mark.parametrize("target", FUZZ_TARGETS)
def test_fuzzing_finds_nothing(target: str) -> None:
    output = go("test", "-run", "^$", "-fuzz", f"^{target}$", "-fuzztime", f"{FUZZ_SECONDS}s", FUZZ_TARGETS[target])
    assert "PASS" in output
