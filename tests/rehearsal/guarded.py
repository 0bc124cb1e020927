"""An API server with the admission policies and roles that the platform ships, and objects to ask it about."""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from modelyard.rehearsal.api import Answer, Api, ServedKind, object_path
from modelyard.rehearsal.control_plane import control_plane
from modelyard.rehearsal.definitions import install_definitions
from modelyard.rehearsal.folders import run_folder
from modelyard.schemas import SchemaBundle
from tests.manifests.composition import shipped

PLATFORM = Path(__file__).parents[2] / "bases/platform"
SECONDS = 120.0
T = TypeVar("T")
PODS = ServedKind("pods", True)
PUBLIC = "service.beta.kubernetes.io/aws-load-balancer-scheme"
INTERNAL = "service.beta.kubernetes.io/aws-load-balancer-internal"


def pod(image: str = "example.com/engine:v1.2.3", **resources: Any) -> dict[str, Any]:
    return {"containers": [{"name": "engine", "image": image, "resources": resources}]}


def wrapped(kind: str, spec: dict[str, Any], name: str = "probe") -> dict[str, Any]:
    """Return an object of a kind that holds the pod."""
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": spec}
    metadata = {"name": name, "namespace": "models"}
    content: dict[str, Any]
    match kind:
        case "Pod":
            return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": spec}
        case "Deployment":
            content = {"selector": {"matchLabels": labels}, "template": template}
            return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": content}
        case "CronJob":
            job = {"spec": {"template": {"spec": {**spec, "restartPolicy": "Never"}}}}
            content = {"schedule": "0 0 * * *", "jobTemplate": job}
            return {"apiVersion": "batch/v1", "kind": kind, "metadata": metadata, "spec": content}
        case "LeaderWorkerSet":
            content = {"replicas": 1, "leaderWorkerTemplate": {"size": 2, "workerTemplate": template}}
            return {
                "apiVersion": "leaderworkerset.x-k8s.io/v1",
                "kind": kind,
                "metadata": metadata,
                "spec": content,
            }
        case "RayService":
            head = {"rayStartParams": {}, "template": {"spec": pod()}}
            workers = [{"groupName": "w", "rayStartParams": {}, "template": {"spec": spec}}]
            content = {"rayClusterConfig": {"headGroupSpec": head, "workerGroupSpecs": workers}}
            return {"apiVersion": "ray.io/v1", "kind": kind, "metadata": metadata, "spec": content}
    raise AssertionError(kind)


KINDS = ("Pod", "Deployment", "CronJob", "LeaderWorkerSet", "RayService")


class Server:
    """A control plane with the policies, and the definitions of custom resources that hold pods."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.served = api.served()

    def tried(self, value: dict[str, Any], namespace: str = "models") -> Answer:
        """Apply an object without keeping it."""
        value = copy.deepcopy(value)
        kind = self.served[value["apiVersion"], value["kind"]]
        if kind.namespaced:
            value["metadata"]["namespace"] = namespace
        path = object_path(kind, value["apiVersion"], namespace, value["metadata"]["name"])
        return self.api.apply(path, value, dry_run=True)

    def refused_by(self, value: dict[str, Any], namespace: str = "models") -> str:
        """Return which policy refuses an object; empty when it is taken, and the whole message for another reason."""
        answer = self.tried(value, namespace)
        if answer.ok:
            return ""
        _, found, rest = answer.message.partition("ValidatingAdmissionPolicy '")
        return rest.partition("'")[0] if found else answer.message

    def keep(self, value: dict[str, Any]) -> None:
        kind = self.served[value["apiVersion"], value["kind"]]
        namespace = value["metadata"].get("namespace", "")
        path = object_path(kind, value["apiVersion"], namespace, value["metadata"]["name"])
        answer = self.api.apply(path, value, dry_run=False)
        assert answer.ok, answer.message


def service(annotations: dict[str, str], **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "probe", "annotations": annotations},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}], **spec},
    }


@contextlib.contextmanager
def guarded_server() -> Iterator[Server]:
    """Run a control plane that has the policies and roles of people in force."""
    with run_folder() as folder, control_plane(folder) as plane:
        bundle = SchemaBundle()
        kinds = [(each["apiVersion"], each["kind"]) for each in (wrapped(kind, pod()) for kind in KINDS)]
        kinds += [("external-secrets.io/v1", "ExternalSecret"), ("external-secrets.io/v1", "SecretStore")]
        kinds += [("gateway.k8s.aws/v1beta1", "LoadBalancerConfiguration")]
        kinds += [("elbv2.k8s.aws/v1beta1", "IngressClassParams")]
        install_definitions(plane.api, filter(None, (bundle.definition(*kind) for kind in kinds)), plane.check)
        running = Server(plane.api)
        for name in ("models", "elsewhere", "gateway"):
            labels = {"modelyard.dev/public-load-balancers": "allowed"} if name == "gateway" else {}
            running.keep({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
        for value in (*shipped(PLATFORM / "admission-policies"), *shipped(PLATFORM / "access-roles")):
            running.keep(value)
        probes = [
            wrapped("Pod", pod("example.com/engine:latest")),
            wrapped("LeaderWorkerSet", pod(requests={"nvidia.com/gpu": 1})),
            service({PUBLIC: "internet-facing"}),
        ]
        noticed(lambda: [running.refused_by(probe) for probe in probes], all)
        yield running


def refusal_of_pod(api: Api, namespace: str, spec: dict[str, Any]) -> str:
    """Return why a server that knows the namespace refuses a pod; empty where it takes it. Nothing is made."""
    value = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe", "namespace": namespace}, "spec": spec}
    answer = noticed(
        lambda: api.apply(object_path(PODS, "v1", namespace, "probe"), value, dry_run=True),
        lambda said: said.ok or said.status not in (404, 429, 500, 504),
    )
    return "" if answer.ok else answer.message


def noticed(ask: Callable[[], T], has: Callable[[T], bool]) -> T:
    """Return the first answer of a server that has noticed what it was given: its caches follow what it stores.

    Nothing tells from outside when they have, so it is asked again. The end is there for a server that never does.

    Raises:
        AssertionError: It has not within `SECONDS`.
    """
    ends = time.monotonic() + SECONDS
    while not has(answer := ask()):
        assert time.monotonic() < ends, f"the server has not noticed what it was given: {answer}"
        time.sleep(0.2)
    return answer


def allowed(server: Server, group: str, what: str, namespace: str = "models", *, user: str = "somebody") -> bool:
    """Return whether the server says that a member of a group may do something, such as `get pods/log`."""
    verb, _, manifest = what.partition(" ")
    resource, _, subresource = manifest.partition("/")
    name, _, api_group = resource.partition(".")
    asked = {"verb": verb, "resource": name, "subresource": subresource, "group": api_group, "namespace": namespace}
    answer = server.api.request(
        "POST",
        "/apis/authorization.k8s.io/v1/subjectaccessreviews",
        {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": user, "groups": [group, "system:authenticated"], "resourceAttributes": asked},
        },
    )
    assert answer.ok, answer.message
    return bool(answer.value["status"]["allowed"])
