import copy
from pathlib import Path
from typing import Any

import pytest

from modelyard.findings import UserError
from modelyard.rendering import SchemaProblem, parse, value_at
from modelyard.schemas import Validator, kubernetes_versions, native_version, validate
from modelyard.tooling import executables
from tests.schemas.conftest import Judge

DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "chat", "labels": {"app": "chat"}, "annotations": {"example.com/a": "b"}},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "chat"}},
        "template": {
            "metadata": {"labels": {"app": "chat"}},
            "spec": {
                "containers": [
                    {
                        "name": "vllm",
                        "image": "vllm/vllm-openai:v0.33.0",
                        "resources": {"limits": {"nvidia.com/gpu": 1, "memory": "24Gi", "cpu": "500m"}},
                        "livenessProbe": {"httpGet": {"path": "/health", "port": "http"}},
                        "ports": [{"name": "http", "containerPort": 8000}],
                    }
                ]
            },
        },
    },
}
NODE_POOL: dict[str, Any] = {
    "apiVersion": "karpenter.sh/v1",
    "kind": "NodePool",
    "metadata": {"name": "gpu"},
    "spec": {
        "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "5m", "budgets": [{"nodes": "10%"}]},
        "limits": {"nvidia.com/gpu": 8},
        "template": {
            "spec": {
                "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "gpu"},
                "requirements": [{"key": "karpenter.k8s.aws/instance-family", "operator": "In", "values": ["g6"]}],
            }
        },
    },
}
EXTERNAL_SECRET: dict[str, Any] = {
    "apiVersion": "external-secrets.io/v1",
    "kind": "ExternalSecret",
    "metadata": {"name": "hf-token"},
    "spec": {
        "secretStoreRef": {"name": "aws", "kind": "SecretStore"},
        "target": {"name": "hf-token", "creationPolicy": "Owner"},
        "data": [{"secretKey": "token", "remoteRef": {"key": "dev/hf-token"}}],
    },
}
APPLICATION: dict[str, Any] = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Application",
    "metadata": {"name": "chat"},
    "spec": {
        "project": "models",
        "source": {"repoURL": "https://example.com/r.git", "path": "a"},
        "destination": {"namespace": "models"},
    },
}

CONTAINER = "spec.template.spec.containers[0]"
REMOVED = object()


def changed(resource: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy with one value set or taken away."""
    copied = copy.deepcopy(resource)
    *above, last = parse(path)
    place = value_at(copied, tuple(above))
    if value is REMOVED:
        del place[last]
    else:
        place[last] = value
    return copied


@pytest.mark.parametrize(
    "resource", [DEPLOYMENT, NODE_POOL, EXTERNAL_SECRET, APPLICATION], ids=lambda resource: str(resource["kind"])
)
@pytest.mark.parametrize("version", ["1.35", "1.36"])
def test_what_is_right_is_valid(validator: Validator, resource: dict[str, Any], version: str) -> None:
    (verdict,) = validate([resource], version)
    assert (verdict.status, verdict.problems) == ("valid", ())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.creationTimestamp", None),  # controllers and generators write it
        ("spec.replicas", None),
        (f"{CONTAINER}.resources.limits.cpu", 2),
        (f"{CONTAINER}.resources.limits.memory", "1.5Gi"),
        (f"{CONTAINER}.livenessProbe.httpGet.port", 8000),
    ],
)
def test_what_the_api_server_accepts_too(judge: Judge, path: str, value: Any) -> None:
    assert judge(changed(DEPLOYMENT, path, value)).status == "valid"


@pytest.mark.parametrize(
    ("resource", "path", "value", "expected"),
    [
        (
            DEPLOYMENT,
            "spec.replicass",
            2,
            SchemaProblem("spec.replicass", "spec has no field replicass; did you mean replicas"),
        ),
        (
            DEPLOYMENT,
            "metadata.label",
            {},
            SchemaProblem("metadata.label", "metadata has no field label; did you mean labels"),
        ),
        (
            DEPLOYMENT,
            "spec.replicas",
            "2",
            SchemaProblem("spec.replicas", "spec.replicas is a string, an integer is expected; write 2 without quotes"),
        ),
        (
            DEPLOYMENT,
            f"{CONTAINER}.resources.limits.memory",
            "10GB",
            SchemaProblem(
                f"{CONTAINER}.resources.limits.memory",
                f"{CONTAINER}.resources.limits.memory is 10GB, which is not a quantity such as 500m, 2 or 10Gi",
            ),
        ),
        (
            DEPLOYMENT,
            f"{CONTAINER}.env",
            [{"name": "A", "value": 1}],
            SchemaProblem(
                f"{CONTAINER}.env[0].value",
                f'{CONTAINER}.env[0].value is a number, a string is expected; write "1" in quotes',
            ),
        ),
        (DEPLOYMENT, "spec.selector", REMOVED, SchemaProblem("spec.selector", "spec lacks selector")),
        (
            DEPLOYMENT,
            "spec.template.spec.containers",
            {},
            SchemaProblem(
                "spec.template.spec.containers", "spec.template.spec.containers is a mapping, a list is expected"
            ),
        ),
        (
            NODE_POOL,
            "spec.disruption.consolidationPolicy",
            "WhenUnderutilized",
            SchemaProblem(
                "spec.disruption.consolidationPolicy",
                "spec.disruption.consolidationPolicy is WhenUnderutilized, allowed is WhenEmpty, "
                "WhenEmptyOrUnderutilized or Balanced; did you mean WhenEmptyOrUnderutilized",
            ),
        ),
        (
            NODE_POOL,
            "spec.weight",
            101,
            SchemaProblem("spec.weight", "spec.weight is 101, at most 100 is allowed"),
        ),
        (
            NODE_POOL,
            "metadata.labels",
            {"a": None, "b": 1},
            SchemaProblem(
                "metadata.labels.b", 'metadata.labels.b is a number, a string is expected; write "1" in quotes'
            ),
        ),
        (
            EXTERNAL_SECRET,
            "spec.target.creationPolicy",
            "owner",
            SchemaProblem(
                "spec.target.creationPolicy",
                "spec.target.creationPolicy is owner, allowed is Owner, Orphan, Merge, None or CreateOrMerge; "
                "did you mean Owner",
            ),
        ),
        (
            APPLICATION,
            "spec.syncpolicy",
            {},
            SchemaProblem("spec.syncpolicy", "spec has no field syncpolicy; did you mean syncPolicy"),
        ),
    ],
    ids=lambda each: each.path if isinstance(each, SchemaProblem) else None,
)
def test_what_is_wrong_is_said_with_its_place(
    judge: Judge, resource: dict[str, Any], path: str, value: Any, expected: SchemaProblem
) -> None:
    verdict = judge(changed(resource, path, value))
    assert verdict.status == "invalid"
    assert verdict.problems == (expected,)


def test_several_mistakes_are_all_said(judge: Judge) -> None:
    broken = copy.deepcopy(DEPLOYMENT)
    broken["spec"]["replicas"] = "two"
    broken["spec"]["paussed"] = True
    container = broken["spec"]["template"]["spec"]["containers"][0]
    container["ports"] = [{"containerPort": "8000", "protocoll": "TCP"}]
    container["image"] = 3
    del container["name"]
    assert [problem.path for problem in judge(broken).problems] == [
        "spec.paussed",
        "spec.replicas",
        f"{CONTAINER}.image",
        f"{CONTAINER}.name",
        f"{CONTAINER}.ports[0].containerPort",
        f"{CONTAINER}.ports[0].protocoll",
    ]


def test_keys_with_slashes_and_dots_are_told_apart(judge: Judge) -> None:
    broken = changed(DEPLOYMENT, "metadata.annotations", {"argocd.argoproj.io/sync-wave": 1})
    (problem,) = judge(broken).problems
    assert problem.path == "metadata.annotations['argocd.argoproj.io/sync-wave']"


def test_alternatives_are_said_as_the_fields_that_they_are(judge: Judge) -> None:
    scaled = {
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": "EnvoyPatchPolicy",
        "metadata": {"name": "a"},
        "spec": {"type": "JSONPatch", "targetRef": {"group": "g", "kind": "k", "name": 1}},
    }
    assert [problem.path for problem in judge(scaled).problems] == ["spec.targetRef.name"]


@pytest.mark.parametrize(
    ("api_version", "kind", "path", "message"),
    [
        ("v1", "Podd", "kind", "Kubernetes 1.35.6 has no Podd in v1; did you mean Pod"),
        (
            "policy/v1beta1",
            "PodDisruptionBudget",
            "apiVersion",
            "Kubernetes 1.35.6 serves PodDisruptionBudget as policy/v1, not as policy/v1beta1",
        ),
        (
            "karpenter.sh/v1beta1",
            "NodePool",
            "apiVersion",
            "karpenter-provider-aws v1.14.1 serves NodePool as karpenter.sh/v1, not as karpenter.sh/v1beta1",
        ),
        ("", "Pod", "apiVersion", "the resource lacks apiVersion"),
    ],
)
def test_a_kind_that_is_not_served_is_invalid(
    judge: Judge, api_version: str, kind: str, path: str, message: str
) -> None:
    verdict = judge({"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"}})
    assert (verdict.status, verdict.problems) == ("invalid", (SchemaProblem(path, message),))


def test_an_unknown_kind_is_never_valid(judge: Judge) -> None:
    assert judge({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a"}}).status == "no-schema"


def test_without_schemas_of_the_kubernetes_version_only_custom_resources_are_checked(validator: Validator) -> None:
    assert native_version("1.20") is None
    verdicts = validate([DEPLOYMENT, NODE_POOL, changed(NODE_POOL, "spec.limit", {})], "1.20")
    assert [verdict.status for verdict in verdicts] == ["no-schema", "valid", "invalid"]


@pytest.mark.parametrize(
    ("metadata", "path"),
    [({}, "metadata.name"), ({"name": 5}, "metadata.name"), (None, "metadata"), ([], "metadata")],
)
def test_names_are_checked_although_kubeconform_sees_others(judge: Judge, metadata: Any, path: str) -> None:
    verdict = judge({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    assert verdict.status == "invalid"
    assert [problem.path for problem in verdict.problems] == [path]


def test_a_generated_name_is_a_name(judge: Judge) -> None:
    pod = {"containers": [{"name": "a", "image": "b"}], "restartPolicy": "Never"}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"generateName": "a-"}}
    assert judge({**job, "spec": {"template": {"spec": pod}}}).status == "valid"


def test_items_of_a_list_are_checked_one_by_one(validator: Validator) -> None:
    listed = {"apiVersion": "v1", "kind": "List", "items": [DEPLOYMENT, changed(DEPLOYMENT, "spec.replicas", "x")]}
    unknown = {"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "a.b/v1", "kind": "C", "metadata": {}}]}
    first, second = validator.verdicts([listed, unknown])
    assert [problem.path for problem in first.problems] == ["items[1].spec.replicas"]
    assert second.status == "no-schema"


def test_a_secret_is_not_quoted(judge: Judge) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"pin": 4711}}
    (problem,) = judge(secret).problems
    assert problem.path == "stringData.pin"
    assert "4711" not in problem.message


def test_verdicts_stand_in_the_order_of_the_resources_of_a_large_batch(validator: Validator) -> None:
    """More than kubeconform's 4 MiB buffer, in which its reader of standard input mixes documents up."""
    padding = {"padding": "x" * 6000}
    resources = []
    for number in range(2000):
        data: dict[str, object] = dict(padding)
        if number % 7 == 0:
            data[f"key-{number}"] = number
        resources.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "same"}, "data": data})
    verdicts = validator.verdicts(resources)
    assert [verdict.status == "invalid" for verdict in verdicts] == [number % 7 == 0 for number in range(2000)]
    assert verdicts[700].problems[0].path == "data.key-700"


def test_nothing_is_nothing(validator: Validator) -> None:
    assert validator.verdicts([]) == []


def test_a_kubeconform_that_does_not_answer_is_no_clean_result(
    validator: Validator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = tmp_path / "kubeconform"
    silent.write_text(
        '#!/bin/sh\n[ "$1" = -v ] && echo v0.8.0 && exit\n'
        """echo '{"resources": [], "summary": {"valid": 0, "invalid": 0}}'\n"""
    )
    silent.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    executables.forget()
    try:
        with pytest.raises(UserError, match="did not answer for every resource"):
            Validator().verdicts([DEPLOYMENT])
    finally:
        executables.forget()


def test_every_known_kind_has_a_schema_that_compiles(validator: Validator) -> None:
    """kubeconform takes a schema that does not compile for a missing one; the validator then refuses."""
    for version in kubernetes_versions():
        one = Validator(version)
        kinds = sorted(one.bundle.known_kinds)
        verdicts = one.verdicts([{"apiVersion": a, "kind": k, "metadata": {"name": "a"}} for a, k in kinds])
        assert len(kinds) > 200
        assert {verdict.status for verdict in verdicts} <= {"valid", "invalid"}
        for kind, verdict in zip(kinds, verdicts, strict=True):
            # Nothing but absent fields may be wrong with a resource that has none.
            assert all(" lacks " in p.message or " needs " in p.message for p in verdict.problems), (kind, verdict)


def test_every_known_kind_refuses_an_unknown_field(validator: Validator) -> None:
    kinds = sorted(validator.bundle.known_kinds)
    resources = [{"apiVersion": a, "kind": k, "metadata": {"name": "a", "nosuch": 1}, "nosuch": 1} for a, k in kinds]
    for kind, verdict in zip(kinds, validator.verdicts(resources), strict=True):
        assert {"nosuch", "metadata.nosuch"} <= {problem.path for problem in verdict.problems}, kind
