"""The Applications of ApplicationSets: what files tell is checked like any other, and what they do not tell is said."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from modelyard.checking import CheckOptions, check
from modelyard.checking.environments import application_names

HERE = "https://git.example.com/ml/platform.git"
CLUSTER = "{server: https://kubernetes.default.svc, namespace: models}"
FOLDERS = f"- git: {{repoURL: {HERE}, revision: main, directories: [{{path: 'models/*'}}]}}"
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: lost}\nspec: {selector: {app: lost}, ports: [{port: 80}]}\n"


def repository(
    root: Path, generators: str, *, name: str, folder: str, go: bool = True, destination: str = CLUSTER, more: str = ""
) -> Path:
    """Write a repository with one ApplicationSet and two folders, in each a Service that selects nothing."""
    for model in ("chat", "embedder"):
        (root / f"models/{model}").mkdir(parents=True)
        (root / f"models/{model}/service.yaml").write_text(SERVICE)
        (root / f"models/{model}/facts.yaml").write_text(f"team: {{name: {model}-team}}\n")
    (root / "sets.yaml").write_text(
        textwrap.dedent(
            f"""\
            apiVersion: argoproj.io/v1alpha1
            kind: ApplicationSet
            metadata: {{name: models, namespace: argocd}}
            spec:
              goTemplate: {str(go).lower()}
              syncPolicy: {{preserveResourcesOnDeletion: true}}
              {more}
              generators:
                {generators}
              template:
                metadata: {{name: "{name}"}}
                spec:
                  project: default
                  source: {{repoURL: {HERE}, path: "{folder}", targetRevision: main}}
                  destination: {destination}
            """
        )
    )
    return root


def applications(root: Path) -> list[str]:
    return application_names(root)["repository"]


def reason(root: Path) -> str:
    """Return why the set is left as it is; empty when it is not."""
    report = check(root, CheckOptions(policies=False))
    return "".join(gap.reason for gap in report.not_checked if str(gap.subject) == "ApplicationSet models")


def test_folders_are_checked_as_the_applications_that_they_become(tmp_path: Path) -> None:
    root = repository(tmp_path, FOLDERS, name="{{.path.basename}}", folder="{{ .path.path }}")
    report = check(root, CheckOptions(policies=False))
    assert applications(root) == ["chat", "embedder"]
    found = [finding for finding in report.findings if finding.rule == "network/dangling-service"]
    assert sorted((finding.application, finding.at.place().file) for finding in found) == [
        ("chat", "models/chat/service.yaml"),
        ("embedder", "models/embedder/service.yaml"),
    ]
    assert reason(root) == ""


def test_what_is_wrong_with_an_application_is_shown_in_the_template(tmp_path: Path) -> None:
    elements = "- list: {elements: [{name: chat}, {name: gone}]}"
    root = repository(tmp_path, elements, go=False, name="{{name}}", folder="models/{{name}}")
    (finding,) = [
        each for each in check(root, CheckOptions(policies=False)).findings if each.rule == "argocd/missing-folder"
    ]
    place = finding.at.place()
    assert place.line is not None and place.column is not None
    line = (root / "sets.yaml").read_text().splitlines()[place.line - 1]
    assert line[place.column - 1 :].startswith('"models/{{name}}"')


@pytest.mark.parametrize(
    ("generators", "go", "name", "expected"),
    [
        pytest.param(FOLDERS, False, "m-{{path.basename}}", ["m-chat", "m-embedder"], id="folders"),
        pytest.param(FOLDERS, False, "{{path[1]}}", ["chat", "embedder"], id="part of a path"),
        pytest.param(FOLDERS, True, "{{index .path.segments 1}}", ["chat", "embedder"], id="part of a path, in Go"),
        pytest.param(
            FOLDERS.replace("directories: [", "directories: [{path: models/chat, exclude: true}, "),
            True,
            "{{.path.basename}}",
            ["embedder"],
            id="a folder left out",
        ),
        pytest.param(
            f"- git: {{repoURL: {HERE}, files: [{{path: 'models/**/facts.yaml'}}]}}",
            True,
            "{{.team.name}}-{{.path.filenameNormalized}}",
            ["chat-team-facts.yaml", "embedder-team-facts.yaml"],
            id="files",
        ),
        pytest.param(
            f"- git: {{repoURL: {HERE}, files: [{{path: 'models/**/facts.yaml'}}]}}",
            False,
            "{{team.name}}",
            ["chat-team", "embedder-team"],
            id="inner keys of files",
        ),
        pytest.param(
            FOLDERS.replace("models/*", "**"), True, "{{.path.basename}}", ["models"], id="two stars of folders"
        ),
        pytest.param(FOLDERS.replace("*", "[^c]*"), True, "{{.path.basename}}", ["embedder"], id="a class"),
        pytest.param(
            f"- git: {{repoURL: {HERE}, files: [{{path: 'models/{{chat,none}}/facts.yaml'}}, {{path: '[z-a]'}}]}}",
            True,
            "{{.team.name}}",
            ["chat-team"],
            id="alternatives, and what is no pattern",
        ),
        pytest.param(
            f"- matrix: {{generators: [{{list: {{elements: [{{size: small}}, {{size: large}}]}}}}, {FOLDERS[2:]}]}}",
            True,
            "{{.path.basename}}-{{.size}}",
            ["chat-large", "chat-small", "embedder-large", "embedder-small"],
            id="matrix",
        ),
    ],
)
def test_parameters(generators: str, go: bool, name: str, expected: list[str], tmp_path: Path) -> None:
    root = repository(tmp_path, generators, go=go, name=name, folder="models/chat")
    assert applications(root) == expected


@pytest.mark.parametrize(
    ("generators", "name", "said"),
    [
        pytest.param("- clusters: {}", "{{.name}}", "its generator is clusters", id="clusters"),
        pytest.param(
            FOLDERS.replace("ml/platform", "other/repo").replace("models/*", "nothing/*"),
            "{{.path.basename}}",
            "it looks in https://git.example.com/other/repo.git",
            id="another repository",
        ),
        pytest.param(FOLDERS, "{{ .path.basename | upper }}", "{{.path.basename | upper}}", id="a function"),
        pytest.param(FOLDERS, "{{.team}}", "which its generator does not bring", id="an unknown parameter"),
        pytest.param(FOLDERS, "same", "several of them would have one name", id="one name"),
        pytest.param("- list: {elementsYaml: '[]'}", "a", "its generator has elementsYaml", id="a text of elements"),
        pytest.param(
            FOLDERS.replace("{repoURL", "{values: {a: b}, repoURL"), "{{.path.basename}}", "has values", id="values"
        ),
    ],
)
def test_what_files_do_not_tell_is_not_checked(generators: str, name: str, said: str, tmp_path: Path) -> None:
    root = repository(tmp_path, generators, name=name, folder="models/chat")
    assert applications(root) == []
    assert reason(root).startswith("its Applications are made by Argo CD: ")
    assert said in reason(root)


def test_a_list_of_numbers_needs_the_syntax_of_go(tmp_path: Path) -> None:
    root = repository(tmp_path, "- list: {elements: [{size: 1}]}", go=False, name="m-{{size}}", folder="models/chat")
    assert "holds what is no text" in reason(root)


def test_a_set_for_several_clusters_is_not_checked_as_one(tmp_path: Path) -> None:
    elements = "- list: {elements: [{name: a}, {name: b}]}"
    root = repository(
        tmp_path, elements, name="{{.name}}", folder="models/chat", destination="{name: '{{.name}}', namespace: models}"
    )
    assert "they go to several clusters" in reason(root)


def test_a_set_that_patches_what_it_makes_is_not_checked(tmp_path: Path) -> None:
    root = repository(
        tmp_path, FOLDERS, name="{{.path.basename}}", folder="{{.path.path}}", more="templatePatch: 'spec: {}'"
    )
    assert "it patches what it makes" in reason(root)
