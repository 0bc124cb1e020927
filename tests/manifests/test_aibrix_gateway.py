"""AIBrix's chart with our values: it lies in AIBrix's Go module, so that helm renders the real one."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard.schemas import kubernetes_versions, validate
from modelyard.tooling import find, run
from tests.manifests.composition import BASES, Resource, load, one, shipped
from tests.manifests.environments import rendered

FOLDER = BASES / "platform/aibrix"
NAMESPACE = "aibrix-system"
ACCESS = ("cluster", "vpc", "internet")


def chart() -> Path:
    """The folder of the chart in Go's module cache."""
    cache = Path(os.environ.get("GOMODCACHE", Path.home() / "go/pkg/mod"))
    version = load(FOLDER / "component.yaml")["chart"]["version"]
    return cache / f"github.com/vllm-project/aibrix@{version}" / "dist/chart"


pytestmark = [
    pytest.mark.skipif(find("helm") is None, reason="helm is not installed; run `modelyard tools install helm`"),
    pytest.mark.skipif(not chart().is_dir(), reason=f"AIBrix's module is not in Go's cache ({chart()})"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gateway")


@functools.cache
def resources(folder: Path, access: str, auto_mode: bool = False) -> list[Resource]:
    """What the chart makes with our values and those of an environment whose gateway is reached so."""
    helm = find("helm")
    assert helm is not None
    values = folder / f"{access}-{auto_mode}.yaml"
    values.write_text(
        rendered(
            FOLDER / "environment/values.yaml.jinja",
            gateway_access=access,
            gateway_cidrs="203.0.113.0/24",
            gateway_certificate_arn="arn:aws:acm:eu-west-1:111122223333:certificate/0",
            auto_mode=auto_mode,
        )
    )
    argv: list[str | Path] = [helm.path, "template", "aibrix", chart(), "--namespace", NAMESPACE]
    done = run([*argv, "--values", FOLDER / "values.yaml", "--values", values], timeout=60, check=True)
    return [each for each in yaml.safe_load_all(done.stdout) if each]


@pytest.mark.parametrize("access", ACCESS)
def test_everything_that_the_chart_makes_is_legal(folder: Path, access: str) -> None:
    made = resources(folder, access)
    assert {"GatewayClass", "Gateway", "EnvoyProxy", "HTTPRoute", "EnvoyPatchPolicy", "Deployment"} <= {
        each["kind"] for each in made
    }
    for version in kubernetes_versions():
        for each, verdict in zip(made, validate(made, version), strict=True):
            assert verdict.status == "valid", (each["kind"], each["metadata"]["name"], verdict.problems)


def test_images_are_released_ones_and_pods_have_limits(folder: Path) -> None:
    for each in resources(folder, "cluster"):
        if each["kind"] != "Deployment":
            continue
        pod = each["spec"]["template"]["spec"]
        for container in (*pod.get("initContainers", ()), *pod["containers"]):
            assert not container["image"].endswith((":nightly", ":latest")), container["image"]
        for container in pod["containers"]:
            assert container["resources"]["limits"]["memory"], container["name"]


def service(folder: Path, access: str, auto_mode: bool = False) -> dict[str, Any]:
    proxy = one(resources(folder, access, auto_mode), "EnvoyProxy")
    return dict(proxy["spec"]["provider"]["kubernetes"]["envoyService"])


def test_the_gateway_is_reached_as_the_answers_say(folder: Path) -> None:
    scheme = "service.beta.kubernetes.io/aws-load-balancer-scheme"
    assert service(folder, "cluster")["type"] == "ClusterIP"
    vpc, internet = service(folder, "vpc"), service(folder, "internet")
    assert vpc["type"] == internet["type"] == "LoadBalancer"
    assert (vpc["annotations"][scheme], internet["annotations"][scheme]) == ("internal", "internet-facing")
    assert internet["loadBalancerSourceRanges"] == ["203.0.113.0/24"]
    assert "aws-load-balancer-ssl-cert" in str(internet["annotations"])
    assert vpc["loadBalancerClass"] == "service.k8s.aws/nlb"
    assert service(folder, "vpc", auto_mode=True)["loadBalancerClass"] == "eks.amazonaws.com/nlb"


def test_routes_and_the_router_s_policy_name_ports_of_services(folder: Path) -> None:
    made = resources(folder, "cluster")
    ports = {
        (each["metadata"]["name"], port["port"])
        for each in made
        if each["kind"] == "Service"
        for port in each["spec"]["ports"]
    }
    named = {(backend["name"], backend["port"]) for backend in backends(made)}
    assert len(named) >= 2
    assert named <= ports


def backends(made: list[Resource]) -> Iterator[dict[str, Any]]:
    for each in made:
        for rule in each.get("spec", {}).get("rules", ()) if each["kind"] == "HTTPRoute" else ():
            yield from rule["backendRefs"]
        for processor in each["spec"].get("extProc", ()) if each["kind"] == "EnvoyExtensionPolicy" else ():
            yield from processor["backendRefs"]


def test_envoy_gateway_takes_the_patch_of_the_router() -> None:
    extensions = load(BASES / "platform/envoy-gateway/values.yaml")["config"]["envoyGateway"]["extensionApis"]
    assert extensions["enableEnvoyPatchPolicy"] is True


def test_our_monitor_and_policy_fit_what_the_chart_makes(folder: Path) -> None:
    made, ours = resources(folder, "cluster"), list(shipped(FOLDER))
    monitor = one(ours, "ServiceMonitor")["spec"]
    wanted = monitor["selector"]["matchLabels"]
    (found,) = [
        each for each in made if each["kind"] == "Service" and wanted.items() <= each["metadata"]["labels"].items()
    ]
    (port,) = [each for each in found["spec"]["ports"] if each["name"] == monitor["endpoints"][0]["port"]]
    policy = next(each for each in ours if each["kind"] == "NetworkPolicy" and each["metadata"]["name"] == "aibrix")
    let_in = {each["port"] for rule in policy["spec"]["ingress"] for each in rule.get("ports", ())}
    asked = {backend["port"] for backend in backends(made)}
    webhook = next(each for each in made if each["metadata"]["name"] == "aibrix-webhook-service")
    assert {port["targetPort"], *asked, webhook["spec"]["ports"][0]["targetPort"]} <= let_in


def test_two_renderings_are_the_same(tmp_path: Path) -> None:
    """Else no sync would ever be the last: certificates and passwords must not be made by the chart."""
    (tmp_path / "again").mkdir()
    assert resources(tmp_path, "cluster") == resources(tmp_path / "again", "cluster")
