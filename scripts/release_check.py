"""Make a release in a clone and use it as a stranger would: no Go, no network, nothing installed before.

    make release-check            # writes the outcome into docs/releasing.md

The steps are those of `.github/workflows/release.yml` that need no account: version, changelog and tag; wheels for
every platform, the pure wheel and the source distribution; the bill of materials; the native wheel in an empty
environment without a network, where `modelyard new` and `check` work at once; the install lines of the README, against
the clone.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from generated import between
from native_wheel import native_wheel

PROJECT = Path(__file__).parents[1]
PAGE = PROJECT / "docs" / "releasing.md"
BEGIN, END = "<!-- outcome -->", "<!-- /outcome -->"
ADDRESS = "https://github.com/modelyard/modelyard"
INSTALL = re.compile(r"```\n(uv tool install .*?)```", re.DOTALL)
WITHOUT_NETWORK = ("unshare", "--net", "--map-root-user")


class Stranger:
    """A user with nothing: an own home, and a PATH on which there is Git and no Go."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        programs = folder / "path"
        programs.mkdir(parents=True)
        path = f"{programs}:/usr/bin:/bin"  # Git is there, and with it the shell's programs that it runs
        for name in ("go", "modelyard", "kustomize", "kubeconform"):
            found = shutil.which(name, path=path)
            assert found is None, f"{found} would be found: this check wants a machine without it in /usr/bin"
        self.environment = {
            **{name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "UV_"))},
            "HOME": str(folder / "home"),
            "PATH": path,
            "LANG": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        (folder / "home").mkdir()

    def run(self, *words: str | Path, offline: bool = False, more: Mapping[str, str] | None = None) -> str:
        """Run a command and return what it printed; anything but success ends the check."""
        shown = " ".join(str(word).removeprefix(f"{self.folder}/") for word in words)
        before = WITHOUT_NETWORK if offline else ()
        if before:
            before = (str(shutil.which(before[0])), *before[1:])
        print(f"$ {shown}", flush=True)
        done = subprocess.run(
            [*before, *map(str, words)],
            cwd=self.folder,
            env={**self.environment, **(more or {})},
            capture_output=True,
            text=True,
        )
        sys.stdout.write(done.stdout + done.stderr)
        if done.returncode != 0:
            raise SystemExit(f"release-check: exit code {done.returncode} of: {shown}")
        return done.stdout


def main(words: list[str]) -> int:
    """Make the release, use it, and write down what came of it."""
    parser = argparse.ArgumentParser(description="Make a release in a clone and use it.")
    parser.add_argument("--native", action="store_true", help="only this machine's platform wheel; writes nothing down")
    asked = parser.parse_args(words)
    stages: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="modelyard-release-") as scratch:
        folder = Path(scratch)
        clone, dist = folder / "clone", folder / "dist"
        _plain("git", "clone", "--quiet", str(PROJECT), str(clone))
        version = _released(clone)
        with _stage(stages, "wheels and source distribution"):
            native = ("--platform", _native_platform()) if asked.native else ()
            _plain(sys.executable, str(clone / "scripts" / "wheels.py"), "--output", str(dist), *native)
        own = native_wheel(dist)
        assert own is not None, "a platform wheel fits this machine"
        transcript = _used(folder / "stranger", own, version, stages)
        with _stage(stages, "bill of materials"):
            python = folder / "stranger" / "venv" / "bin" / "python"
            _plain(sys.executable, str(PROJECT / "scripts" / "sbom.py"), str(dist), str(python))
        with _stage(stages, "install lines of the README"):
            _readme_lines(folder / "reader", clone, own)
        print("\n".join(f"{seconds:7.1f} s  {name}" for name, seconds in stages.items()))
        if not asked.native:
            _write_down(version, sorted(dist.iterdir()), stages, transcript)
    return 0


class _stage:
    def __init__(self, stages: dict[str, float], name: str) -> None:
        self.stages, self.name = stages, name

    def __enter__(self) -> None:
        self.started = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self.stages[self.name] = time.monotonic() - self.started


def _released(clone: Path) -> str:
    """Make the next release in the clone where its commit is none yet, and return its version."""
    current = re.search(r'^version = "(\d+)\.(\d+)\.(\d+)"', (clone / "pyproject.toml").read_text(), re.MULTILINE)
    assert current is not None, "pyproject.toml has a version"
    tagged = subprocess.run(
        ["git", "-C", clone, "tag", "--points-at", "HEAD", f"v{'.'.join(current.groups())}"],  # noqa: S607
        check=True,
        capture_output=True,
        text=True,
    )
    if tagged.stdout:  # in the workflow, the release is made already
        return tagged.stdout.strip().removeprefix("v")
    version = f"{current[1]}.{int(current[2]) + 1}.0"
    _plain(sys.executable, str(clone / "scripts" / "release.py"), version)
    return version


def _native_platform() -> str:
    system, machine = sysconfig.get_platform().split("-")[0], os.uname().machine
    return f"{'macos' if system == 'macosx' else 'linux'}-{'arm64' if machine in ('arm64', 'aarch64') else 'x86-64'}"


def _used(folder: Path, wheel: Path, version: str, stages: dict[str, float]) -> str:
    """Install the wheel for somebody who has nothing, write a repository and check it, and return the transcript."""
    folder.mkdir()
    stranger = Stranger(folder)
    shutil.copy(PROJECT / "scripts" / "demo.yaml", folder)
    _plain(sys.executable, "-m", "venv", str(folder / "venv"))
    bin_ = folder / "venv" / "bin"
    with _stage(stages, "pip install, with what it depends on"):
        stranger.run(bin_ / "python", "-m", "pip", "install", "--quiet", wheel)
    parts = []
    for stage, line in (
        ("", "modelyard --version"),
        ("", "modelyard tools install --dry-run"),
        ("new, without a network", "modelyard new my-platform --answers demo.yaml --defaults"),
        ("first check, without a network", "modelyard check my-platform"),
        ("second check", "modelyard check my-platform"),
    ):
        name, *rest = line.split()
        with _stage(stages, stage or line):
            said = stranger.run(bin_ / name, *rest, offline=True)
        parts.append(f"$ {line}\n{said.replace(str(folder), '~')}")
        if not stage:
            del stages[line]
    assert version in parts[0], "the version is that of the tag"
    assert "planned" not in parts[1], "nothing is left to be built"
    answers = (folder / "my-platform" / ".copier-answers.yml").read_text()
    assert f"_commit: v{version}\n" in answers and f"_src_path: git+{ADDRESS}\n" in answers, answers
    return "\n".join(parts)


def _readme_lines(folder: Path, clone: Path, wheel: Path) -> None:
    """Run each install line of the README, with the clone in place of the project's address."""
    folder.mkdir()
    reader = Stranger(folder)
    shutil.copy(wheel, folder)
    (folder / "path" / "uv").symlink_to(Path(sys.executable).with_name("uv"))
    # What Git installs is built here, with the Go and the build cache that the wheels were made with.
    go = shutil.which("go")
    caches = {}
    if go is not None:
        (folder / "path" / "go").symlink_to(go)
        told = subprocess.run([go, "env", "GOCACHE", "GOMODCACHE"], check=True, capture_output=True, text=True).stdout
        caches = dict(zip(("GOCACHE", "GOMODCACHE"), told.split(), strict=True))
    found = INSTALL.findall((PROJECT / "README.md").read_text())
    assert found, "the README says how to install"
    instead = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.{clone.as_uri()}.insteadOf"}
    tools = {"UV_TOOL_BIN_DIR": str(folder / "path"), "UV_PYTHON": sys.executable, **caches}
    for block in found:
        for line in block.splitlines():
            words = line.partition("#")[0].strip()
            reader.run("sh", "-c", words, more={**instead, "GIT_CONFIG_VALUE_0": ADDRESS, **tools})
        reader.run("modelyard", "--version")
        reader.run("uv", "tool", "uninstall", "modelyard", more=tools)


def _plain(*words: str) -> None:
    done = subprocess.run(words, check=False)
    if done.returncode != 0:
        raise SystemExit(f"release-check: exit code {done.returncode} of: {' '.join(words)}")


def _write_down(version: str, made: list[Path], stages: dict[str, float], transcript: str) -> None:
    sizes = "\n".join(f"| `{each.name}` | {each.stat().st_size / 1024 / 1024:.1f} |" for each in made)
    seconds = "\n".join(f"| {name} | {value:.1f} |" for name, value in stages.items())
    machine = f"{os.cpu_count()} processors, {sysconfig.get_platform()}, Python {sys.version.split()[0]}"
    text = (
        f"{datetime.now(UTC):%Y-%m-%d}, as release {version} in a clone; {machine}, load {os.getloadavg()[1]:.0f}.\n\n"
        f"| file | MiB |\n|---|---|\n{sizes}\n\n| stage | seconds |\n|---|---|\n{seconds}\n\n"
        f"In an empty environment, without Go and without a network:\n\n```text\n{transcript.rstrip()}\n```\n"
    )
    PAGE.write_text(between(PAGE.read_text(), BEGIN, END, text.removesuffix("\n")))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
