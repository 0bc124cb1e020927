"""Stand-ins that say no: what each sets, what it leaves undone, and that it mends."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Any, cast

import pytest

from modelyard.checking.environments import environments
from modelyard.cli.rehearse import command
from modelyard.rehearsal.absences import ABSENCES, Absence
from modelyard.rehearsal.api import Answer, Api, ServedKind
from modelyard.rehearsal.argocd import _IMPATIENT_SECONDS, _PATIENCE
from modelyard.rehearsal.kubelets import Kubelets
from modelyard.rehearsal.operators import STAND_INS, Operators
from modelyard.repository import Repository
from tests.manifests.composition import BASES, load

CLASS_OF_VOLUME = {"volume.kubernetes.io/storage-provisioner": "ebs.csi.aws.com"}
OBJECTS: dict[tuple[str, str], dict[str, Any]] = {
    ("", "Service"): {"type": "LoadBalancer"},
    ("external-secrets.io", "ExternalSecret"): {"data": [{"secretKey": "token", "remoteRef": {"key": "a/hf-token"}}]},
}


class Server:
    """Holds objects by their path, and takes statuses."""

    def __init__(self) -> None:
        self.kinds: dict[tuple[str, str], ServedKind] = {}
        self.objects: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.made: list[dict[str, Any]] = []

    def add(self, group: str, kind: str, spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
        version = f"{group}/v1" if group else "v1"
        self.kinds[version, kind] = ServedKind(kind.lower() + "s", True)
        value = {
            "apiVersion": version,
            "kind": kind,
            "metadata": {"name": "one", "namespace": "models", "uid": kind, "generation": 1, **metadata},
            "spec": spec,
        }
        self.objects[("/apis/" if group else "/api/") + f"{version}/{kind.lower()}s"].append(value)
        return value

    def served(self) -> dict[tuple[str, str], ServedKind]:
        return self.kinds

    def request(self, method: str, path: str, body: Any = None, content_type: str = "", accept: str = "") -> Answer:
        if method == "GET":
            return Answer(200, {"items": self.objects.get(path, [])})
        if method == "PATCH":
            for collection, values in self.objects.items():
                for value in values:
                    end = f"/{collection.rpartition('/')[2]}/{value['metadata']['name']}/status"
                    value.update({"status": body["status"]} if path.endswith(end) else {})
        else:
            self.made.append(body)
        return Answer(200, {})


@pytest.fixture
def server() -> Server:
    return Server()


def operators(server: Server, absence: Absence | None) -> Operators:
    return Operators(cast(Api, server), absence=absence)


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for name, absence in ABSENCES.items() for kind in absence.kinds], ids=str
)
def test_no_is_said_until_it_is_mended(server: Server, name: str, kind: tuple[str, str]) -> None:
    value = server.add(*kind, OBJECTS.get(kind, {}))
    stand_ins = operators(server, ABSENCES[name])
    stand_ins.turn()
    no = ABSENCES[name].kinds[kind].status
    if no is None:
        assert "status" not in value
    else:
        said = [each for each in value["status"]["conditions"] if each["status"] == "False"]
        assert said and all(each["message"] for each in said), "the reason is said in words"
    assert list(stand_ins.refused) == [f"{kind[1]} models/one"]
    assert not server.made, "a Secret was made of a value that is not there"
    before = value.get("status")
    stand_ins.absence = None
    stand_ins.turn()
    assert value["status"] != before, "it was mended, and nobody says so"


def test_every_stand_in_has_one_that_says_no() -> None:
    """Routes and classes of gateways say yes always: what they wait for is the Gateway's address."""
    always = {("gateway.networking.k8s.io", "GatewayClass"), ("gateway.networking.k8s.io", "HTTPRoute")}
    assert {kind for absence in ABSENCES.values() for kind in absence.kinds} == set(STAND_INS) - always


def test_what_a_generator_makes_needs_nobody(server: Server) -> None:
    generated = {"dataFrom": [{"sourceRef": {"generatorRef": {"kind": "Password", "name": "one"}}}]}
    value = server.add("external-secrets.io", "ExternalSecret", generated)
    operators(server, ABSENCES["secret-values"]).turn()
    assert value["status"]["conditions"][0]["status"] == "True"


def test_claims_wait_without_a_driver(server: Server) -> None:
    claim = server.add(
        "",
        "PersistentVolumeClaim",
        {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        annotations=CLASS_OF_VOLUME,
    )
    claim["status"] = {"phase": "Pending"}
    stand_ins = operators(server, ABSENCES["volumes"])
    stand_ins.turn()
    assert server.made == []
    stand_ins.absence = None
    stand_ins.turn()
    assert [each["kind"] for each in server.made] == ["PersistentVolume"]


def test_images_that_cannot_be_pulled_and_a_node_that_is_ill(server: Server) -> None:
    nodes = [server.add("", "Node", {}, name=name, namespace="") for name in ("a", "b")]
    pod = server.add("", "Pod", {"nodeName": "a", "containers": [{"name": "vllm", "image": "x"}]})
    kubelets = Kubelets(cast(Api, server), run_pods=True)
    kubelets.unpullable, kubelets.ill = frozenset({"models"}), True
    kubelets.turn()
    (container,) = pod["status"]["containerStatuses"]
    assert container["state"]["waiting"] == {"reason": "ErrImagePull", "message": "failed to pull and unpack image"}
    assert [node["status"]["conditions"][0]["status"] for node in nodes] == ["False", "True"]
    kubelets.unpullable, kubelets.ill = frozenset(), False
    kubelets.turn()
    assert pod["status"]["phase"] == "Running"
    assert [node["status"]["conditions"][0]["status"] for node in nodes] == ["True", "True"]


def test_concerned_are_those_whose_objects_wait_and_those_that_name_what_they_bring(bases: dict[str, Path]) -> None:
    (view,) = environments(Repository(bases["starter-models"])).views
    values = ABSENCES["secret-values"].concerned(view)
    assert "model-namespace" in values
    gated = {
        model.application.name
        for model in view.models
        if any("HF_TOKEN" in str(container.value) for container in model.workload.containers)
    }
    assert gated and gated <= values and not {model.application.name for model in view.models} <= values
    assert "dashboards" not in values | ABSENCES["volumes"].concerned(view)


def test_waves_of_a_rehearsal_do_not_wait_for_minutes() -> None:
    script = load(BASES / "platform/argocd/values.yaml")["configs"]["cm"][
        "resource.customizations.health.argoproj.io_Application"
    ]
    assert _PATIENCE.search(script), "the health check does not say how long waves wait"
    assert f"local patience = {_IMPATIENT_SECONDS}\n" in _PATIENCE.sub(rf"\g<1>{_IMPATIENT_SECONDS}", script)


def test_the_option_lists_every_absence() -> None:
    option = command.__annotations__["without"]
    listed = str(option).partition("bring it: ")[2].partition(".")[0].split(", ")
    assert sorted(re.sub(r"\W+$", "", each) for each in listed) == sorted(ABSENCES)
