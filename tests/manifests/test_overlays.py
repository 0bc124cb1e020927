"""Every overlay serves: it builds, fits a node of its pool, starts in time, ends in order, and may run in `models`."""

from __future__ import annotations

import math
from typing import Any

import pytest

from modelyard.catalog import instance_types, model
from tests.manifests.composition import (
    BASES,
    OVERLAYS,
    Resource,
    container,
    load,
    names,
    one,
    quantity,
    settings,
    shipped,
)

# What the budgets in devices.yaml assume: a download that the smallest node of the pools exceeds, and a cold start.
BYTES_PER_SECOND = 0.1e9
COLD_START_SECONDS = 300
NODE_AND_IMAGE_SECONDS = 900
ENGINE_READY_SECONDS = 600  # vLLM's own default, VLLM_ENGINE_READY_TIMEOUT_S

every_overlay = pytest.mark.parametrize("overlay", names(OVERLAYS))


def facts(overlay: str) -> dict[str, Any]:
    return dict(load(OVERLAYS / overlay / "overlay.yaml"))


def pod(overlay: str) -> Resource:
    return dict(one(shipped(OVERLAYS / overlay), "Deployment")["spec"]["template"]["spec"])


def argument(overlay: str, flag: str) -> str | None:
    values = [
        arg.split("=", 1)[1] for arg in container(shipped(OVERLAYS / overlay))["args"] if arg.startswith(f"{flag}=")
    ]
    return values[-1] if values else None


def environment(overlay: str) -> dict[str, Any]:
    return {item["name"]: item.get("value") for item in container(shipped(OVERLAYS / overlay))["env"]}


def startup_seconds(overlay: str) -> int:
    probe = container(shipped(OVERLAYS / overlay))["startupProbe"]
    return int(probe["periodSeconds"]) * int(probe["failureThreshold"])


def volume(overlay: str, name: str) -> dict[str, Any]:
    return dict(next(item for item in pod(overlay)["volumes"] if item["name"] == name))


@every_overlay
def test_objects_are_called_serving_so_that_every_feature_and_environment_finds_them(overlay: str) -> None:
    for resource in shipped(OVERLAYS / overlay):
        name = resource["metadata"]["name"]
        assert name == "serving" or name.startswith("serving-"), f"{resource['kind']} {name}"
        assert "namespace" not in resource["metadata"], "the environment chooses the namespace"


@every_overlay
def test_the_settings_file_is_the_one_that_the_container_reads(overlay: str) -> None:
    engine = load(BASES / "serving" / facts(overlay)["engine"] / "engine.yaml")
    main = container(shipped(OVERLAYS / overlay))
    assert main["name"] == engine["container"]
    at = main["args"].index("--config")
    folder, _, file = main["args"][at + 1].rpartition("/")
    assert not any(arg.startswith("--config=") for arg in main["args"]), "vLLM ignores that form"
    assert file == engine["settings"]
    assert {"name": "settings", "mountPath": folder, "readOnly": True} in main["volumeMounts"]
    config_map = one(shipped(OVERLAYS / overlay), "ConfigMap")
    assert list(config_map["data"]) == [file]
    assert volume(overlay, "settings")["configMap"]["name"] == config_map["metadata"]["name"]


@every_overlay
def test_the_overlay_says_what_its_settings_say(overlay: str) -> None:
    said, told = facts(overlay), settings(shipped(OVERLAYS / overlay))
    assert told["model"] == said["model"]
    assert told.get("revision") == said.get("revision")
    assert ("revision" in told) != ("revision" in said["unverified"])
    ranks = told["tensor-parallel-size"] * told.get("pipeline-parallel-size", 1)
    limits = container(shipped(OVERLAYS / overlay))["resources"]["limits"]
    assert said["devices"] == ranks == int(limits["nvidia.com/gpu"])
    assert overlay.endswith(f"-{said['engine']}-{said['accelerator']}")
    assert set(said["requires"]) <= set(names(BASES / "features"))
    assert ("hf-token" in said["requires"]) == bool(said["gated"])
    assert "max-model-len" in told, "without it the engine takes the model's maximum, and may not start"


@every_overlay
def test_the_overlay_agrees_with_the_catalogue(overlay: str) -> None:
    said, told = facts(overlay), settings(shipped(OVERLAYS / overlay))
    known = model(said["model"])
    assert known is not None, f"{said['model']} is not in the catalogue"
    assert said["license"] == known.license
    assert bool(said["gated"]) == bool(known.gated)
    for setting, fact in (("tool-call-parser", known.tool_call_parser), ("reasoning-parser", known.reasoning_parser)):
        if setting in told:
            assert told[setting] == fact, setting
    assert known.shape is not None
    assert known.shape.attention_heads % told["tensor-parallel-size"] == 0
    for field in (
        "license",
        "gated",
        *(setting for setting in ("tool-call-parser", "reasoning-parser") if setting in told),
    ):
        assert known.is_verified(field) or field in said["unverified"], (
            f"{field} is not verified, and the overlay hides it"
        )


@every_overlay
def test_some_instance_type_of_the_pool_holds_the_pod(overlay: str) -> None:
    spec, resources = pod(overlay), container(shipped(OVERLAYS / overlay))["resources"]
    pool, node_class = pool_of(spec)
    families = requirement(pool, "karpenter.k8s.aws/instance-family")
    least_memory = requirement(spec_affinity(spec), "karpenter.k8s.aws/instance-gpu-memory")
    disk = next(
        m["ebs"]["volumeSize"] for m in node_class["spec"]["blockDeviceMappings"] if m["deviceName"] == "/dev/xvdb"
    )
    fitting = [
        kind.name
        for kind in instance_types().values()
        if kind.family in families
        and kind.accelerator is not None
        and kind.accelerator.logical_count >= int(resources["limits"]["nvidia.com/gpu"])
        and (kind.accelerator.memory_mib or 0) > (int(least_memory[0]) if least_memory else 0)
        # A tenth of the memory, a core and 4 GiB of disk stay with the node and its daemons.
        and kind.memory_mib * 2**20 * 0.9 - 2**30 >= quantity(resources["requests"]["memory"])
        and kind.vcpus - 1 >= quantity(resources["requests"]["cpu"])
        and max(quantity(disk), kind_disk(kind)) * 0.9 - 4 * 2**30
        >= quantity(resources["requests"]["ephemeral-storage"])
    ]
    assert fitting, f"no type of {families} holds {resources}"


def pool_of(spec: Resource) -> tuple[Resource, Resource]:
    karpenter = shipped(BASES / "platform" / "karpenter")
    name = spec["nodeSelector"]["karpenter.sh/nodepool"]
    found = {item["kind"]: item for item in karpenter if item["metadata"]["name"] == name}
    return found["NodePool"], found["EC2NodeClass"]


def requirement(holder: Resource, key: str) -> list[str]:
    """Values of a requirement of a NodePool or of a pod's node affinity."""
    items = holder["spec"]["template"]["spec"]["requirements"] if "spec" in holder else holder["matchExpressions"]
    return list(next((item["values"] for item in items if item["key"] == key), []))


def spec_affinity(spec: Resource) -> Resource:
    node = spec.get("affinity", {}).get("nodeAffinity", {}).get("requiredDuringSchedulingIgnoredDuringExecution", {})
    (term,) = node.get("nodeSelectorTerms", [{"matchExpressions": []}])
    return dict(term)


def kind_disk(kind: Any) -> float:
    return 0.0 if kind.instance_store is None else kind.instance_store.gb * 1e9


@every_overlay
def test_the_pods_tolerate_the_taints_of_their_pool(overlay: str) -> None:
    spec = pod(overlay)
    for taint in pool_of(spec)[0]["spec"]["template"]["spec"].get("taints", []):
        assert any(
            toleration["key"] == taint["key"]
            and toleration["effect"] == taint["effect"]
            and (toleration["operator"] == "Exists" or toleration.get("value") == taint.get("value"))
            for toleration in spec["tolerations"]
        ), taint


@every_overlay
def test_shared_memory_lies_inside_the_memory_limit(overlay: str) -> None:
    resources, shared = container(shipped(OVERLAYS / overlay))["resources"], volume(overlay, "shm")["emptyDir"]
    assert shared["medium"] == "Memory"
    assert resources["requests"]["memory"] == resources["limits"]["memory"], (
        "memory cannot be taken back from a process"
    )
    assert quantity(shared["sizeLimit"]) <= quantity(resources["limits"]["memory"]) / 2


@every_overlay
def test_the_weights_fit_the_disk_that_the_pod_asks_for(overlay: str) -> None:
    resources, cache = container(shipped(OVERLAYS / overlay))["resources"], volume(overlay, "cache")["emptyDir"]
    assert facts(overlay)["weights-gb"] * 1e9 + 2 * 2**30 <= quantity(cache["sizeLimit"])
    temporary = quantity(volume(overlay, "tmp")["emptyDir"]["sizeLimit"])
    assert quantity(cache["sizeLimit"]) + temporary <= quantity(resources["requests"]["ephemeral-storage"])


@every_overlay
def test_the_start_up_budget_covers_download_and_cold_start(overlay: str) -> None:
    needed = facts(overlay)["weights-gb"] * 1e9 / BYTES_PER_SECOND + COLD_START_SECONDS
    assert startup_seconds(overlay) >= needed
    assert startup_seconds(overlay) <= max(ENGINE_READY_SECONDS, 2 * needed), (
        "a pod that hangs should not hang for hours"
    )
    comment = (OVERLAYS / overlay / "devices.yaml").read_text()
    assert f"{math.ceil(needed)} s" in comment or f"{math.floor(needed)} s" in comment, (
        "the arithmetic in devices.yaml is old"
    )


@every_overlay
def test_the_engine_waits_as_long_as_the_probe(overlay: str) -> None:
    engine = int(environment(overlay).get("VLLM_ENGINE_READY_TIMEOUT_S") or ENGINE_READY_SECONDS)
    assert engine >= startup_seconds(overlay)


@every_overlay
def test_a_rollout_is_not_called_failed_while_a_node_and_an_image_are_fetched(overlay: str) -> None:
    deadline = one(shipped(OVERLAYS / overlay), "Deployment")["spec"]["progressDeadlineSeconds"]
    assert deadline >= startup_seconds(overlay) + NODE_AND_IMAGE_SECONDS
    argocd = load(BASES / "platform" / "argocd" / "values.yaml")
    assert int(argocd["configs"]["params"]["controller.sync.timeout.seconds"]) > deadline


@every_overlay
def test_requests_in_flight_have_time_to_end(overlay: str) -> None:
    wait = container(shipped(OVERLAYS / overlay))["lifecycle"]["preStop"]["sleep"]["seconds"]
    drain = int(argument(overlay, "--shutdown-timeout") or 0)
    assert drain > 0, "vLLM's default aborts them"
    assert wait + drain < pod(overlay)["terminationGracePeriodSeconds"]


@every_overlay
def test_a_restart_needs_more_than_unreadiness(overlay: str) -> None:
    main = container(shipped(OVERLAYS / overlay))
    patience = {
        probe: main[probe]["periodSeconds"] * main[probe]["failureThreshold"]
        for probe in ("readinessProbe", "livenessProbe")
    }
    assert patience["livenessProbe"] > patience["readinessProbe"]
    assert all(main[probe]["httpGet"] == {"path": "/health", "port": "http"} for probe in patience)


@every_overlay
def test_the_pods_meet_the_namespace_s_pod_security_level(overlay: str) -> None:
    namespace = one(shipped(BASES / "platform" / "model-namespace"), "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    spec = pod(overlay)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    allowed = {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
    assert all(set(item) - {"name"} <= allowed for item in spec["volumes"])
    assert not any(spec.get(field) for field in ("hostNetwork", "hostPID", "hostIPC"))
    for item in (*spec["containers"], *spec.get("initContainers", ())):
        context = item["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert not any("hostPort" in port for port in item.get("ports", ()))


@every_overlay
def test_the_namespace_has_what_the_pods_name(overlay: str) -> None:
    shared, spec = shipped(BASES / "platform" / "model-namespace"), pod(overlay)
    assert spec["serviceAccountName"] in {
        item["metadata"]["name"] for item in shared if item["kind"] == "ServiceAccount"
    }
    assert spec["priorityClassName"] in {item["metadata"]["name"] for item in shared if item["kind"] == "PriorityClass"}
    (defaults,) = one(shared, "LimitRange")["spec"]["limits"]
    for item in (*spec["containers"], *spec.get("initContainers", ())):
        for resource, limit in defaults["default"].items():
            effective = item["resources"]["limits"].get(resource, limit)
            assert quantity(item["resources"]["requests"].get(resource, 0)) <= quantity(effective), (
                f"{resource}: refused"
            )


@every_overlay
def test_features_can_append_to_every_list(overlay: str) -> None:
    main = container(shipped(OVERLAYS / overlay))
    assert main["args"] and main["env"] and main["volumeMounts"] and pod(overlay)["volumes"]
    assert pod(overlay)["topologySpreadConstraints"]


@every_overlay
def test_the_chain_from_pod_to_monitor_is_closed(overlay: str) -> None:
    resources = shipped(OVERLAYS / overlay)
    labels = one(resources, "Deployment")["spec"]["template"]["metadata"]["labels"]
    service, monitor = one(resources, "Service"), one(resources, "ServiceMonitor")
    assert service["spec"]["selector"].items() <= labels.items()
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    (port,), (endpoint,) = service["spec"]["ports"], monitor["spec"]["endpoints"]
    assert endpoint["port"] == port["name"]
    assert port["targetPort"] in {item["name"] for item in container(resources)["ports"]}
    policy = one(resources, "NetworkPolicy")
    assert policy["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
    assert {item["port"] for rule in policy["spec"]["ingress"] for item in rule["ports"]} == {port["targetPort"]}


@every_overlay
def test_a_drain_can_always_end(overlay: str) -> None:
    budget = one(shipped(OVERLAYS / overlay), "PodDisruptionBudget")["spec"]
    assert budget["maxUnavailable"] == 1 and "minAvailable" not in budget
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
