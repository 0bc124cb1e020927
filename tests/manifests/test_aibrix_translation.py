"""AIBrix's gateway through Envoy Gateway's own translation: what it says of each object, and what Envoy is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard.tooling import find, run
from tests.manifests.test_aibrix_gateway import ACCESS, NAMESPACE, pytestmark, resources

# What Envoy Gateway looks at; the rest of the chart is not its business.
OF_THE_GATEWAY = (
    *("GatewayClass", "Gateway", "EnvoyProxy", "HTTPRoute", "EnvoyExtensionPolicy", "EnvoyPatchPolicy"),
    *("ClientTrafficPolicy", "BackendTrafficPolicy", "Service"),
)
ROUTER = (
    "envoy.filters.http.ext_proc/envoyextensionpolicy/aibrix-system/aibrix-gateway-plugins-extension-policy/extproc/0"
)

pytestmark = [
    *pytestmark,
    pytest.mark.slow,  # helm and the translator, once for each answer
    pytest.mark.skipif(find("egctl") is None, reason="egctl is not installed; run `modelyard tools install egctl`"),
]


def translated(folder: Path, access: str, to: str) -> Any:
    """What Envoy Gateway makes of the chart's resources, in a cluster that gave each Service an address."""
    egctl = find("egctl")
    assert egctl is not None
    made: list[dict[str, Any]] = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}]
    for number, each in enumerate(resources(folder, access), 1):
        if each["kind"] in OF_THE_GATEWAY:
            space = {} if each["kind"] == "GatewayClass" else {"namespace": NAMESPACE}
            spec = {**each["spec"], **({"clusterIP": f"172.20.1.{number}"} if each["kind"] == "Service" else {})}
            made.append({**each, "metadata": {**each["metadata"], **space}, "spec": spec})
    file = folder / "resources.yaml"
    file.write_text(yaml.safe_dump_all(made))
    argv: list[str | Path] = [
        egctl.path,
        "experimental",
        "translate",
        "--from",
        "gateway-api",
        "--to",
        to,
        "--output",
        "json",
    ]
    return json.loads(run([*argv, "--file", file], timeout=60, check=True).stdout)


def within(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every mapping inside a value, itself included."""
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from within(each)
    elif isinstance(value, list):
        for each in value:
            yield from within(each)


@pytest.mark.parametrize("access", ACCESS)
def test_envoy_gateway_accepts_every_object(tmp_path: Path, access: str) -> None:
    judged = {}
    for each in within(translated(tmp_path, access, "gateway-api")):
        if "kind" in each and "status" in each:
            conditions = [one for one in within(each["status"]) if {"type", "status", "reason"} <= one.keys()]
            said = {(one["type"], one["status"]) for one in conditions}
            judged[each["kind"], each["metadata"]["name"]] = said
            assert ("Accepted", "True") in said, (each["kind"], conditions)
            assert not {kind for kind, value in said if value != "True"}, (each["kind"], conditions)
    assert {kind for kind, _ in judged} == set(OF_THE_GATEWAY) - {"Service"}
    assert ("Programmed", "True") in judged["Gateway", "aibrix-eg"]


def test_envoy_asks_the_router_and_sends_requests_to_the_pod_that_it_names(tmp_path: Path) -> None:
    told = list(within(translated(tmp_path, "cluster", "xds")))
    filters = [each for each in told if str(each.get("name", "")).startswith("envoy.filters.http.ext_proc")]
    assert [each["name"] for each in filters if "typedConfig" in each] == [ROUTER]
    (router,) = [each for each in filters if "typedConfig" in each]
    asked = router["typedConfig"]["grpcService"]["envoyGrpc"]["clusterName"]
    ports = {
        each["portValue"]
        for cluster in told
        if cluster.get("clusterName") == asked and "endpoints" in cluster
        for each in within(cluster)
        if "portValue" in each
    }
    assert ports == {50052}, "the router's port"
    # The patch comes first among the routes, and the router's filter is on for it.
    hosts = [each for each in told if "routes" in each and "domains" in each]
    (first,) = [host["routes"][0] for host in hosts if any("httproute/" in str(r.get("name")) for r in host["routes"])]
    assert first["name"] == "original_route"
    assert first["route"]["cluster"] == "original_destination_cluster"
    assert set(first["typedPerFilterConfig"]) == {ROUTER}
    (direct,) = [each for each in told if each.get("name") == "original_destination_cluster"]
    assert direct["type"] == "ORIGINAL_DST"
    assert direct["originalDstLbConfig"] == {"useHttpHeader": True, "httpHeaderName": "target-pod"}


def test_the_proxy_s_service_is_what_the_answers_say(tmp_path: Path) -> None:
    proxies = [each for each in within(translated(tmp_path, "vpc", "ir")["infraIR"]) if "envoyService" in each]
    assert proxies
    for each in proxies:
        assert each["envoyService"]["type"] == "LoadBalancer"
        assert each["envoyService"]["annotations"]["service.beta.kubernetes.io/aws-load-balancer-scheme"] == "internal"
