"""The verbs that do not check: explain, doctor, tools, new, update, version; help and completion."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from modelyard.rules import rules
from modelyard.tooling.executables import find

from .conftest import MODELYARD, Outcome

Run = Callable[..., Outcome]
Terminal = Callable[..., str]
PROJECT = Path(__file__).parents[2]
SOMETHING = next(iter(rules()))


def test_every_rule_is_listed(modelyard: Run) -> None:
    lines = modelyard("explain", "--list").out.splitlines()
    assert [line.split()[0] for line in lines] == list(rules())
    listed = json.loads(modelyard("explain", "--list", "--json").out)
    assert [each["id"] for each in listed] == list(rules())


def test_a_page_goes_out_as_it_is_without_a_terminal(modelyard: Run) -> None:
    outcome = modelyard("explain", SOMETHING)
    assert outcome.code == 0
    assert outcome.out == rules()[SOMETHING].page.read_text(encoding="utf-8")
    assert json.loads(modelyard("explain", SOMETHING, "--json").out)["page"] == outcome.out


def test_a_page_is_laid_out_on_a_terminal(on_terminal: Terminal) -> None:
    shown = re.sub(r"\x1b\[[0-9;]*m", "", on_terminal([*MODELYARD, "explain", SOMETHING], COLUMNS="60"))
    assert "## " not in shown
    assert max(len(line) for line in shown.splitlines()) <= 60


def test_a_mistyped_rule(modelyard: Run) -> None:
    outcome = modelyard("explain", SOMETHING[:-1])
    assert outcome.code == 2
    assert outcome.err == f"error: there is no rule {SOMETHING[:-1]}\n  fix: did you mean {SOMETHING}?\n"
    assert f"did you mean {SOMETHING}?" in modelyard("explain", SOMETHING.partition("/")[2]).err
    assert "explain --list" in modelyard("explain", "zzzzzz").err


def test_an_area_lists_its_rules(modelyard: Run) -> None:
    area = SOMETHING.partition("/")[0]
    lines = modelyard("explain", area).out.splitlines()
    assert lines
    assert all(line.startswith(f"{area}/") for line in lines)


def test_doctor_tells_the_same_as_text_and_json(modelyard: Run) -> None:
    content = json.loads(modelyard("doctor", "--json").out)
    text = modelyard("doctor")
    assert text.code == content["exit_code"]
    names = [tool["name"] for tool in content["tools"]]
    assert {"git", "kustomize", "kubeconform"} <= set(names)
    for tool in content["tools"]:
        assert tool["state"] in ("ok", "differs", "missing", "not needed")
        assert f"{tool['name']} " in text.out
        if tool["state"] == "missing":
            assert tool["without"] and tool["fix"]


def test_doctor_puts_what_a_check_needs_first(modelyard: Run) -> None:
    lines = modelyard("doctor").out.splitlines()
    titles = [
        "check and every verb but rehearse: ",
        "rehearse: ",
        "scripts of a repository: ",
        "developing Modelyard: ",
    ]
    at = [next(number for number, line in enumerate(lines) if line.startswith(title)) for title in titles]
    assert at == sorted(at) and at[0] == 0
    first = {line.split()[0] for line in lines[1 : at[1]] if line}
    assert {"kustomize", "kubeconform", "git"} <= first
    assert "promtool" not in first and "kube-scheduler" not in first


def test_doctor_asks_for_no_program_whose_work_another_does(modelyard: Run, tmp_path: Path) -> None:
    renderer, git = find("modelyard-render"), find("git")
    assert renderer is not None and git is not None
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to(git.path)
    (tmp_path / "with" / "tools").mkdir(parents=True)
    (tmp_path / "with" / "tools" / "modelyard-render").symlink_to(renderer.path.parents[1])

    def told(data: str) -> tuple[int, set[str]]:
        outcome = modelyard("doctor", "--json", PATH=str(tmp_path / "bin"), MODELYARD_DATA_DIR=str(tmp_path / data))
        states = {tool["name"]: tool["state"] for tool in json.loads(outcome.out)["tools"]}
        return outcome.code, {states[name] for name in ("kustomize", "kubeconform", "helm")}

    assert told("with") == (0, {"not needed"})
    assert told("without") == (2, {"missing"})


def test_what_uvx_ran_is_installed_before_it_is_run_again() -> None:
    from modelyard.cli.new import _check

    cached = "/home/me/.cache/uv/archive-v0/abc"
    assert _check({"UV": "/usr/bin/uv"}, cached).startswith("uv venv && uv pip install -r requirements.txt")
    assert _check({}, cached) == _check({"UV": "/usr/bin/uv"}, "/srv/project/.venv") == "modelyard check"


def test_doctor_fails_without_a_required_tool(modelyard: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    outcome = modelyard("doctor", PATH=str(tmp_path / "empty"), MODELYARD_DATA_DIR=str(tmp_path / "data"))
    assert outcome.code == 2
    assert "git" in outcome.out
    assert "missing" in outcome.out
    assert "skipped without it: " in outcome.out


def test_tools_install_says_what_it_would_build(modelyard: Run, tmp_path: Path) -> None:
    outcome = modelyard(
        "tools", "install", "kustomize", "--dry-run", "--json", MODELYARD_DATA_DIR=str(tmp_path / "data")
    )
    assert outcome.code == 0, outcome.err
    (tool,) = json.loads(outcome.out)
    assert tool["name"] == "kustomize"
    assert tool["action"] in ("planned", "present")
    assert not (tmp_path / "data").exists()


def test_tools_install_knows_its_tools(modelyard: Run) -> None:
    outcome = modelyard("tools", "install", "kustomise")
    assert outcome.code == 2
    assert "there is no tool named kustomise" in outcome.err


def test_version(modelyard: Run) -> None:
    facts = json.loads(modelyard("version", "--json").out)
    assert modelyard("--version").out == f"modelyard {facts['modelyard']}\n"
    assert modelyard("version").out.startswith(f"modelyard {facts['modelyard']} (Python {facts['python']}")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["new"], "the new repository has no name"),
        (["new", "x", "--data", "y"], "write --data QUESTION=ANSWER"),
        (["new", "x", "--data", "y=1", "--data", "y=2"], "--data answers y twice"),
        (["update"], "is not a GitOps repository that Modelyard wrote"),
    ],
)
def test_what_new_and_update_refuse(modelyard: Run, tmp_path: Path, arguments: list[str], message: str) -> None:
    outcome = modelyard(*arguments)
    assert outcome.code == 2
    assert message in outcome.err
    assert not (tmp_path / "x").exists()


def test_fetch_says_what_it_would_bring(modelyard: Run, one_model: Path) -> None:
    before = sorted(each.name for each in one_model.iterdir())
    outcome = modelyard("fetch", str(one_model), "--dry-run", "--json")
    assert outcome.code == 0, outcome.err
    names = {each["name"].split()[0]: each["action"] for each in json.loads(outcome.out)}
    assert names["karpenter"] == "planned"
    text = modelyard("fetch", str(one_model), "--dry-run").out
    assert re.search(r"^planned +karpenter 1\.14\.1  \S+$", text, re.M)
    assert sorted(each.name for each in one_model.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["fetch"], "holds no environments"), (["fetch", "nowhere"], "there is no folder nowhere")],
)
def test_what_fetch_refuses(modelyard: Run, arguments: list[str], message: str) -> None:
    outcome = modelyard(*arguments)
    assert outcome.code == 2
    assert message in outcome.err


@pytest.mark.slow
def test_a_repository_and_a_second_environment(modelyard: Run, tmp_path: Path) -> None:
    template = tmp_path / "template"
    for arguments in (
        ["clone", "--quiet", "--no-tags", str(PROJECT), str(template)],
        ["-C", str(template), "tag", "v9"],
    ):
        subprocess.run(["git", *arguments], check=True)  # noqa: S607 - the git of whoever runs the tests
    answers = (PROJECT / "tests" / "repositories" / "one-model" / "answers.yaml").read_text()
    (tmp_path / "answers.yaml").write_text(f"{answers}\nrepository_url: https://github.com/acme/my-platform.git\n")
    made = modelyard("new", "my-platform", "--template", str(template), "--answers", "answers.yaml", "--defaults")
    assert made.code == 0, made.err
    assert "from template v9: environment dev, commit " in made.out
    assert "\nnext: cd my-platform && modelyard check\nthen: modelyard fetch && git add charts.lock" in made.out
    repository = tmp_path / "my-platform"
    account = "account_id=111122223333"
    added = modelyard("new", "--env", "staging", "--data", account, "--defaults", cwd=repository)
    assert added.code == 0, added.err
    assert "next: modelyard check --env staging\n" in added.out
    assert {each.name for each in (repository / "environments").iterdir()} == {"dev", "staging"}
    again = modelyard("new", "--env", "staging", "--defaults", cwd=repository)
    assert again.code == 2
    assert "the environment staging exists already" in again.err


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        (f"modelyard explain {SOMETHING[:4]}", SOMETHING),
        ("modelyard check --env pr", "prod"),
        ("modelyard check --application ch", "chat"),
        ("modelyard che", "check"),
        ("modelyard tools install kusto", "kustomize"),
        ("modelyard check --fail-on w", "warning"),
        ("modelyard check --format sa", "sarif"),
        ("modelyard rehearse --level sy", "sync"),
        ("modelyard graph --format me", "mermaid"),
        ("modelyard feature on chat scale-to-q", "scale-to-queue"),
        ("modelyard feature on ch", "chat"),
        ("modelyard fit --model ch", "chat"),
        ("modelyard catalog show Qwen/Qwen3-1", "Qwen/Qwen3-1.7B"),
        ("modelyard catalog show g6.", "g6.xlarge"),
        ("modelyard model add --engine vl", "vllm"),
        ("modelyard model add Qwen/Qwen3-1", "Qwen/Qwen3-1.7B"),
        ("modelyard fit --device L4", "L40S"),
    ],
)
def test_completion(modelyard: Run, tmp_path: Path, line: str, offered: str) -> None:
    (tmp_path / "environments" / "prod" / "applications").mkdir(parents=True)
    for application in ("chat", "charts"):
        (tmp_path / "environments" / "prod" / "applications" / f"{application}.yaml").touch()
    (tmp_path / "environments" / "prod" / "models" / "chat").mkdir(parents=True)
    (tmp_path / "bases" / "features" / "scale-to-queue").mkdir(parents=True)
    (tmp_path / "bases" / "serving" / "vllm").mkdir(parents=True)
    words = line.split()
    outcome = modelyard(
        _MODELYARD_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(len(words) - 1), _TYPER_COMPLETE_ARGS=line
    )
    assert offered in outcome.out.splitlines(), outcome.err
    if offered == "chat" and "--application" not in words:
        assert "charts" not in outcome.out.splitlines(), "an Application that is no model"


def test_generated_pages_are_current() -> None:
    script = PROJECT / "scripts" / "generate_reference.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr


def test_help_fits_a_terminal_and_ends_with_the_exit_codes(modelyard: Run) -> None:
    for arguments in ([], ["check"]):
        text = modelyard(*arguments, "--help", COLUMNS="80").out
        assert max(map(len, text.splitlines())) <= 80
        assert text.rstrip().endswith("130  interrupted by Ctrl-C")
