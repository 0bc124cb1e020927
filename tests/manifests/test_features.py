"""What single features do to a model: where weights come from, who may call, which capacity it runs on."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from modelyard.catalog import feature_from_mapping, feature_problems
from tests.manifests.composition import (
    BASES,
    OVERLAYS,
    Repository,
    Resource,
    build,
    documents,
    engine_of,
    load,
    names,
    one,
    pod_templates,
    serves,
    shipped,
)
from tests.manifests.features import KNOWN

SERVERS = ["qwen3-1-7b-vllm-gpu", "llama-4-scout-17b-16e-instruct-lws-vllm-gpu"]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def mains(resources: list[Resource]) -> list[dict[str, Any]]:
    return [template["spec"]["containers"][0] for template in pod_templates(resources).values()]


def source(container: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (item["valueFrom"] for item in container["env"] if item["name"] == name)
    ((kind, reference),) = found.items()
    return {"kind": kind, **reference}


@pytest.mark.parametrize("overlay", SERVERS)
def test_weights_are_streamed_from_the_bucket_under_the_model_s_id(repository: Repository, overlay: str) -> None:
    resources = build(repository.model("chat", overlay, ["weights-s3-streamer"]))
    config_map = one(resources, "ConfigMap")
    assert config_map["data"]["model"] == load(OVERLAYS / overlay / "overlay.yaml")["model"]
    for main in mains(resources):
        assert "--model=s3://$(WEIGHTS_BUCKET)/$(MODEL_ID)/$(MODEL_REVISION)" in main["args"]
        assert "--load-format=runai_streamer" in main["args"]
        for variable, key in (("MODEL_ID", "model"), ("MODEL_REVISION", "revision")):
            assert source(main, variable) == {
                "kind": "configMapKeyRef",
                "name": config_map["metadata"]["name"],
                "key": key,
            }
        assert source(main, "WEIGHTS_BUCKET") == {"kind": "configMapKeyRef", "name": "weights", "key": "bucket"}
    shared = [item for item in shipped(BASES / "platform" / "model-namespace") if item["kind"] == "ConfigMap"]
    assert [item["metadata"]["name"] for item in shared] == ["weights"]


@pytest.mark.parametrize("overlay", [*SERVERS, "llama-3-1-8b-instruct-vllm-neuron"])
def test_weights_are_copied_to_where_the_engine_looks(repository: Repository, overlay: str) -> None:
    resources = build(repository.model("chat", overlay, ["weights-s3-init"]))
    for template in pod_templates(resources).values():
        (copy,), main = template["spec"]["initContainers"], template["spec"]["containers"][0]
        target = copy["args"][-1]
        assert main["args"][-1] == f"--model={target}"
        shared = {(item["name"], item["mountPath"]) for item in copy["volumeMounts"]}
        assert ("cache", "/var/cache/model") in shared & {
            (item["name"], item["mountPath"]) for item in main["volumeMounts"]
        }
        assert target.startswith("/var/cache/model/")
        assert source(copy, "MODEL_ID")["name"] == one(resources, "ConfigMap")["metadata"]["name"]
        assert copy["securityContext"]["allowPrivilegeEscalation"] is False
        assert copy["securityContext"]["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize(("brings", "ends"), [('touch "$5/config.json"', 0), ("true", 1)], ids=["files", "nothing"])
def test_a_copy_of_nothing_is_told(repository: Repository, tmp_path: Path, brings: str, ends: int) -> None:
    resources = build(repository.model("chat", SERVERS[0], ["weights-s3-init"]))
    ((copy,),) = (template["spec"]["initContainers"] for template in pod_templates(resources).values())
    program = tmp_path / "bin" / "aws"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{brings}\n")
    program.chmod(0o755)
    done = subprocess.run(
        [*copy["command"], "s3://bucket/model/revision", str(tmp_path / "weights")],
        env={"PATH": f"{program.parent}:{os.environ['PATH']}", "MODEL_ID": "model"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ends
    assert ("s3://bucket/model/revision holds no file" in done.stderr) == bool(ends)


@pytest.mark.parametrize("overlay", SERVERS)
def test_a_key_comes_from_the_entry_of_the_model_s_name(repository: Repository, overlay: str) -> None:
    resources = build(repository.model("chat", overlay, ["api-key", "hf-token"]))
    external = one([*load_all("model-namespace/choices/api-keys/external-secret.yaml")], "ExternalSecret")["spec"]
    for main in mains(resources):
        assert source(main, "VLLM_API_KEY") == {
            "kind": "secretKeyRef",
            "name": external["target"]["name"],
            "key": "chat",
        }
        assert source(main, "HF_TOKEN") == {"kind": "secretKeyRef", "name": "hf-token", "key": "token"}
    store = one(shipped(BASES / "platform" / "model-namespace"), "SecretStore")
    assert external["secretStoreRef"] == {"kind": "SecretStore", "name": store["metadata"]["name"]}
    assert not [resource for resource in resources if resource["kind"] == "ExternalSecret"], "the project refuses it"


def load_all(file: str) -> list[Resource]:
    return [document for _, document in documents((BASES / "platform" / file).parent) if "apiVersion" in document]


@pytest.mark.parametrize("overlay", [name for name in names(OVERLAYS) if serves("spot", name)])
def test_spare_capacity_leaves_time_to_end(repository: Repository, overlay: str) -> None:
    spec = next(iter(pod_templates(build(repository.model("chat", overlay, ["spot"]))).values()))["spec"]
    assert spec["nodeSelector"]["karpenter.sh/capacity-type"] == "spot"
    assert spec["terminationGracePeriodSeconds"] < 120, "that is all the notice there is"


def test_a_ray_head_stays_on_demand(repository: Repository) -> None:
    overlay = next(name for name in names(OVERLAYS) if engine_of(name) == "ray-vllm")
    head = pod_templates(build(repository.model("chat", overlay, ["spot"])))["head"]["spec"]
    assert "karpenter.sh/capacity-type" not in head["nodeSelector"]


def test_callers_of_a_model_without_replicas_name_it_by_a_host_that_is_the_interceptor_s(
    repository: Repository,
) -> None:
    resources = build(repository.model("chat-2", SERVERS[0], ["scale-to-zero"]))
    route, scaler = one(resources, "InterceptorRoute"), one(resources, "ScaledObject")
    services = {item["metadata"]["name"]: item["spec"] for item in resources if item["kind"] == "Service"}
    assert set(services) == {"chat-2", "chat-2-on-demand"}
    told = load(BASES / "platform" / "keda-http" / "component.yaml")
    assert services["chat-2-on-demand"]["type"] == "ExternalName"
    # The names that the chart gives: its own, and the value `interceptor.proxy.service`.
    chart = told["chart"]["name"]
    assert services["chat-2-on-demand"]["externalName"] == (
        f"{chart}-interceptor-proxy.{told['namespace']}.svc.cluster.local"
    )
    (rule,) = route["spec"]["rules"]
    (namespace,) = {item["metadata"]["namespace"] for item in resources}
    host = f"chat-2-on-demand.{namespace}.svc"
    assert {host, f"{host}.cluster.local"} <= set(rule["hosts"])
    assert all(each.split(".")[0] == "chat-2-on-demand" for each in rule["hosts"])
    assert route["spec"]["target"] == {"service": "chat-2", "portName": services["chat-2"]["ports"][0]["name"]}
    (trigger,) = scaler["spec"]["triggers"]
    assert trigger["metadata"]["interceptorRoute"] == route["metadata"]["name"] == "chat-2"
    assert trigger["metadata"]["scalerAddress"] == f"{chart}-external-scaler.{told['namespace']}.svc:9090"
    assert scaler["spec"]["minReplicaCount"] == 0
    assert "replicas" not in one(resources, "Deployment")["spec"]
    peers = [peer for entry in one(resources, "NetworkPolicy")["spec"]["ingress"] for peer in entry["from"]]
    assert told["namespace"] in str(peers)


@pytest.mark.parametrize("overlay", [name for name in names(OVERLAYS) if serves("scale-to-zero", name)])
def test_a_held_request_waits_for_a_node_and_the_whole_start(repository: Repository, overlay: str) -> None:
    resources = build(repository.model("chat", overlay, ["scale-to-zero"]))
    probe = mains(resources)[0]["startupProbe"]
    needed = probe["failureThreshold"] * probe["periodSeconds"]
    readiness = one(resources, "InterceptorRoute")["spec"]["timeouts"]["readiness"]
    assert needed + 600 <= int(readiness.removesuffix("s"))
    assert needed <= one(resources, "ScaledObject")["spec"]["cooldownPeriod"]


@pytest.mark.parametrize(
    ("chosen", "engine", "expected"),
    [
        (["hf-token", "hf-token"], "vllm", "hf-token is named twice, and would add its list items twice"),
        (["same-zone", "spread-zones"], "vllm", "spread-zones and same-zone exclude each other"),
        (["scale-on-queue"], "ray-vllm", "scale-on-queue is not for ray-vllm, it is for vllm, vllm-neuron"),
        (["scale-on-queue"], "vllm", "scale-on-queue needs keda in the environment"),
        (["hf-tokn"], "vllm", "there is no feature hf-tokn"),
    ],
)
def test_a_set_that_a_model_may_not_have_is_refused_with_its_reason(
    chosen: list[str], engine: str, expected: str
) -> None:
    platform = {"external-secrets", "model-namespace", "kube-prometheus-stack"}
    (problem,) = feature_problems(chosen, KNOWN, engine, platform)
    assert problem.startswith(expected)


@pytest.mark.parametrize("raw", [{}, {"description": "x"}, {"requires": []}, {"description": "x", "requires": "gpu"}])
def test_a_feature_that_says_too_little_is_refused(raw: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="feature broken"):
        feature_from_mapping("broken", raw, {})
