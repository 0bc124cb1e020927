"""The custom resources that an API server must know before objects of them can be tried."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from modelyard.findings import UserError
from modelyard.rehearsal.api import Api
from modelyard.rehearsal.objections import Objection, objections
from modelyard.tooling import parallel

_PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_SECONDS = 120.0
_POLL_SECONDS = 0.1
_APPROVAL = "api-approved.kubernetes.io"
# Argo CD writes the status of Applications by the object's own path (manifests/crds of argo-cd at v3.5.1).
_STATUS_INSIDE = frozenset({"applications.argoproj.io", "appprojects.argoproj.io"})
_PROTECTED = ("k8s.io", "kubernetes.io")


@dataclass(slots=True)
class Installed:
    """Which definitions the server took.

    Attributes:
        names: Those that it took and serves.
        refused: Its objections to the others, by name.
    """

    names: list[str] = field(default_factory=list)
    refused: dict[str, list[Objection]] = field(default_factory=dict)


def install_definitions(
    api: Api, definitions: Iterable[dict[str, Any]], alive: Callable[[], None], workers: int = 4
) -> Installed:
    """Make the server know custom resources, and wait until it serves them.

    Args:
        api: The server.
        definitions: CustomResourceDefinitions with unique names.
        alive: Raises when a component has ended.
        workers: Requests at a time.

    Raises:
        UserError: The server took a definition, but does not serve it in time.
    """
    wanted = [installable(each) for each in definitions]
    installed = Installed()
    for crd, answer in zip(
        wanted, parallel(lambda each: api.request("POST", _PATH, each), wanted, workers=workers), strict=True
    ):
        name = str(crd["metadata"]["name"])
        if answer.ok:
            installed.names.append(name)
        else:
            installed.refused[name] = objections(answer, crd)
    _await_served(api, [each for each in wanted if each["metadata"]["name"] in set(installed.names)], alive)
    return installed


def installable(definition: dict[str, Any]) -> dict[str, Any]:
    """Return a definition as the server takes it, what the bundle leaves out being put back.

    Groups of Kubernetes itself need an annotation on who approved of them, and controllers write statuses by a path of
    their own.
    """
    crd = copy.deepcopy(definition)
    inside = crd["metadata"]["name"] in _STATUS_INSIDE
    for version in crd["spec"]["versions"]:
        if not inside and "status" in version.get("schema", {}).get("openAPIV3Schema", {}).get("properties", {}):
            version.setdefault("subresources", {"status": {}})
    group = str(crd["spec"]["group"])
    if any(group == each or group.endswith(f".{each}") for each in _PROTECTED):
        crd["metadata"].setdefault("annotations", {}).setdefault(_APPROVAL, "unapproved, a copy for a rehearsal")
    return crd


def _await_served(api: Api, crds: Sequence[dict[str, Any]], alive: Callable[[], None]) -> None:
    wanted = {
        (f"{crd['spec']['group']}/{version['name']}", str(crd["spec"]["names"]["kind"]))
        for crd in crds
        for version in crd["spec"]["versions"]
        if version["served"]
    }
    deadline = time.monotonic() + _SECONDS
    while wanted:
        wanted -= set(api.served())
        if not wanted:
            return
        alive()
        if time.monotonic() >= deadline:
            names = ", ".join(sorted(f"{api_version} {kind}" for api_version, kind in wanted)[:5])
            raise UserError(
                f"the API server took definitions, but does not serve {names} after {_SECONDS:g} s",
                fix="run the command again when less else runs on this machine",
            )
        time.sleep(_POLL_SECONDS)
