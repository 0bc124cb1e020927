from pathlib import Path

import pytest

from modelyard.findings import UserError
from modelyard.tooling import Origin, executables, find, pin, pins, require
from modelyard.tooling.diagnosis import State, diagnose
from modelyard.tooling.pins import go_pin
from tests.tooling.conftest import Program

# installed in place of a build: the version is told by the folder's name
INSTALLED = "#!/bin/sh\necho v0.0.0\n"


def install(name: str) -> Path:
    path = executables.installed_path(name)
    path.parent.mkdir(parents=True)
    path.write_text(INSTALLED)
    path.chmod(0o755)
    executables.forget()
    return path


def test_nothing_is_found_where_nothing_is(own_folders: Path) -> None:
    assert find("kustomize") is None
    with pytest.raises(UserError, match="kustomize is not installed; without it: every check") as caught:
        require("kustomize")
    assert "modelyard tools install kustomize" in caught.value.fix


def test_a_tool_that_cannot_be_built_has_another_remedy(own_folders: Path) -> None:
    with pytest.raises(UserError) as caught:
        require("git")
    assert caught.value.fix == f"install git {pin('git').version} or newer"


def test_the_pinned_version_on_path(program: Program) -> None:
    path = program("kustomize", "echo v5.8.1")
    found = require("kustomize")
    assert (found.path, found.version, found.origin, found.pinned, found.difference) == (
        path,
        "5.8.1",
        Origin.PATH,
        True,
        "",
    )


def test_another_version_on_path_is_used_and_told(program: Program) -> None:
    program("kustomize", "echo v5.4.3")
    assert require("kustomize").difference == "kustomize is 5.4.3, pinned is 5.8.1"


def test_the_pinned_version_wins_wherever_it_is(program: Program) -> None:
    program("kustomize", "echo v5.4.3")
    ours = install("kustomize")
    found = require("kustomize")
    assert (found.path, found.origin, found.version) == (ours, Origin.INSTALLED, "5.8.1")


def test_path_comes_first_when_both_are_pinned(program: Program) -> None:
    path = program("kustomize", "echo v5.8.1")
    install("kustomize")
    assert require("kustomize").path == path


def test_a_newer_version_is_fine_where_only_a_minimum_is_pinned(program: Program) -> None:
    program("git", "echo git version 2.99.1")
    assert require("git").difference == ""


def test_an_older_version_than_the_minimum_is_told(program: Program) -> None:
    program("terraform", "echo Terraform v1.9.8")
    assert require("terraform").difference == "terraform is 1.9.8, needed is 1.11.0 or newer"


def test_a_program_that_tells_no_version_is_not_taken_for_the_pinned_one(program: Program) -> None:
    program("kubeconform", "echo development")
    found = require("kubeconform")
    assert found.version is None
    assert found.difference == "kubeconform is of an unknown version, pinned is 0.8.0"


def test_the_version_is_asked_for_once_until_the_file_changes(program: Program, tmp_path: Path) -> None:
    count = tmp_path / "count"
    program("kustomize", f"echo x >> {count}; echo v5.4.3")
    for _ in range(3):
        executables.forget()
        require("kustomize")
    assert count.read_text() == "x\n"
    program("kustomize", f"echo x >> {count}; echo v5.8.1; # changed")
    executables.forget()
    assert require("kustomize").version == "5.8.1"


def test_a_cache_that_cannot_be_written_does_no_harm(program: Program, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    program("kustomize", "echo v5.8.1")
    assert require("kustomize").version == "5.8.1"


def test_every_pin_says_what_is_lost_without_the_tool() -> None:
    assert {"kustomize", "kubeconform", "git", "helm", "terraform", "kubectl"} <= {each.name for each in pins()}
    for each in pins():
        assert each.purpose and each.without and each.reason, each.name
    assert len(go_pin().hashes) == 4
    assert all(len(each) == 64 for each in go_pin().hashes)


def test_doctor_tells_each_state(program: Program) -> None:
    program("kustomize", "echo v5.8.1")
    program("kubectl", "echo Client Version: v1.20.3")
    told = {each.name: each for each in diagnose()}
    assert (told["kustomize"].state, told["kustomize"].fix) == (State.OK, "")
    assert (told["kubectl"].state, told["kubectl"].fix) == (State.DIFFERS, "install kubectl 1.35.0 or newer")
    missing = told["kubeconform"]
    assert (missing.state, missing.required, missing.fix) == (
        State.MISSING,
        False,
        "modelyard tools install kubeconform",
    )
    assert missing.without == pin("kubeconform").without
    assert told["git"].required
