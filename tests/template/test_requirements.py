"""What a generated repository installs: the wheel of the template's release, else the checker from Git."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest
from jinja2.sandbox import SandboxedEnvironment
from jinja2_ansible_filters import AnsibleCoreFiltersExtension
from packaging.requirements import Requirement
from packaging.utils import parse_wheel_filename

PROJECT = Path(__file__).parents[2]
OWN = "https://github.com/modelyard/modelyard"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
MACHINES = [("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "x86_64"), ("darwin", "arm64")]


@pytest.fixture(scope="module")
def wheels() -> ModuleType:
    sys.path.insert(0, str(PROJECT / "scripts"))
    try:
        return importlib.import_module("wheels")
    finally:
        sys.path.pop(0)


def rendered(version: str, source: str = OWN) -> list[Requirement]:
    """Render the file as Copier does, and read it as pip does."""
    environment = SandboxedEnvironment(extensions=[AnsibleCoreFiltersExtension], keep_trailing_newline=True)
    text = (PROJECT / "template/repository/requirements.txt.jinja").read_text()
    known = {"_copier_answers": {"_commit": version}, "_copier_conf": {"vcs_ref_hash": COMMIT}}
    content = environment.from_string(text).render(modelyard_source=source, **known)
    assert content.endswith("\n") and "\n\n" not in content
    return [Requirement(line) for line in content.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize(("system", "machine"), MACHINES)
def test_each_platform_installs_its_wheel_of_the_release(system: str, machine: str, wheels: ModuleType) -> None:
    where = {"sys_platform": system, "platform_machine": machine}
    (one,) = [
        each for each in rendered("v1.2.3") if each.name == "modelyard" and each.marker and each.marker.evaluate(where)
    ]
    assert one.url is not None
    folder, _, name = one.url.rpartition("/")
    assert folder == f"{OWN}/releases/download/v1.2.3"
    _, version, _, tags = parse_wheel_filename(name)
    assert str(version) == "1.2.3"
    built = [each.tag for each in wheels.PLATFORMS]
    assert name.removesuffix(".whl").rpartition("-none-")[2] in built
    assert all(machine in each.platform for each in tags)


@pytest.mark.parametrize(
    ("version", "source"),
    [
        ("v1.2.3-4-g0123456", OWN),
        ("0123456", OWN),
        ("v1.2.3", "https://git.example.com/mirror/modelyard"),
        ("v1.2.3rc1", OWN),
    ],
)
def test_what_is_no_release_of_the_project_is_built_from_git(version: str, source: str) -> None:
    checker, pytest_ = rendered(version, source)
    assert (checker.url, checker.marker) == (f"git+{source}@{COMMIT}", None)
    assert pytest_.name == "pytest"
