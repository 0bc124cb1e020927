"""What nobody looked at in a repository that the template did not make: said, and never missed with certainty."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from modelyard.checking import CheckOptions, check
from modelyard.checking.plain import DirectoryOptions, address_of
from modelyard.findings import ExitCode, Report, Severity
from modelyard.tooling.git import git

Tree = Callable[[dict[str, str]], Path]

HERE = "https://git.example.com/team/gitops.git"
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: b}\n"
BROKEN = CONFIG_MAP + "noSuchField: 1\n"
CLAIM = """apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], storageClassName: fast, resources: {requests: {storage: 1Gi}}}
"""


def application(name: str, source: str, destination: str = "namespace: web") -> str:
    """Return an Application."""
    return (
        f"apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: {name}}}\n"
        f"spec:\n  project: default\n  {source}\n  destination: {{{destination}}}\n"
    )


def checked(root: Path, **options: object) -> Report:
    """Return the report of a repository."""
    return check(root, CheckOptions(policies=False, kubernetes_version="1.35", **options))  # type: ignore[arg-type]


def rules(report: Report) -> list[str]:
    """Return the rules that found something."""
    return [each.rule for each in report.findings]


def gaps(report: Report) -> str:
    """Return what was not checked, in one text."""
    return "\n".join(f"{each.subject} ({each.reason})" for each in report.not_checked)


def test_every_source_is_read(tree: Tree) -> None:
    sources = f"sources: [{{repoURL: {HERE}, path: one}}, {{repoURL: {HERE}, path: two}}]"
    root = tree({"web.yaml": application("web", sources), "one/a.yaml": CONFIG_MAP, "two/a.yaml": BROKEN})
    assert rules(checked(root)) == ["schema/invalid-resource"]


def test_what_source_kustomize_changes_is_a_gap(tree: Tree) -> None:
    source = f"source: {{repoURL: {HERE}, path: one, kustomize: {{namePrefix: x-}}}}"
    root = tree({"web.yaml": application("web", source), "one/a.yaml": BROKEN})
    report = checked(root)
    assert rules(report) == []
    assert "namePrefix of source.kustomize" in gaps(report)
    assert report.exit_code(Severity.ERROR, strict=False) == ExitCode.NOT_CHECKED


def test_what_no_application_leads_to_is_said(tree: Tree) -> None:
    files = {
        "web.yaml": application("web", f"source: {{repoURL: {HERE}, path: one}}"),
        "one/a.yaml": CONFIG_MAP,
        "overlays/x/kustomization.yaml": "resources: [a.yaml]\n",
        "overlays/x/a.yaml": BROKEN,
        "secrets/a.yaml": CONFIG_MAP,
        "apps/Chart.yaml": "apiVersion: v2\nname: apps\nversion: 0.1.0\n",
        "apps/templates/web.yaml": application("x-{{ .Values.a }}", "source: {path: nowhere}"),
    }
    report = checked(tree(files))
    assert rules(report) == []
    for words in ("overlays/x", "secrets/a.yaml", "Applications in templates of 1 chart"):
        assert words in gaps(report)


def test_what_is_not_rendered_may_bring_what_is_missing(tree: Tree) -> None:
    files = {
        "web.yaml": application("web", f"source: {{repoURL: {HERE}, path: one}}"),
        "ing.yaml": application("ing", f"source: {{repoURL: {HERE}, path: two}}"),
        "one/a.yaml": CLAIM,
        "two/kustomization.yaml": "helmCharts: [{name: a, version: 1.0.0, repo: 'https://charts.example.com'}]\n",
    }
    report = checked(tree(files))
    assert rules(report) == []
    assert "storage class fast" in gaps(report)
    assert "helmCharts" in gaps(report)


def test_another_repository_is_not_this_one(tree: Tree) -> None:
    root = tree({"web.yaml": application("web", f"source: {{repoURL: {HERE}, path: gone}}")})
    report = checked(root)
    assert rules(report) == []
    assert "another repository" in gaps(report)


def test_a_remote_tells_which_addresses_are_its_own(tree: Tree) -> None:
    root = tree({"web.yaml": application("web", f"source: {{repoURL: {HERE}, path: gone}}")})
    for words in (["init", "-q"], ["remote", "add", "origin", "git@git.example.com:team/gitops"]):
        git(root, *words, check=True)
    assert rules(checked(root)) == ["argocd/missing-folder"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (HERE, "git@git.example.com:team/gitops", True),
        (HERE, "ssh://git@git.example.com/team/gitops.git/", True),
        (HERE, "https://git.example.com/team/other", False),
        ("https://git.example.com:8443/a", "https://git.example.com/a", False),
    ],
)
def test_addresses(one: str, other: str, same: bool) -> None:
    assert (address_of(one) == address_of(other)) is same


def test_clusters_do_not_meet(tree: Tree) -> None:
    source = f"source: {{repoURL: {HERE}, path: one}}"
    files = {
        "dev.yaml": application("dev", source, "namespace: web, name: dev"),
        "prod.yaml": application("prod", source, "namespace: web, name: prod"),
        "one/a.yaml": CONFIG_MAP,
    }
    report = checked(tree(files))
    assert [each.name for each in report.environments] == ["dev", "prod"]
    assert rules(report) == []


def test_an_app_of_apps_is_followed(tree: Tree) -> None:
    files = {
        "root.yaml": application("root", f"source: {{repoURL: {HERE}, path: apps}}"),
        "apps/kustomization.yaml": "resources: [web.yaml]\nnamePrefix: a-\n",
        "apps/web.yaml": application("web", f"source: {{repoURL: {HERE}, path: one}}"),
        "one/a.yaml": BROKEN,
    }
    report = checked(tree(files))
    assert report.environments[0].application_names == ("a-web", "root")
    assert rules(report) == ["schema/invalid-resource"]


def test_a_chart_in_a_folder_is_rendered(tree: Tree) -> None:
    values = f"source: {{repoURL: {HERE}, path: chart, helm: {{parameters: [{{name: a.b, value: told}}]}}}}"
    files = {
        "web.yaml": application("web", values),
        "chart/Chart.yaml": "apiVersion: v2\nname: web\nversion: 0.1.0\n",
        "chart/templates/a.yaml": BROKEN.replace("a: b", "a: {{ .Values.a.b }}"),
    }
    assert rules(checked(tree(files))) == ["schema/invalid-resource"]


def test_a_chart_whose_dependency_is_not_here_is_a_gap(tree: Tree) -> None:
    chart = "apiVersion: v2\nname: web\nversion: 0.1.0\ndependencies: [{name: db, version: 1.0.0}]\n"
    source = f"source: {{repoURL: {HERE}, path: chart}}"
    root = tree({"web.yaml": application("web", source), "chart/Chart.yaml": chart, "chart/templates/a.yaml": BROKEN})
    report = checked(root)
    assert rules(report) == []
    assert "depends on chart db" in gaps(report)


def test_filters_of_a_directory() -> None:
    options = DirectoryOptions(recurse=True, include="{a*.yaml,b.yaml}", exclude="ab.yaml")
    assert [each for each in ("a.yaml", "ab.yaml", "b.yaml", "c.yaml") if options.admits(each)] == ["a.yaml", "b.yaml"]


def test_a_folder_without_applications_is_checked_by_itself(tree: Tree) -> None:
    files = {
        "base/kustomization.yaml": "resources: [a.yaml]\n",
        "base/a.yaml": CONFIG_MAP,
        "overlay/kustomization.yaml": "resources: [../base]\n",
        "plain/a.yaml": BROKEN,
    }
    root = tree(files)
    report = checked(root)
    assert [each.name for each in report.environments] == ["overlay", "plain"]
    assert rules(report) == ["schema/invalid-resource"]
    git(root, "init", "-q", check=True)
    assert [each.name for each in checked(root / "overlay").environments] == ["overlay"]


def test_manifests_that_are_written_in_another_one_are_said(tree: Tree) -> None:
    """What kro makes of a ResourceGraphDefinition; the target that an object only names is no manifest."""
    graph = (
        "apiVersion: kro.run/v1alpha1\nkind: ResourceGraphDefinition\nmetadata: {name: endpoint}\n"
        "spec:\n  schema: {apiVersion: v1alpha1, kind: Endpoint, spec: {model: string}}\n  resources:\n"
        "    - id: server\n      template: {apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {}}\n"
        "    - id: service\n      template: {apiVersion: v1, kind: Service, metadata: {name: a}, spec: {}}\n"
    )
    scaler = (
        "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: a}\n"
        "spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: a}, triggers: []}\n"
    )
    told = gaps(checked(tree({"graphs/a.yaml": graph, "scalers/a.yaml": scaler})))
    assert "ResourceGraphDefinition endpoint (its controller makes Deployment, Endpoint and Service" in told
    assert "ScaledObject a" not in told


def test_what_a_chart_by_itself_brings_may_lie_in_another_repository(tree: Tree) -> None:
    other = "source: {repoURL: https://git.example.com/other/x.git, path: nowhere}"
    root = tree(
        {
            "app/Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.0.0\n",
            "app/templates/web.yaml": application("web", other),
        }
    )
    report = checked(root)
    assert rules(report) == []
    assert "nowhere of https://git.example.com/other/x.git (another repository)" in gaps(report)
