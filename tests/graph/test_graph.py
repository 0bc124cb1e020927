"""The graph of who names whom: what it finds, where, and what it says of what leads nowhere."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from modelyard.checking.environments import environments
from modelyard.graph import Definition, Edge, End, ObjectRef, Reference, Selection, State, graph
from modelyard.graph.index import Index, shadowed
from modelyard.repository import Repository
from modelyard.view import Environment
from tests import repositories
from tests.repositories.edits import apply_edits

CHAT = ObjectRef("Deployment", "chat", "models")


def view(root: Path, name: str = "dev") -> Environment:
    found = {each.name: each for each in environments(Repository(root)).views}
    return found[name]


@pytest.fixture(scope="module")
def one_model(bases: Mapping[str, Path]) -> Environment:
    return view(bases["one-model"])


def edited(bases: Mapping[str, Path], folder: Path, edits: dict[str, Any]) -> Environment:
    root = folder / "repository"
    shutil.copytree(bases["one-model"], root, symlinks=True)
    apply_edits(root, edits)
    return view(root)


def said(environment: Environment, relation: str, source: ObjectRef) -> Edge:
    (edge,) = [each for each in graph(environment).of(relation) if each.source.node.whole == source]
    return edge


@pytest.mark.parametrize(
    ("relation", "source", "target", "at", "leads_to"),
    [
        ("runs as", CHAT, ObjectRef("ServiceAccount", "model", "models"), "deployment.yaml", "service-account"),
        ("selects", ObjectRef("Service", "chat", "models"), CHAT, "bases/serving/vllm/service.yaml", "deployment.yaml"),
        (
            "scrapes",
            ObjectRef("ServiceMonitor", "chat", "models"),
            ObjectRef("Service", "chat", "models"),
            "service-monitor.yaml",
            "service.yaml",
        ),
        ("is of", ObjectRef("NodePool", "gpu"), ObjectRef("EC2NodeClass", "gpu"), "pools/gpu.yaml", "pools/gpu.yaml"),
        (
            "has role",
            ObjectRef("EC2NodeClass", "gpu"),
            ObjectRef("aws_iam_role", "my-platform-dev-karpenter-node"),
            "environments/dev/platform/karpenter/kustomization.yaml",
            "terraform/modules/karpenter/main.tf",
        ),
        (
            "listens to",
            ObjectRef("chart values", "karpenter", "karpenter"),
            ObjectRef("aws_sqs_queue", "my-platform-dev-karpenter"),
            "environments/dev/platform/karpenter/values.yaml",
            "terraform/modules/karpenter/queue.tf",
        ),
        (
            "works on",
            ObjectRef("chart values", "karpenter", "karpenter"),
            ObjectRef("cluster", "my-platform-dev"),
            "environments/dev/platform/karpenter/values.yaml",
            "environments/dev/environment.yaml",
        ),
        (
            "gives",
            ObjectRef("aws_eks_pod_identity_association", "model", "models"),
            ObjectRef("aws_iam_role", "my-platform-dev-model"),
            "terraform/modules/identity/main.tf",
            "terraform/modules/identity/main.tf",
        ),
        (
            "has policy",
            ObjectRef("aws_iam_role", "my-platform-dev-model"),
            ObjectRef("aws_iam_policy_document", "module.identity.data.aws_iam_policy_document.read_weights"),
            "terraform/modules/identity/main.tf",
            "terraform/modules/identity/models.tf",
        ),
        (
            "allows",
            ObjectRef("aws_iam_policy_document", "module.identity.data.aws_iam_policy_document.read_weights"),
            ObjectRef("aws_s3_bucket", "my-platform-dev-models-111122223333"),
            "terraform/modules/identity/models.tf",
            "terraform/modules/storage/main.tf",
        ),
        (
            "gives rights to",
            ObjectRef("aws_eks_pod_identity_association", "karpenter", "kube-system"),
            ObjectRef("ServiceAccount", "karpenter", "kube-system"),
            "terraform/modules/karpenter/main.tf",
            "bases/platform/karpenter/values.yaml",
        ),
        (
            "names",
            ObjectRef("chart values", "kube-prometheus-stack", "kube-prometheus-stack"),
            ObjectRef("Secret", "grafana-admin", "monitoring"),
            "bases/platform/kube-prometheus-stack/values.yaml",
            "bases/platform/kube-prometheus-stack/grafana-admin.yaml",
        ),
        (
            "collects from",
            ObjectRef("ServiceMonitor", "chat", "models"),
            ObjectRef("exporter", "vllm"),
            "bases/serving/vllm/service-monitor.yaml",
            "environments/dev/versions/kustomization.yaml",
        ),
        (
            "asks for",
            ObjectRef("PrometheusRule", "capacity", "monitoring"),
            ObjectRef("exporter", "kube-state-metrics"),
            "bases/platform/alerts/rules/capacity.yaml",
            "environments/dev/applications/kube-prometheus-stack.yaml",
        ),
        (
            "works on",
            ObjectRef("Terraform variables", "environments/dev/terraform.tfvars"),
            ObjectRef("cluster", "my-platform-dev"),
            "environments/dev/terraform.tfvars",
            "environments/dev/environment.yaml",
        ),
        (
            "tags for",
            ObjectRef("EC2NodeClass", "gpu"),
            ObjectRef("cluster", "my-platform-dev"),
            "environments/dev/platform/karpenter/kustomization.yaml",
            "environments/dev/environment.yaml",
        ),
        (
            "waits for",
            ObjectRef("workflow", ".github/workflows/check.yml"),
            ObjectRef("workflow", ".github/workflows/check.yml"),
            ".github/workflows/check.yml",
            ".github/workflows/check.yml",
        ),
        (
            "calls",
            ObjectRef("workflow", ".github/workflows/check.yml"),
            ObjectRef("command", "modelyard"),
            ".github/workflows/check.yml",
            "requirements.txt",
        ),
        (
            "is in",
            ObjectRef("Application", "chat", "argocd"),
            ObjectRef("AppProject", "models", "argocd"),
            "",
            "projects/models.yaml",
        ),
    ],
)
def test_both_ends_have_their_place(
    one_model: Environment, relation: str, source: ObjectRef, target: ObjectRef, at: str, leads_to: str
) -> None:
    edges = [each for each in graph(one_model).of(relation) if each.source.node.whole == source]
    ends = [(edge, end) for edge in edges for end in edge.targets if end.node.whole == target]
    assert ends, [str(edge) for edge in edges]
    edge, end = ends[0]
    assert edge.state == State.RESOLVED
    assert edge.source.at is not None and end.at is not None
    for expected, place in ((at, edge.source.at.place()), (leads_to, end.at.place())):
        assert expected in place.file
        assert place.line is not None


@pytest.mark.parametrize("name", repositories.names())
def test_nothing_is_broken_in_what_the_template_writes(name: str, bases: Mapping[str, Path]) -> None:
    for each in environments(Repository(bases[name])).views:
        assert [str(edge) for edge in graph(each).edges if edge.is_broken] == []
        assert len(list(graph(each).of("selects", State.RESOLVED))) >= len(each.models)


def test_subnets_and_security_groups_are_found_by_tag(one_model: Environment) -> None:
    classes = ObjectRef("EC2NodeClass", "gpu")
    (subnets,) = [e for e in graph(one_model).out_of(classes) if e.relation == "looks for subnets"]
    assert {end.node.name.partition("[")[0] for end in subnets.targets} == {"module.network"}
    assert all(".aws_subnet.private[" in end.node.name for end in subnets.targets)
    groups = [e for e in graph(one_model).out_of(classes) if e.relation == "looks for security groups"]
    assert any(end.node.kind == "aws_ec2_tag" for edge in groups for end in edge.targets)


def test_a_name_that_nobody_has_dangles(bases: Mapping[str, Path], tmp_path: Path) -> None:
    environment = edited(
        bases,
        tmp_path,
        {
            "edit": {
                "environments/dev/models/chat/kustomization.yaml": {"patches.+": _patch("serviceAccountName", "chap")}
            }
        },
    )
    edge = said(environment, "runs as", CHAT)
    assert (edge.state, edge.targets) == (State.DANGLING, ())
    assert edge.is_broken
    assert edge.source.at is not None
    assert edge.source.at.place().file == "environments/dev/models/chat/kustomization.yaml"


def test_an_account_is_followed_to_its_bucket(one_model: Environment) -> None:
    whole = graph(one_model)
    (given,) = [edge for edge in whole.of("gives rights to") if edge.wanted.name == "model"]
    (role,) = [edge for edge in whole.out_of(given.source.node) if edge.relation == "gives"]
    (policy,) = [edge for edge in whole.out_of(role.targets[0].node) if edge.relation == "has policy"]
    allowed = {edge.wanted for edge in whole.out_of(policy.targets[0].node) if edge.relation == "allows"}
    bucket = ObjectRef("aws_s3_bucket", "my-platform-dev-models-111122223333")
    assert allowed == {bucket._replace(part=action) for action in ("s3:ListBucket", "s3:GetObject")}
    assert any(edge.source.node.kind == "ConfigMap" for edge in whole.into(bucket))


def test_a_series_that_its_exporter_lacks_dangles(bases: Mapping[str, Path], tmp_path: Path) -> None:
    environment = edited(
        bases,
        tmp_path,
        {
            "replace": {
                "bases/platform/alerts/rules/capacity.yaml": {"kube_pod_resourceclaim_info": "vllm:requests_waitin"}
            }
        },
    )
    broken = [edge for edge in graph(environment).of("asks for") if edge.is_broken]
    assert [edge.wanted for edge in broken] == [ObjectRef("metric", "vllm:requests_waitin")]


def test_a_secret_that_values_name_and_nobody_makes(bases: Mapping[str, Path], tmp_path: Path) -> None:
    values = "environments/dev/platform/karpenter/values.yaml"
    environment = edited(bases, tmp_path, {"edit": {values: {"priorityClassName": "platfrom"}}})
    edges = [edge for edge in graph(environment).of("names") if edge.source.node.name == "karpenter"]
    assert [edge.wanted.name for edge in edges] == ["platfrom"], "the environment's file stands over the base's"
    assert edges[0].source.at is not None
    assert edges[0].source.at.place().file == values
    assert edges[0].state in (State.DANGLING, State.UNKNOWN)


def test_two_of_a_name_are_ambiguous(bases: Mapping[str, Path], tmp_path: Path) -> None:
    account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: model, namespace: models}\n"
    folder = "environments/dev/models/chat"
    environment = edited(
        bases,
        tmp_path,
        {
            "write": {f"{folder}/account.yaml": account},
            "edit": {f"{folder}/kustomization.yaml": {"resources.+": "account.yaml"}},
        },
    )
    edge = said(environment, "runs as", CHAT)
    assert edge.state == State.AMBIGUOUS
    assert len(edge.targets) == 2


def test_what_a_chart_may_bring_is_unknown(one_model: Environment) -> None:
    edges = [e for e in graph(one_model).of("gives rights to") if e.wanted.namespace == "external-secrets"]
    assert [edge.state for edge in edges] in ([State.UNKNOWN], [State.RESOLVED])
    if edges[0].state == State.UNKNOWN:
        assert "chart external-secrets" in edges[0].reason


def test_two_that_lead_to_one_are_contested(bases: Mapping[str, Path], tmp_path: Path) -> None:
    scaler = (
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {{name: {name}}}\nspec:\n"
        "  scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: chat}}\n  maxReplicas: 2\n"
    )
    folder = "environments/dev/models/chat"
    environment = edited(
        bases,
        tmp_path,
        {
            "write": {f"{folder}/scalers.yaml": "---\n".join(scaler.format(name=n) for n in ("first", "second"))},
            "edit": {f"{folder}/kustomization.yaml": {"resources.+": "scalers.yaml"}},
        },
    )
    ((node, edges),) = graph(environment).contested("scales")
    assert node == CHAT
    assert {edge.source.node.name for edge in edges} == {"first", "second"}


def _patch(field: str, value: str) -> dict[str, Any]:
    return {
        "target": {"kind": "Deployment"},
        "patch": f"- {{op: replace, path: /spec/template/spec/{field}, value: {value}}}\n",
    }


class TestIndex:
    """References without a repository."""

    pod = ObjectRef("Pod", "a", "x")
    source = End(ObjectRef("Service", "s", "x"))

    def _index(self, *definitions: Definition) -> Index:
        index = Index(lambda namespace: "chart c" if namespace == "charted" else "")
        for each in definitions:
            index.add(each)
        return index

    def test_the_last_of_a_slot_hides_the_others(self) -> None:
        index = self._index(Definition(End(ObjectRef("Secret", "t", "x"))))
        edges = [
            index.edge(Reference("reads", self.source, ObjectRef("Secret", "t", "x"), slot="TOKEN")) for _ in range(2)
        ]
        assert [edge.state for edge in shadowed(edges)] == [State.SHADOWED, State.RESOLVED]

    def test_a_part_of_what_has_open_parts_is_unknown(self) -> None:
        secret = ObjectRef("Secret", "t", "x")
        wanted = Reference("reads", self.source, secret._replace(part="key"))
        assert self._index(Definition(End(secret), open=True)).edge(wanted).state == State.UNKNOWN
        assert self._index(Definition(End(secret))).edge(wanted).state == State.DANGLING

    def test_selection_stays_in_its_namespace(self) -> None:
        index = self._index(Definition(End(self.pod), {"app": "a"}))
        for namespace, state in (("x", State.RESOLVED), ("y", State.DANGLING), ("charted", State.UNKNOWN)):
            wanted = Selection("Pod", (namespace,), {"matchLabels": {"app": "a"}}, "app=a")
            assert index.edge(Reference("selects", self.source, wanted)).state == state
        everywhere = Selection("Pod", None, {"matchExpressions": [{"key": "app", "operator": "Exists"}]}, "app")
        assert index.edge(Reference("selects", self.source, everywhere)).targets == (End(self.pod),)

    def test_one_of_several_defaults_is_ambiguous(self) -> None:
        classes = [Definition(End(ObjectRef("StorageClass", name)), {"default": "true"}) for name in ("a", "b")]
        wanted = Selection("StorageClass", ("",), {"matchLabels": {"default": "true"}}, "default")
        index = self._index(*classes)
        assert index.edge(Reference("is of", self.source, wanted)).state == State.RESOLVED
        assert index.edge(Reference("is of", self.source, wanted, single=True)).state == State.AMBIGUOUS


@pytest.mark.parametrize(
    ("words", "called"),
    [
        ("chat", True),
        ("deployment/chat", True),
        ("Deployment/models/chat", True),
        ("Service/chat", False),
        ("Deployment/other/chat", False),
        ("a/Deployment/models/chat", False),
    ],
)
def test_objects_are_called_by_name_kind_and_namespace(words: str, called: bool) -> None:
    assert CHAT.is_called(words) == called
