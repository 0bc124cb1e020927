"""What people write in repositories that the template did not make, and is no error there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from modelyard.checking import CheckOptions, check
from modelyard.checking.planning import MOST_BYTES
from modelyard.checking.scopes import streamed
from modelyard.findings import ExitCode, Report, Severity, UserError
from tests.checking.test_foreign import APPLICATION, CONFIG_MAP

Tree = Callable[[dict[str, str]], Path]

ENGINE = """apiVersion: apps/v1
kind: Deployment
metadata: {name: a}
spec:
  selector: {matchLabels: {app: a}}
  template:
    metadata: {labels: {app: a}}
    spec:
      containers:
        - name: vllm
          image: IMAGE
          command: [vllm, serve]
          args: [ARGS]
          resources: {limits: {DEVICES}}
"""
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n"  # noqa: S105 - it is a manifest


def checked(root: Path) -> Report:
    """Return the report of a repository."""
    return check(root, CheckOptions(policies=False, kubernetes_version="1.35"))


def errors(report: Report) -> set[str]:
    """Return the rules that found an error."""
    return {each.rule for each in report.findings if each.severity == Severity.ERROR}


def gaps(report: Report) -> str:
    """Return what was not checked, in one text."""
    return "\n".join(f"{each.subject} ({each.reason})" for each in report.not_checked)


def engine(image: str, args: str, devices: str = "nvidia.com/gpu: 1") -> str:
    """Return a Deployment of vLLM."""
    return ENGINE.replace("IMAGE", image).replace("ARGS", args).replace("DEVICES", devices)


def test_an_image_of_one_s_own_may_hold_the_weights(tree: Tree) -> None:
    report = checked(
        tree(
            {
                "own/a.yaml": engine("registry.example.com/vllm-with-weights:1.0.0", "/opt/models/a"),
                "published/a.yaml": engine("vllm/vllm-openai:v0.11.0", "/opt/models/a"),
            }
        )
    )
    found = [each for each in report.findings if each.rule == "serving/unmounted-model-path"]
    assert [each.environment for each in found] == ["published"]
    assert "holds /opt/models/a is not known" in gaps(report)


@pytest.mark.parametrize(("devices", "found"), [("nvidia.com/gpu: 2", True), ("aws.amazon.com/neuroncore: 2", False)])
def test_cores_of_a_neuron_pod_share_no_memory(tree: Tree, devices: str, found: bool) -> None:
    root = tree({"a/a.yaml": engine("vllm/vllm-openai:v0.11.0", "Qwen/Qwen3-8B, --tensor-parallel-size=2", devices)})
    assert ("serving/missing-shm" in errors(checked(root))) is found


@pytest.mark.parametrize(
    ("content", "found", "said"),
    [
        ("  gs: |\n    type: google cloud storage\n    parameters: {anonymous: true}\n", False, "gs hold no field"),
        ("  gs: |\n    type: s3\n    parameters: {secret_access_key: minio123}\n", True, ""),
        ("  DB_USER: catalog\n  DB_PASSWORD: ${PASSWORD}\n", False, ""),
        ("  DB_USER: catalog\n  DB_PASSWORD: hunter22\n", True, ""),
        ("  API_KEY: your-api-key-here\n", False, ""),
        ("data:\n  API_KEY: eW91ci1hcGkta2V5LWhlcmU=\n", False, ""),
    ],
)
def test_a_secret_without_a_secret_in_it(tree: Tree, content: str, found: bool, said: str) -> None:
    text = SECRET.replace("stringData:\n", "") + content if content.startswith("data") else SECRET + content
    report = checked(tree({"a/a.yaml": text}))
    assert ("secrets/secret-in-git" in errors(report)) is found
    assert said in gaps(report)


def test_a_name_in_capitals_is_no_image(tree: Tree) -> None:
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: NAME}]}\n"
    files = {"put-in/a.yaml": pod.replace("NAME", "APP_IMG"), "untagged/a.yaml": pod.replace("NAME", "app")}
    report = checked(tree(files))
    found = [each.environment for each in report.findings if each.rule == "images/missing-tag"]
    assert found == ["untagged"]
    assert "APP_IMG is filled in" in gaps(report)


def test_servers_that_start_without_a_model(tree: Tree) -> None:
    probe = "          livenessProbe: {tcpSocket: {port: 8000}}\n"
    triton = engine("nvcr.io/nvidia/tritonserver:25.03-py3", "--model-repository=$(DIR)").replace(
        "command: [vllm, serve]", "command: [tritonserver]"
    )
    triton += probe + "          env: [{name: DIR, value: /mnt/agent/models}]\n"
    triton += "          volumeMounts: [{name: m, mountPath: /mnt/agent}]\n      volumes: [{name: m, emptyDir: {}}]\n"
    explicit = triton.replace("$(DIR)", "$(DIR), --model-control-mode=explicit")
    report = checked(tree({"all/a.yaml": triton, "told/a.yaml": explicit}))
    found = [each for each in report.findings if each.rule == "probes/missing-startup-probe"]
    assert [each.environment for each in found] == ["all"]
    assert "serving/unreadable-triton-model" not in errors(report)


def test_a_null_in_a_custom_resource_may_be_dropped(tree: Tree) -> None:
    definition = (
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: as.example.com}\n"
        "spec:\n  group: example.com\n  names: {kind: A, plural: as}\n  scope: Namespaced\n"
        "  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object,"
        " properties: {spec: {type: object, properties: {list: {type: array, items: {type: string}}}}}}}}]\n"
    )
    resource = "apiVersion: example.com/v1\nkind: A\nmetadata: {name: a}\nspec: {list: VALUE}\n"
    files = {"modelyard.yaml": "crds: [crds]\n", "crds/a.yaml": definition}
    files |= {"a/a.yaml": resource.replace("VALUE", "null"), "b/a.yaml": resource.replace("VALUE", "text")}
    report = checked(tree(files))
    assert [each.environment for each in report.findings if each.rule == "schema/invalid-resource"] == ["b"]
    assert "drops a null" in gaps(report)


def test_what_needs_the_node_is_a_warning_where_it_is_others(tree: Tree) -> None:
    text = engine("vllm/vllm-openai:v0.11.0", "Qwen/Qwen3-8B")
    report = checked(tree({"a/a.yaml": text + "      volumes: [{name: m, hostPath: {path: /mnt}}]\n"}))
    assert "security/privileged-container" not in errors(report)
    assert "security/privileged-container" in {each.rule for each in report.findings}


def test_a_patch_elsewhere_does_not_change_an_application(tree: Tree) -> None:
    """A kustomization that lists Applications is applied by hand; patches of its neighbours are not its own."""
    patches = "resources: [a.yaml]\npatches: [{target: {kind: ConfigMap}, patch: '[]'}]\n"
    files = {
        "web/a.yaml": CONFIG_MAP,
        "apps/kustomization.yaml": "resources: [web.yaml, ../other]\n",
        "apps/web.yaml": APPLICATION,
        "other/kustomization.yaml": patches,
        "other/a.yaml": CONFIG_MAP,
    }
    assert checked(tree(files)).applications == 1
    own = files["apps/kustomization.yaml"] + "patches: [{target: {kind: Application}, patch: '[]'}]\n"
    report = checked(tree({**files, "apps/kustomization.yaml": own}))
    assert report.applications == 0
    assert "apps changes it" in gaps(report)


@pytest.mark.parametrize("kustomization", [{"a/kustomization.yaml": "resources: [a.yaml]\n"}, {}])
def test_a_folder_of_megabytes_is_built_where_it_is_asked_for(tree: Tree, kustomization: dict[str, str]) -> None:
    large = CONFIG_MAP.replace("b", "b" * (MOST_BYTES + 1))
    root = tree({**kustomization, ".git/HEAD": "ref: refs/heads/main\n", "a/a.yaml": large, "b/a.yaml": CONFIG_MAP})
    report = checked(root)
    assert "application a (it reads 2.0 MB of YAML" in gaps(report)
    assert sum(each.resources for each in report.environments) == 1
    alone = checked(root / "a")
    assert "MB of YAML" not in gaps(alone)
    assert sum(each.resources for each in alone.environments) == 1


def test_metrics_ql_permits_more(tree: Tree) -> None:
    rule = (
        "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: a}\n"
        "spec: {groups: [{name: a, rules: [{alert: A, expr: 'increase(max(b)[5m])'}]}]}\n"
    )
    files = {"a/a.yaml": rule}
    assert "metrics/unreadable-expression" in errors(checked(tree(files)))
    operator = "apiVersion: operator.victoriametrics.com/v1beta1\nkind: VMAlert\nmetadata: {name: a}\nspec: {}\n"
    report = checked(tree({**files, "b/a.yaml": operator}))
    assert "metrics/unreadable-expression" not in errors(report)
    assert "MetricsQL" in gaps(report)


def test_the_webhook_of_a_documentation_is_no_secret(tree: Tree) -> None:
    manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  url: https://hooks.slack.com/services/"
    files = {"a/a.yaml": manifest + "T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX\n"}
    assert not errors(checked(tree(files)))
    assert errors(checked(tree({"a/a.yaml": manifest + "T02AB3CDE/B05FG6HIJ/a1B2c3D4e5F6g7H8i9J0k1L2\n"})))


def test_a_folder_in_jsonnet_is_told_as_such(tree: Tree) -> None:
    report = checked(tree({"web.yaml": APPLICATION, "web/main.jsonnet": "{}\n"}))
    assert "web is written in Jsonnet" in gaps(report)


def test_the_application_of_a_folder_is_not_listed_in_it(tree: Tree) -> None:
    files = {
        "web/kustomization.yaml": "resources: [a.yaml]\n",
        "web/a.yaml": CONFIG_MAP,
        "web/application.yaml": APPLICATION,
        "web/b.yaml": CONFIG_MAP,
    }
    found = [each for each in checked(tree(files)).findings if each.rule == "kustomize/unlisted-file"]
    assert [each.at.place().file for each in found] == ["web/b.yaml"]


@pytest.mark.parametrize(
    ("group", "found"), [("batch.volcano.sh", False), ("v1", True), ("batch", False), ("networking.k8s.oi", True)]
)
def test_a_group_of_an_operator_elsewhere_exists(tree: Tree, group: str, found: bool) -> None:
    resources = "ingresses" if "networking" in group else "jobs"
    role = (
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: a}\n"
        f"rules: [{{apiGroups: [{group}], resources: [{resources}], verbs: [get]}}]\n"
    )
    rules = {each.rule for each in checked(tree({"a/a.yaml": role})).findings}
    assert ("security/unknown-api-resource" in rules) is found


def test_a_kustomization_that_is_named_is_built_though_it_holds_applications(tree: Tree) -> None:
    files = {
        ".git/HEAD": "ref: refs/heads/main\n",
        "apps/kustomization.yaml": "resources: [web.yaml, a.yaml]\nnamePrefix: x-\n",
        "apps/web.yaml": APPLICATION,
        "apps/a.yaml": CONFIG_MAP + "noSuchField: 1\n",
        "web/a.yaml": CONFIG_MAP,
    }
    root = tree(files)
    report = check(root / "apps", CheckOptions(policies=False, kubernetes_version="1.35"))
    assert {each.name for each in report.environments} == {"apps"}
    assert "schema/invalid-resource" in errors(report)
    assert report.exit_code(Severity.ERROR, strict=False) == ExitCode.FINDINGS


def test_a_stream_without_manifests_is_refused() -> None:
    for text, words in (("a: 1\n", "holds no manifests"), ("a: [\n", "standard input is not valid YAML")):
        with pytest.raises(UserError, match=words), streamed(text):
            pass


@pytest.mark.parametrize(("value", "found"), [("true", False), ("hunter22", True)])
def test_a_switch_is_no_password(tree: Tree, value: str, found: bool) -> None:
    pod = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n"
        "    - name: a\n      image: mysql:8.4.0\n"
        f"      env: [{{name: MYSQL_ALLOW_EMPTY_PASSWORD, value: '{value}'}}]\n"
    )
    assert ("secrets/token-in-manifest" in errors(checked(tree({"a/a.yaml": pod})))) is found


def test_a_patch_that_nobody_lists_may_be_of_an_older_version(tree: Tree) -> None:
    whole = (
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: as.example.com}\n"
        "spec:\n  group: example.com\n  names: {kind: A, plural: as}\n  scope: Namespaced\n"
        "  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]\n"
    )
    patch = whole.partition("spec:")[0] + "spec:\n  conversion: {strategy: None, webhookClientConfig: {}}\n"
    report = checked(tree({"bases/a.yaml": whole, "patches/a.yaml": patch}))
    assert "schema/invalid-resource" not in errors(report)
    assert "bases/a.yaml holds whole" in gaps(report)
