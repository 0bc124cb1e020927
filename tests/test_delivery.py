"""What a release is made of, and that nothing which installs it names something that is not there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.utils import parse_wheel_filename

from modelyard.tooling import Origin, executables, find
from modelyard.tooling.installer import default_names

PROJECT = Path(__file__).parents[1]
RELEASE = yaml.safe_load((PROJECT / ".github/workflows/release.yml").read_text())
sys.path.insert(0, str(PROJECT / "scripts"))
import wheels  # noqa: E402 - a script
from native_wheel import native_wheel  # noqa: E402 - a script

sys.path.pop(0)


def test_programs_of_a_wheel_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELYARD_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(executables, "packaged_path", lambda name: tmp_path / "programs" / name)
    executables.forget()
    assert find("modelyard-render") is None
    program = tmp_path / "programs" / "modelyard-render"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    executables.forget()
    assert find("modelyard-render") is None, "a file that cannot be run is no program"
    program.chmod(0o755)
    executables.forget()
    found = find("modelyard-render")
    assert found is not None
    assert (found.path, found.origin, found.difference) == (program, Origin.PACKAGE, "")
    executables.forget()


def test_this_checkout_is_no_wheel() -> None:
    assert not any(executables.packaged_path(name).exists() for name in default_names())


@pytest.mark.parametrize("platform", wheels.PLATFORMS, ids=lambda each: each.name)
def test_a_wheel_has_the_tags_of_its_platform(platform: wheels.Platform) -> None:
    _, _, _, tags = parse_wheel_filename(f"modelyard-1.0.0-py3-none-{platform.tag}.whl")
    machine = {"amd64": "x86_64", "arm64": "arm64" if platform.go_os == "darwin" else "aarch64"}[platform.go_arch]
    assert {each.platform.endswith(machine) for each in tags} == {True}
    kinds = {each.platform[:6] for each in tags}
    assert kinds == ({"macosx"} if platform.go_os == "darwin" else {"manyli", "muslli"})


def test_the_native_wheel_is_chosen_among_those_of_a_release(tmp_path: Path) -> None:
    (tmp_path / "modelyard-1.0.0-py3-none-any.whl").touch()
    assert native_wheel(tmp_path) is None, "the pure wheel carries no programs"
    for platform in wheels.PLATFORMS:
        (tmp_path / f"modelyard-1.0.0-py3-none-{platform.tag}.whl").touch()
    chosen = native_wheel(tmp_path)
    assert chosen is not None
    assert ("linux" in chosen.name) == (sys.platform == "linux")


def test_the_readme_installs_nothing_that_is_not_there() -> None:
    text = (PROJECT / "README.md").read_text()
    installs = [line for line in text.splitlines() if re.match(r"(uv|uvx|pip|pipx) ", line)]
    assert len(installs) >= 2
    tags = subprocess.run(["git", "tag"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout.split()  # noqa: S607
    for line in installs:
        for address, ref in re.findall(r"git\+(https://[^@\s]+)(?:@(\S+))?", line):
            assert address == "https://github.com/modelyard/modelyard"
            assert not ref or ref in tags, f"{ref} is not there: {line}"
        for name in re.findall(r"\./(\S+\.whl)", line):
            assert Path(f"modelyard-1.0.0-py3-none-{wheels.PLATFORMS[0].tag}.whl").match(name)


def test_the_workflow_runs_targets_and_scripts_that_are_there() -> None:
    makefile = (PROJECT / "Makefile").read_text()
    lines = [step["run"] for job in RELEASE["jobs"].values() for step in job["steps"] if "run" in step]
    made = [
        word for line in lines for found in re.findall(r"^make (.+)$", line, re.MULTILINE) for word in found.split()
    ]
    assert {"wheels", "sbom", "release-check"} <= set(made)
    for target in made:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for script in {each for line in lines for each in re.findall(r"scripts/\S+?\.\w+", line)}:
        assert (PROJECT / script).is_file(), script


def test_only_the_job_that_publishes_may_write() -> None:
    for name, job in RELEASE["jobs"].items():
        writes = [each for each, level in job["permissions"].items() if level == "write"]
        assert bool(writes) == (name == "publish"), name


def test_the_image_is_made_from_what_its_context_holds() -> None:
    sources = set(re.findall(r"source=([^,\s]+)", (PROJECT / "Dockerfile").read_text()))
    assert sources == {"dist", "scripts/native_wheel.py"}
    assert {each.removeprefix("!") for each in (PROJECT / ".dockerignore").read_text().split()} == {
        "*",
        "dist/*.whl",
        "scripts/native_wheel.py",
    }


def action(folder: Path, ref: str, attested: bool) -> tuple[int, list[str]]:
    """Run the action's installation with stand-ins, and return its exit code and what it called."""
    programs, log = folder / "bin", folder / "log"
    programs.mkdir()
    name = f"modelyard-1.0.0-py3-none-{wheels.PLATFORMS[0].tag}.whl"
    for program, body in {
        "pip": "",
        "modelyard": "",
        "python": f'echo "$2/{name}"',
        "gh": f'[ "$1" != attestation ] || exit {0 if attested else 1}',
    }.items():
        (programs / program).write_text(f'#!/bin/sh\necho "{program} $*" >> {log}\n{body}\n')
        (programs / program).chmod(0o755)
    environment = {
        "PATH": f"{programs}:/usr/bin:/bin",
        "GITHUB_ACTION_PATH": "/action",
        "REPOSITORY": "a/b",
        "REF": ref,
    }
    done = subprocess.run([PROJECT / "scripts/action_install.sh"], env=environment, check=False)
    return done.returncode, [re.sub(r"\S+/modelyard-", "modelyard-", line) for line in log.read_text().splitlines()]


def test_the_action_installs_the_verified_wheel_of_its_release(tmp_path: Path) -> None:
    code, calls = action(tmp_path, "v1.0.0", attested=True)
    assert code == 0
    assert calls[1].startswith("gh release download v1.0.0 --repo a/b")
    assert calls[3].startswith("gh attestation verify modelyard-1.0.0-py3-none-")
    assert calls[4].startswith("pip install --quiet modelyard-1.0.0-py3-none-")


def test_the_action_installs_nothing_that_is_not_attested(tmp_path: Path) -> None:
    code, calls = action(tmp_path, "v1.0.0", attested=False)
    assert code != 0
    assert [each for each in calls if each.startswith("pip")] == ["pip install --quiet packaging"]


def test_the_action_builds_what_is_no_release(tmp_path: Path) -> None:
    code, calls = action(tmp_path, "main", attested=True)
    assert (code, calls[1:]) == (0, ["pip install --quiet /action", "modelyard tools install --quiet"])
