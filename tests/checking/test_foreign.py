"""Repositories without a folder `environments`: one environment, found from Argo CD's Applications in files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from modelyard.checking import CheckOptions, check
from modelyard.checking.environments import application_names
from modelyard.findings import UserError
from modelyard.repository import Repository

Tree = Callable[[dict[str, str]], Path]

APPLICATION = """apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web}
spec:
  project: default
  source: {repoURL: "https://git.example.com/a.git", path: web}
  destination: {namespace: web, server: "https://kubernetes.default.svc"}
"""
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: b}\n"


def test_applications_in_files_make_one_environment(tree: Tree) -> None:
    root = tree({"argocd/web.yaml": APPLICATION, "web/a.yaml": CONFIG_MAP, "web/notes.txt": "x"})
    assert list(Repository(root).environments) == ["repository"]
    assert application_names(root) == {"repository": ["web"]}
    report = check(root, CheckOptions(policies=False))
    assert report.findings == []
    assert [(each.name, each.resources) for each in report.environments] == [("repository", 2)]


def test_folders_below_a_plain_folder_and_hidden_ones_are_left_out(tree: Tree) -> None:
    root = tree(
        {
            "web.yaml": APPLICATION,
            "web/a.yaml": CONFIG_MAP,
            "web/deeper/b.yaml": CONFIG_MAP.replace("name: a", "name: b"),
            ".cache/web.yaml": APPLICATION.replace("name: web", "name: other"),
        }
    )
    report = check(root, CheckOptions(policies=False))
    assert [(each.applications, each.resources) for each in report.environments] == [(1, 2)]


def test_an_application_of_a_folder_that_is_not_there(tree: Tree) -> None:
    other = APPLICATION.replace("name: web", "name: gone", 1).replace("path: web", "path: gone")
    root = tree({"apps.yaml": f"{APPLICATION}---\n{other}", "web/a.yaml": CONFIG_MAP})
    report = check(root, CheckOptions(policies=False))
    assert [(each.rule, str(each.at.place())) for each in report.findings] == [
        ("argocd/missing-folder", "apps.yaml:14:60")
    ]


def test_a_malformed_file_of_a_plain_folder_is_told(tree: Tree) -> None:
    root = tree(
        {"web.yaml": APPLICATION, "web/a.yaml": "apiVersion: v1\nkind: A\nmetadata: [\n", "web/b.yaml": "a: !!x [\n"}
    )
    report = check(root, CheckOptions(policies=False))
    assert [each.rule for each in report.findings] == ["kustomize/failed-build"]


def test_what_nobody_says_to_apply_together_is_not_held_against_each_other(tree: Tree) -> None:
    """Of a folder of plain files: patches that no kustomization lists, and one of two autoscalers."""
    whole = (
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: as.example.com}\n"
        "spec:\n  group: example.com\n  names: {kind: A, plural: as}\n  scope: Namespaced\n"
        "  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]\n"
    )
    patch = whole.partition("spec:")[0] + "spec:\n  conversion: {strategy: None}\n"
    scaler = (
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: NAME}\n"
        "spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}\n"
    )
    files = {"bases/a.yaml": whole, "patches/a.yaml": patch}
    files |= {f"samples/{name}.yaml": scaler.replace("NAME", name) for name in ("cpu", "memory")}
    report = check(tree(files), CheckOptions(policies=False, kubernetes_version="1.35"))
    assert not {each.rule for each in report.findings} & {"schema/invalid-resource", "autoscaling/duplicate-autoscaler"}
    said = " ".join(f"{each.subject} {each.reason}" for each in report.not_checked)
    assert "bases/a.yaml holds whole" in said and "applied together" in said


def test_the_layout_of_the_template_wins(tree: Tree) -> None:
    facts = {"environments/dev/environment.yaml": "cluster: dev\n"}
    root = tree({"web.yaml": APPLICATION, "environments/dev/kustomization.yaml": "resources: []\n", **facts})
    assert list(Repository(root).environments) == ["dev"]


def test_the_name_of_a_folder_decides_nothing(tree: Tree) -> None:
    root = tree({"web.yaml": APPLICATION, "environments/dev/kustomization.yaml": "resources: []\n"})
    assert list(Repository(root).environments) == ["repository"]
    listed = {
        "environments/dev/kustomization.yaml": "resources: [web.yaml]\n",
        "environments/dev/web.yaml": APPLICATION,
    }
    assert list(Repository(tree(listed)).environments) == ["dev"]


def test_a_folder_with_neither_is_refused(tree: Tree) -> None:
    root = tree({"chart/templates/web.yaml": "{{- if .Values.argoproj.io/ }}\nkind: Application\n"})
    with pytest.raises(UserError, match="holds no environments"):
        check(root)


def test_what_is_decrypted_or_filled_in_before_it_is_applied_is_not_judged(tree: Tree) -> None:
    encrypted = "ENC[AES256_GCM,data:gAYP5VK/26E=,iv:iWNuUfWk,tag:ogs1Mzvg,type:str]"
    secret = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\ndata: {{token: '{encrypted}'}}\n"
    secret += "sops: {version: 3.9.0}\n"
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 80, nodePort: PORT}]}\n"
    files = {"a/secret.yaml": secret, "b/service.yaml": service.replace("PORT", "'${NODE_PORT}'")}
    files["c/service.yaml"] = service.replace("PORT", "eighty")
    files["d/route.yaml"] = (
        "apiVersion: gateway.networking.k8s.io/v1alpha2\nkind: TCPRoute\nmetadata: {name: a}\n"
        "spec: {rules: [{backendRefs: [{name: a, port: 80}]}]}\n"
    )
    report = check(tree(files), CheckOptions(policies=False, kubernetes_version="1.35"))
    assert [(each.rule, each.at.place().file) for each in report.findings] == [
        ("schema/invalid-resource", "c/service.yaml")
    ]
    told = "\n".join(f"{each.subject} {each.reason}" for each in report.not_checked)
    assert "Secret a SOPS encrypted it" in told and "Service a: spec.ports[0].nodePort" in told
    assert "TCPRoute a: " in told and "which release of its CRD is installed is not known" in told


def test_a_file_outside_of_a_kustomization_s_folder_may_be_allowed_elsewhere(tree: Tree) -> None:
    """Flux builds without the restriction to a folder; nobody says here what does."""
    root = tree({"shared/a.yaml": CONFIG_MAP, "overlay/kustomization.yaml": "resources: [../shared/a.yaml]\n"})
    report = check(root, CheckOptions(policies=False))
    assert report.findings == []
    assert any("LoadRestrictionsNone" in each.reason for each in report.not_checked)
