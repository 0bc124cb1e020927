"""Build what a release is made of: wheels with the programs of each platform, a pure wheel, the source distribution.

    python scripts/wheels.py [--output dist] [--platform linux-x86-64 ...]

Everything is built from the commit at HEAD, in a folder of its own, so that what nobody committed is in no wheel.
Programs are cross-compiled by the Go that `modelyard tools install` uses, from the locked modules of `tools/`. Two runs
from the same commit and Go make the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

from modelyard.tooling import pin
from modelyard.tooling.installer import build_command, default_names
from modelyard.tooling.toolchain import BUILD_ENVIRONMENT, Go, fetch_go, find_go
from program_licences import licences

PROJECT = Path(__file__).parents[1]
MEBIBYTE = 1024 * 1024
# docs/adr/0471-wheels-carry-programs.md
MOST_PURE_BYTES = 15 * MEBIBYTE
MOST_PLATFORM_BYTES = 40 * MEBIBYTE


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform that wheels are built for.

    Attributes:
        name: Name on the command line.
        go_os: `GOOS`.
        go_arch: `GOARCH`.
        tag: Platform part of a wheel's tag. Programs without C need no C library, so one wheel serves manylinux and
            musllinux; Go 1.26 needs macOS 12 (https://go.dev/doc/go1.25#darwin) and Linux 3.2
            (https://go.dev/doc/go1.24#linux).
    """

    name: str
    go_os: str
    go_arch: str
    tag: str


def _linux(machine: str) -> str:
    return f"manylinux_2_17_{machine}.manylinux2014_{machine}.musllinux_1_1_{machine}"


PLATFORMS = (
    Platform("linux-x86-64", "linux", "amd64", _linux("x86_64")),
    Platform("linux-arm64", "linux", "arm64", _linux("aarch64")),
    Platform("macos-x86-64", "darwin", "amd64", "macosx_12_0_x86_64"),
    Platform("macos-arm64", "darwin", "arm64", "macosx_12_0_arm64"),
)


def main(words: list[str]) -> int:
    """Build, look at what was built, and print its sizes."""
    parser = argparse.ArgumentParser(description="Build wheels and the source distribution from the commit at HEAD.")
    parser.add_argument("--output", type=Path, default=PROJECT / "dist")
    names = [each.name for each in PLATFORMS]
    parser.add_argument("--platform", action="append", choices=names, help="build for this platform only; repeatable")
    asked = parser.parse_args(words)
    output: Path = asked.output.absolute()
    output.mkdir(parents=True, exist_ok=True)
    go = find_go() or fetch_go(print)
    with tempfile.TemporaryDirectory(prefix="modelyard-wheels-") as scratch:
        sources = _exported(Path(scratch))
        content = Path(scratch) / "content"
        _write_template(content / "scaffolding" / "template")
        made = [_built("sdist", sources, output), _built("wheel", sources, output, content)]
        for platform in PLATFORMS:
            if asked.platform is None or platform.name in asked.platform:
                _write_programs(platform, go, sources, content / "tooling" / "programs")
                made.append(_built("wheel", sources, output, content, f"py3-none-{platform.tag}"))
    sums = "".join(f"{hashlib.sha256(each.read_bytes()).hexdigest()}  {each.name}\n" for each in sorted(made))
    (output / "SHA256SUMS").write_text(sums)
    for each in made:
        print(f"{each.stat().st_size / MEBIBYTE:6.1f} MiB  {each.name}", flush=True)
    refusals = [refusal for each in made for refusal in _refusals(each)]
    for refusal in refusals:
        print(refusal, file=sys.stderr)
    return 1 if refusals else 0


def _exported(scratch: Path) -> Path:
    """Return a folder with the files of HEAD."""
    target = scratch / "sources"
    target.mkdir()
    archive = _git("archive", "--format=tar", "HEAD")
    subprocess.run(["tar", "-x", "-C", target], input=archive, check=True)  # noqa: S607
    return target


def _write_template(folder: Path) -> None:
    """Write the commit at HEAD as a pack without its history, which `modelyard new` reads in place of the network."""
    folder.mkdir(parents=True)
    commit = _git("rev-parse", "HEAD").decode().strip()
    listed = _git("rev-list", "--objects", "--no-walk", commit).decode()
    objects = "".join(f"{line.split(' ')[0]}\n" for line in listed.splitlines())
    # One thread: more find other deltas each time.
    pack = _git("pack-objects", "--quiet", "--stdout", "--threads=1", given=objects.encode())
    (folder / "commit.pack").write_bytes(pack)
    tags = _git("tag", "--points-at", commit, "v*").decode().split()
    (folder / "commit.json").write_text(json.dumps({"commit": commit, "tag": tags[-1] if tags else None}) + "\n")


def _write_programs(platform: Platform, go: Go, sources: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    environment = dict(os.environ)
    for name, value in {**BUILD_ENVIRONMENT, "GOOS": platform.go_os, "GOARCH": platform.go_arch}.items():
        if value is None:
            environment.pop(name, None)
        else:
            environment[name] = value
    packages = []
    for name in default_names():
        wanted = pin(name)
        assert wanted.build is not None, f"{name} is built from modules"
        packages.append((sources / "tools" / wanted.build.folder, wanted.build.package))
        started = time.monotonic()
        command = build_command(wanted, wanted.build, go.path, folder / name)
        done = subprocess.run(
            command, cwd=sources / "tools" / wanted.build.folder, env=environment, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise SystemExit(f"{name} for {platform.name}:\n{done.stderr[-2000:]}")
        size = (folder / name).stat().st_size / MEBIBYTE
        print(f"{platform.name}: {name} {size:.1f} MiB ({time.monotonic() - started:.0f} s)", flush=True)
    (folder / "LICENCES.txt").write_text(licences(go.path, packages, environment))


def _built(target: str, sources: Path, output: Path, content: Path | None = None, tag: str = "") -> Path:
    environment = {**os.environ, "SOURCE_DATE_EPOCH": _git("log", "-1", "--format=%ct").decode().strip()}
    for variable, value in (("MODELYARD_WHEEL_CONTENT", str(content or "")), ("MODELYARD_WHEEL_TAG", tag)):
        environment.pop(variable, None)
        if value:
            environment[variable] = value
    fresh = output / ".fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(fresh)]
    done = subprocess.run(command, cwd=sources, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"hatchling could not build the {target} {tag}:\n{done.stdout}{done.stderr}")
    (made,) = fresh.iterdir()
    target_file = made.replace(output / made.name)
    fresh.rmdir()
    return target_file


def _refusals(made: Path) -> list[str]:
    """Return what is wrong with a file that was built, in sentences."""
    if made.suffix != ".whl":
        return []
    pure = made.name.endswith("-none-any.whl")
    most, size = MOST_PURE_BYTES if pure else MOST_PLATFORM_BYTES, made.stat().st_size
    refusals = [f"{made.name} has {size} bytes, more than {most}"] if size > most else []
    with zipfile.ZipFile(made) as archive:
        inside = {each.filename: each.external_attr >> 16 for each in archive.infolist()}
    for name in default_names():
        mode = inside.get(f"modelyard/tooling/programs/{name}")
        if pure and mode is not None:
            refusals.append(f"{made.name} is for every platform and carries {name}")
        if not pure and not (mode or 0) & 0o111:
            refusals.append(f"{made.name} carries no {name} that can be run")
    if "modelyard/scaffolding/template/commit.pack" not in inside:
        refusals.append(f"{made.name} carries no template")
    return refusals


def _git(*words: str, given: bytes | None = None) -> bytes:
    return subprocess.run(["git", "-C", PROJECT, *words], check=True, input=given, stdout=subprocess.PIPE).stdout  # noqa: S607


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
