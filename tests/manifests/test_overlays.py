"""Every overlay serves: it builds, fits a node of its pool, starts in time, ends in order, and may run in `models`."""

from __future__ import annotations

import ast
import json
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard.catalog import InstanceType, instance_types, model
from modelyard.catalog.tools import tool_family
from modelyard.tooling import run
from tests.manifests.composition import (
    BASES,
    OVERLAYS,
    Resource,
    container,
    documents,
    engine_facts,
    engine_of,
    engine_pod,
    has_known_flags,
    load,
    names,
    one,
    pod_templates,
    quantity,
    serve_config,
    settings,
    shipped,
    workload,
)

# What the budgets in devices.yaml assume: a download that the smallest node of the pools exceeds, a cold start, and for
# Neuron what its guide names for compiling a model of this size.
GB_PER_SECOND = 0.1
COLD_START_SECONDS = 300
COMPILE_SECONDS = 900
NODE_AND_IMAGE_SECONDS = 900
LAST_NODE_SECONDS = 300  # after the first of a group
ENGINE_READY_SECONDS = 600  # vLLM's own default, VLLM_ENGINE_READY_TIMEOUT_S
CORES_OF_A_DEVICE = {"vllm-neuron": 2, "vllm-trn2": 4}  # logical cores of Inferentia2, Trainium2

DEVICES = {"gpu": "nvidia.com/gpu", "neuron": "aws.amazon.com/neuron"}
NAMES = names(OVERLAYS)
RAY = [name for name in NAMES if engine_of(name) == "ray-vllm"]
TRITON = [name for name in NAMES if engine_of(name) == "triton-vllm"]
every_overlay = pytest.mark.parametrize("overlay", NAMES)
# Those whose settings are in words of vLLM, of which the catalogue knows the flags.
FLAGGED = [name for name in NAMES if has_known_flags(engine_of(name))]
every_flagged_overlay = pytest.mark.parametrize("overlay", FLAGGED)
every_flagged_server = pytest.mark.parametrize("overlay", [name for name in FLAGGED if name not in RAY])
# KubeRay writes the command and the probes of Ray's containers.
every_server = pytest.mark.parametrize("overlay", [name for name in NAMES if name not in RAY])
every_deployment = pytest.mark.parametrize(
    "overlay", [name for name in NAMES if engine_facts(engine_of(name))["workload"] == "Deployment"]
)


def facts(overlay: str) -> dict[str, Any]:
    return dict(load(OVERLAYS / overlay / "overlay.yaml"))


def pod(overlay: str) -> Resource:
    return engine_pod(shipped(OVERLAYS / overlay))


def pods(overlay: str) -> list[Resource]:
    """Specs of all pods of a workload: engine, workers, head."""
    return [template["spec"] for template in pod_templates(shipped(OVERLAYS / overlay)).values()]


def engines(overlay: str) -> list[Resource]:
    """Specs of the pods that hold devices."""
    if facts(overlay)["accelerator"] == "cpu":
        return pods(overlay)
    return [spec for spec in pods(overlay) if devices(spec["containers"][0])]


def devices(main: Resource) -> int:
    return sum(int(main["resources"]["limits"].get(resource, 0)) for resource in DEVICES.values())


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


def volume(spec: Resource, name: str) -> dict[str, Any]:
    return dict(next(item for item in spec["volumes"] if item["name"] == name))


@every_overlay
def test_objects_are_called_serving_so_that_every_feature_and_environment_finds_them(overlay: str) -> None:
    for resource in shipped(OVERLAYS / overlay):
        name = resource["metadata"]["name"]
        assert name == "serving" or name.startswith("serving-settings-"), f"{resource['kind']} {name}"
        assert "namespace" not in resource["metadata"], "the environment chooses the namespace"


@every_overlay
def test_the_engine_is_what_its_base_says(overlay: str) -> None:
    said, resources = engine_facts(engine_of(overlay)), shipped(OVERLAYS / overlay)
    assert workload(resources)["kind"] == said["workload"]
    assert container(resources)["name"] == said["container"]
    images = {item["image"] for spec in pods(overlay) for item in spec["containers"]}
    assert images == set(said["images"])
    (port,) = (item for item in container(resources)["ports"] if item["containerPort"] == said["port"])
    assert port["name"] in ("http", "serve")


@pytest.mark.parametrize("engine", names(BASES / "serving"))
def test_an_engine_explains_itself_and_names_what_it_needs(engine: str) -> None:
    told, text = engine_facts(engine), (BASES / "serving" / engine / "README.md").read_text()
    assert text.startswith(f"# {engine}\n") and "**Needs**" in text
    assert set(told["needs"]) <= set(names(BASES / "platform"))
    operators = {"LeaderWorkerSet": "lws", "RayService": "kuberay-operator"}
    assert operators.get(told["workload"], "karpenter") in told["needs"]
    assert any(engine_of(name) == engine for name in NAMES), "nothing is served by it"


@pytest.mark.parametrize("overlay", TRITON)
def test_triton_finds_its_model_repository_under_the_name_of_the_model(overlay: str, tmp_path: Path) -> None:
    main, data = container(shipped(OVERLAYS / overlay)), one(shipped(OVERLAYS / overlay), "ConfigMap")["data"]
    assert set(data) == {"config.pbtxt", engine_facts("triton-vllm")["settings"], "model", "revision"}
    engine = json.loads(data["model.json"])
    for key in ("model", "revision"):
        assert data[key] == engine[key] == facts(overlay)[key], "the frontend would take another tokenizer"
    assert re.search(r'key: "ENABLE_VLLM_HEALTH_CHECK"\s+value: { string_value: "true" }', data["config.pbtxt"])
    assert not re.search(r"^name:", data["config.pbtxt"], re.MULTILINE), "the folder's name is the model's"
    shell, options, script, *words = main["command"]
    # The same script with the container's folders below a scratch folder, and a server that lists what it is given.
    mounted, server = tmp_path / "etc/triton", tmp_path / "opt/tritonserver/python/openai"
    mounted.mkdir(parents=True)
    (server / "openai_frontend").mkdir(parents=True)
    (tmp_path / "tmp").mkdir()
    (server / "openai_frontend/main.py").write_text("import sys; print(sys.argv[1:])")
    for name, content in data.items():
        (mounted / name).write_text(content)
    assert {"name": "settings", "mountPath": "/etc/triton", "readOnly": True} in main["volumeMounts"]
    script = re.sub(r"/(?=etc/|opt/|tmp/)", f"{tmp_path}/", script)
    (tmp_path / "huggingface_hub.py").write_text(
        "def snapshot_download(model, *, revision, ignore_patterns):\n"
        "    assert '*.safetensors' in ignore_patterns\n"
        "    return f'/cache/{model}/{revision}'\n"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(tmp_path),
        "MODEL_NAME": "chat",
        "MODEL_ID": data["model"],
        "MODEL_REVISION": data["revision"],
    }
    told = run([shell, options, script, *words, *main["args"]], cwd=tmp_path, timeout=60, env=environment)
    assert told.returncode == 0, told.stderr
    tokenizer = f"--tokenizer=/cache/{data['model']}/{data['revision']}"
    assert ast.literal_eval(told.stdout.decode()) == [tokenizer, *main["args"]]
    (repository,) = (word.partition("=")[2] for word in main["args"] if word.startswith("--model-repository="))
    model_folder = tmp_path / repository.lstrip("/") / "chat"
    assert (model_folder / "config.pbtxt").read_text() == data["config.pbtxt"]
    assert (model_folder / "1" / "model.json").read_text() == data["model.json"]


@pytest.mark.parametrize("overlay", [name for name in FLAGGED if name not in (*RAY, *TRITON)])
def test_the_settings_file_is_the_one_that_the_containers_read(overlay: str) -> None:
    engine = engine_facts(engine_of(overlay))
    config_map = one(shipped(OVERLAYS / overlay), "ConfigMap")
    said = {"model": facts(overlay)["model"], "revision": facts(overlay).get("revision", "main")}
    assert set(config_map["data"]) == {engine["settings"], *said}
    assert {name: config_map["data"][name] for name in said} == said, "features would find or fetch other weights"
    for spec in pods(overlay):
        main = spec["containers"][0]
        at = main["args"].index("--config")
        folder, _, file = main["args"][at + 1].rpartition("/")
        assert not any(arg.startswith("--config=") for arg in main["args"]), "vLLM ignores that form"
        assert file == engine["settings"]
        assert {"name": "settings", "mountPath": folder, "readOnly": True} in main["volumeMounts"]
        assert volume(spec, "settings")["configMap"]["name"] == config_map["metadata"]["name"]


@pytest.mark.parametrize("overlay", RAY)
def test_the_serve_config_is_the_file_s_text(overlay: str) -> None:
    resources = shipped(OVERLAYS / overlay)
    assert workload(resources)["spec"]["serveConfigV2"] == (OVERLAYS / overlay / "serve.yaml").read_text()
    assert not [resource for resource in resources if resource["kind"] == "ConfigMap"]


@pytest.mark.parametrize("overlay", RAY)
def test_serve_and_the_cluster_scale_between_the_same_bounds(overlay: str) -> None:
    spec = workload(shipped(OVERLAYS / overlay))["spec"]
    (workers,) = spec["rayClusterConfig"]["workerGroupSpecs"]
    (told,) = serve_config(workload(shipped(OVERLAYS / overlay)))["applications"][0]["args"]["llm_configs"]
    scaling = told["deployment_config"]["autoscaling_config"]
    assert spec["rayClusterConfig"]["enableInTreeAutoscaling"] is True
    assert (scaling["min_replicas"], scaling["max_replicas"]) == (workers["minReplicas"], workers["maxReplicas"])
    head = spec["rayClusterConfig"]["headGroupSpec"]
    assert head["rayStartParams"]["num-cpus"] == head["rayStartParams"]["num-gpus"] == "0"
    assert not devices(head["template"]["spec"]["containers"][0])


@every_flagged_overlay
def test_the_overlay_says_what_its_settings_say(overlay: str) -> None:
    said, told = facts(overlay), settings(shipped(OVERLAYS / overlay))
    assert told["model"] == said["model"]
    assert told.get("revision") == said.get("revision")
    assert ("revision" in told) != ("revision" in said["unverified"])
    ranks = told["tensor-parallel-size"] * told.get("pipeline-parallel-size", 1)
    assert ranks == said["devices"] * CORES_OF_A_DEVICE.get(said["engine"], 1)
    held = {
        int(spec["containers"][0]["resources"]["limits"][DEVICES[said["accelerator"]]]) for spec in engines(overlay)
    }
    assert held == {said["devices"] // said.get("nodes", 1)}
    assert overlay.endswith(f"-{said['engine'].removesuffix('-' + said['accelerator'])}-{said['accelerator']}")
    assert set(said["requires"]) <= set(names(BASES / "features"))
    assert ("hf-token" in said["requires"]) == bool(said["gated"])
    assert "max-model-len" in told or said["task"] == "image", (
        "without it the engine takes the model's maximum, and may not start"
    )


@every_flagged_overlay
def test_the_overlay_agrees_with_the_catalogue(overlay: str) -> None:
    said, told = facts(overlay), settings(shipped(OVERLAYS / overlay))
    known = model(said["model"])
    assert known is not None, f"{said['model']} is not in the catalogue"
    assert said["license"] == known.license
    assert bool(said["gated"]) == bool(known.gated)
    if "tool-call-parser" in told:
        family = tool_family(said["model"])
        assert told["tool-call-parser"] in (known.tool_call_parser, *(family.parsers if family else ()))
    if "reasoning-parser" in told:
        assert told["reasoning-parser"] == known.reasoning_parser
    if known.shape is None:
        assert "unsure" in said and told["tensor-parallel-size"] == 1, "nobody knows by what it can be divided"
    else:
        assert known.shape.attention_heads % told["tensor-parallel-size"] == 0
    for field in (
        "license",
        "gated",
        *(setting for setting in ("tool-call-parser", "reasoning-parser") if setting in told),
    ):
        assert known.is_verified(field) or field in said["unverified"], (
            f"{field} is not verified, and the overlay hides it"
        )


WITHOUT_TOOLS = {
    "deepseek-r1-lws-vllm-gpu": "vLLM parses its calls with a chat template that is no part of the model",
    "llama-3-2-1b-instruct-triton-vllm-gpu": "Triton's frontend has the parser, not the engine",
}


@every_flagged_overlay
def test_a_parser_that_the_model_has_is_used(overlay: str) -> None:
    known, told = model(facts(overlay)["model"]), settings(shipped(OVERLAYS / overlay))
    assert known is not None
    assert told.get("reasoning-parser") == known.reasoning_parser
    if overlay in WITHOUT_TOOLS:
        assert known.tool_call_parser and "tool-call-parser" not in told, "it is no exception"
    else:
        parser, family = told.get("tool-call-parser"), tool_family(known.id)
        if family is not None and parser is not None:
            assert parser in family.parsers
            assert (parser in family.templates) <= ("chat-template" in told), "the model's own asks for another form"
        else:
            assert parser == known.tool_call_parser
        assert bool(told.get("enable-auto-tool-choice")) == bool(known.tool_call_parser)


@pytest.mark.parametrize("overlay", [name for name in NAMES if "nodes" in facts(name)])
def test_a_group_has_a_pod_for_each_stage(overlay: str) -> None:
    said, told = facts(overlay), settings(shipped(OVERLAYS / overlay))
    group = workload(shipped(OVERLAYS / overlay))["spec"]["leaderWorkerTemplate"]
    assert group["size"] == said["nodes"] == told["pipeline-parallel-size"]
    leader, worker = ([*spec["containers"][0]["args"]] for spec in pods(overlay))
    assert [arg for arg in worker if arg != "--headless"] == [
        arg for arg in leader if not arg.startswith(("--shutdown-timeout", "--disable-access-log"))
    ]
    assert "--headless" in worker and "readinessProbe" not in pods(overlay)[1]["containers"][0]


def types_that_hold(spec: Resource) -> Iterator[InstanceType]:
    """Instance types of a pod's pool that have what its engine asks for."""
    pool, node_class = pool_of(spec)
    resources, main = spec["containers"][0]["resources"], devices(spec["containers"][0])
    families = requirement(pool, "karpenter.k8s.aws/instance-family")
    wanted = requirement(spec_affinity(spec), "karpenter.k8s.aws/instance-family") or families
    least_memory = requirement(spec_affinity(spec), "karpenter.k8s.aws/instance-gpu-memory")
    disk = next(
        m["ebs"]["volumeSize"] for m in node_class["spec"]["blockDeviceMappings"] if m["deviceName"] == "/dev/xvdb"
    )
    for kind in instance_types().values():
        accelerator = kind.accelerator
        if kind.family not in families or kind.family not in wanted:
            continue
        if main and (accelerator is None or accelerator.logical_count < main):
            continue
        if least_memory and (accelerator is None or (accelerator.memory_mib or 0) <= int(least_memory[0])):
            continue
        # A tenth of the memory, a core and 4 GiB of disk stay with the node and its daemons.
        if (
            kind.memory_mib * 2**20 * 0.9 - 2**30 >= quantity(resources["requests"]["memory"])
            and kind.vcpus - 1 >= quantity(resources["requests"]["cpu"])
            and max(quantity(disk), kind_disk(kind)) * 0.9 - 4 * 2**30
            >= quantity(resources["requests"]["ephemeral-storage"])
        ):
            yield kind


@every_overlay
def test_some_instance_type_of_the_pool_holds_each_pod(overlay: str) -> None:
    for spec in pods(overlay):
        assert list(types_that_hold(spec)), f"no type holds {spec['containers'][0]['resources']}"


@every_overlay
def test_an_overlay_names_the_choice_that_brings_its_pool(overlay: str) -> None:
    pools = {spec["nodeSelector"]["karpenter.sh/nodepool"] for spec in engines(overlay)}
    (wanted,) = pools - {"gpu", "neuron", "cpu-amd64"} or {None}
    assert facts(overlay).get("karpenter-choice") == wanted


def pool_of(spec: Resource) -> tuple[Resource, Resource]:
    karpenter = [*shipped(BASES / "platform" / "karpenter"), *chosen_pools()]
    name = spec["nodeSelector"]["karpenter.sh/nodepool"]
    found = {item["kind"]: item for item in karpenter if item["metadata"]["name"] == name}
    return found["NodePool"], found["EC2NodeClass"]


def chosen_pools() -> list[Resource]:
    """What the choices of the component karpenter bring."""
    folder = BASES / "platform" / "karpenter" / "choices"
    return [document for path, document in documents(folder) if path.name == "pool.yaml"]


def requirement(holder: Resource, key: str) -> list[str]:
    """Values of a requirement of a NodePool or of a pod's node affinity."""
    items = holder["spec"]["template"]["spec"]["requirements"] if "spec" in holder else holder["matchExpressions"]
    return list(next((item["values"] for item in items if item["key"] == key), []))


def spec_affinity(spec: Resource) -> Resource:
    node = spec.get("affinity", {}).get("nodeAffinity", {}).get("requiredDuringSchedulingIgnoredDuringExecution", {})
    term, *others = node.get("nodeSelectorTerms", [{"matchExpressions": []}])
    # On nodes of EKS Auto Mode the same labels have other names.
    twin = json.loads(json.dumps(term).replace("karpenter.k8s.aws/", "eks.amazonaws.com/"))
    assert others == ([] if twin == term else [twin])
    return dict(term)


def kind_disk(kind: InstanceType) -> float:
    return 0.0 if kind.instance_store is None else kind.instance_store.gb * 1e9


@every_overlay
def test_the_pods_tolerate_the_taints_of_their_pool(overlay: str) -> None:
    for spec in pods(overlay):
        for taint in pool_of(spec)[0]["spec"]["template"]["spec"].get("taints", []):
            assert any(
                toleration["key"] == taint["key"]
                and toleration["effect"] == taint["effect"]
                and (toleration["operator"] == "Exists" or toleration.get("value") == taint.get("value"))
                for toleration in spec["tolerations"]
            ), taint


@every_overlay
def test_shared_memory_lies_inside_the_memory_limit(overlay: str) -> None:
    for spec in pods(overlay):
        resources, shared = spec["containers"][0]["resources"], volume(spec, "shm")["emptyDir"]
        assert shared["medium"] == "Memory"
        assert resources["requests"]["memory"] == resources["limits"]["memory"], (
            "memory cannot be taken back from a process"
        )
        assert quantity(shared["sizeLimit"]) <= quantity(resources["limits"]["memory"]) / 2


@pytest.mark.parametrize("overlay", RAY)
def test_the_object_store_lies_inside_the_shared_memory(overlay: str) -> None:
    cluster = workload(shipped(OVERLAYS / overlay))["spec"]["rayClusterConfig"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        shared = volume(group["template"]["spec"], "shm")["emptyDir"]
        assert int(group["rayStartParams"]["object-store-memory"]) <= quantity(shared["sizeLimit"]) / 2


@every_overlay
def test_the_weights_fit_the_disk_that_the_pods_ask_for(overlay: str) -> None:
    for spec in engines(overlay):
        resources = spec["containers"][0]["resources"]
        assert facts(overlay)["weights-gb"] * 1e9 + 2 * 2**30 <= quantity(
            volume(spec, "cache")["emptyDir"]["sizeLimit"]
        )
        held = sum(
            quantity(item["emptyDir"]["sizeLimit"])
            for item in spec["volumes"]
            if "emptyDir" in item and item["emptyDir"].get("medium") != "Memory"
        )
        assert held <= quantity(resources["requests"]["ephemeral-storage"])


def startup_needs(overlay: str) -> float:
    said = facts(overlay)
    compiling = said.get("compile-seconds", COMPILE_SECONDS if said["accelerator"] == "neuron" else 0)
    last_node = LAST_NODE_SECONDS if "nodes" in said else 0
    fetching = said["weights-gb"] / said.get("gb-per-second", GB_PER_SECOND)
    return float(fetching + COLD_START_SECONDS + compiling + last_node)


@every_server
def test_the_start_up_budget_covers_download_and_cold_start(overlay: str) -> None:
    needed = startup_needs(overlay)
    assert startup_seconds(overlay) >= needed
    assert startup_seconds(overlay) <= max(ENGINE_READY_SECONDS, 2 * needed), (
        "a pod that hangs should not hang for hours"
    )
    comment = (OVERLAYS / overlay / "devices.yaml").read_text()
    assert f"{math.ceil(needed)} s" in comment or f"{math.floor(needed)} s" in comment, (
        "the arithmetic in devices.yaml is old"
    )


@every_flagged_server
def test_the_engine_waits_as_long_as_the_probe(overlay: str) -> None:
    told = settings(shipped(OVERLAYS / overlay))
    if engine_of(overlay) == "vllm-omni":
        assert min(told["init-timeout"], told["stage-init-timeout"]) >= startup_seconds(overlay)
        return
    engine = int(environment(overlay).get("VLLM_ENGINE_READY_TIMEOUT_S") or ENGINE_READY_SECONDS)
    assert engine >= startup_seconds(overlay)


@every_deployment
def test_a_rollout_is_not_called_failed_while_a_node_and_an_image_are_fetched(overlay: str) -> None:
    deadline = one(shipped(OVERLAYS / overlay), "Deployment")["spec"]["progressDeadlineSeconds"]
    assert deadline >= startup_seconds(overlay) + NODE_AND_IMAGE_SECONDS
    assert sync_timeout() > deadline


@every_server
def test_a_sync_waits_for_a_cold_start(overlay: str) -> None:
    assert sync_timeout() > startup_seconds(overlay) + NODE_AND_IMAGE_SECONDS


def sync_timeout() -> int:
    argocd = load(BASES / "platform" / "argocd" / "values.yaml")
    return int(argocd["configs"]["params"]["controller.sync.timeout.seconds"])


@every_flagged_server
def test_requests_in_flight_have_time_to_end(overlay: str) -> None:
    wait = container(shipped(OVERLAYS / overlay))["lifecycle"]["preStop"]["sleep"]["seconds"]
    drain = int(argument(overlay, "--shutdown-timeout") or 0)
    if overlay in TRITON:
        # Its server waits for them without being told.
        assert wait + 60 < pod(overlay)["terminationGracePeriodSeconds"]
        return
    if engine_of(overlay) in ("vllm-neuron", "vllm-omni"):
        # Its vLLM aborts them, or is not known to wait, so the wait before it is told to end covers them as well.
        assert drain == 0
        assert wait >= 60
    else:
        assert drain > 0, "vLLM's default aborts them"
    assert wait + drain < pod(overlay)["terminationGracePeriodSeconds"]
    for spec in engines(overlay):
        hold = spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert hold >= wait + drain or spec == pod(overlay), "the leader needs its workers until it has ended"
        assert hold < spec["terminationGracePeriodSeconds"]


@pytest.mark.parametrize("overlay", RAY)
def test_ray_gives_requests_in_flight_less_time_than_the_pod_has(overlay: str) -> None:
    (told,) = serve_config(workload(shipped(OVERLAYS / overlay)))["applications"][0]["args"]["llm_configs"]
    patience = told["deployment_config"]["graceful_shutdown_timeout_s"]
    assert 0 < patience < pod(overlay)["terminationGracePeriodSeconds"]
    assert patience < workload(shipped(OVERLAYS / overlay))["spec"]["rayClusterDeletionDelaySeconds"]


@every_server
def test_a_restart_needs_more_than_unreadiness(overlay: str) -> None:
    main = container(shipped(OVERLAYS / overlay))
    patience = {
        probe: main[probe]["periodSeconds"] * main[probe]["failureThreshold"]
        for probe in ("readinessProbe", "livenessProbe")
    }
    assert patience["livenessProbe"] > patience["readinessProbe"]
    path = engine_facts(engine_of(overlay)).get("health", "/health")
    # A liveness probe that asks the engine itself is tried in test_engines.py.
    asked = [probe for probe in (*patience, "startupProbe") if "exec" not in main[probe]]
    if engine_of(overlay) == "mlserver":  # what is alive may still wait for its model
        asked.remove("livenessProbe")
    assert {"readinessProbe", "startupProbe"} <= set(asked)
    assert all(main[probe]["httpGet"] == {"path": path, "port": "http"} for probe in asked)


@every_overlay
def test_the_pods_meet_the_namespace_s_pod_security_level(overlay: str) -> None:
    namespace = one(shipped(BASES / "platform" / "model-namespace"), "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
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
    for spec in pods(overlay):
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert all(set(item) - {"name"} <= allowed for item in spec["volumes"])
        assert not any(spec.get(field) for field in ("hostNetwork", "hostPID", "hostIPC"))
        for item in (*spec["containers"], *spec.get("initContainers", ())):
            context = item["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert not any("hostPort" in port for port in item.get("ports", ()))


@every_overlay
def test_the_namespace_has_what_the_pods_name(overlay: str) -> None:
    shared = shipped(BASES / "platform" / "model-namespace")
    accounts = {item["metadata"]["name"] for item in shared if item["kind"] == "ServiceAccount"}
    classes = {item["metadata"]["name"] for item in shared if item["kind"] == "PriorityClass"}
    (defaults,) = one(shared, "LimitRange")["spec"]["limits"]
    assert all(spec["serviceAccountName"] in accounts for spec in engines(overlay))
    for spec in pods(overlay):
        assert spec["priorityClassName"] in classes
        for item in (*spec["containers"], *spec.get("initContainers", ())):
            for resource, limit in defaults["default"].items():
                effective = item["resources"]["limits"].get(resource, limit)
                assert quantity(item["resources"]["requests"].get(resource, 0)) <= quantity(effective), (
                    f"{resource}: refused"
                )


@every_overlay
def test_features_can_append_to_every_list(overlay: str) -> None:
    for spec in pods(overlay):
        main = spec["containers"][0]
        assert main["env"] and main["volumeMounts"] and spec["volumes"]
        assert main.get("args") or overlay in RAY
    assert "topologySpreadConstraints" in pod(overlay) or "affinity" in pod(overlay)


@every_server
def test_the_chain_from_pod_to_monitor_is_closed(overlay: str) -> None:
    resources = shipped(OVERLAYS / overlay)
    labels = next(iter(pod_templates(resources).values()))["metadata"]["labels"]
    service, monitor = one(resources, "Service"), one(resources, "ServiceMonitor")
    assert service["spec"]["selector"].items() <= labels.items()
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    ports, (endpoint,) = service["spec"]["ports"], monitor["spec"]["endpoints"]
    assert len(ports) == (2 if engine_of(overlay) == "mlserver" else 1), "MLServer has a port of its own for metrics"
    assert endpoint["port"] == ports[-1]["name"]
    assert {port["targetPort"] for port in ports} <= {item["name"] for item in container(resources)["ports"]}
    policy = one(resources, "NetworkPolicy")
    assert {item["port"] for rule in policy["spec"]["ingress"] for item in rule.get("ports", ())} == {
        port["targetPort"] for port in ports
    }
    for template in list(pod_templates(resources).values())[1:]:
        assert not service["spec"]["selector"].items() <= template["metadata"]["labels"].items(), "it has no API"


@pytest.mark.parametrize("overlay", RAY)
def test_every_pod_of_ray_is_scraped_and_reached(overlay: str) -> None:
    resources = shipped(OVERLAYS / overlay)
    monitor, policy = one(resources, "PodMonitor")["spec"], one(resources, "NetworkPolicy")["spec"]
    (endpoint,) = monitor["podMetricsEndpoints"]
    declared = set()
    for template in pod_templates(resources).values():
        assert monitor["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
        ports = {item["name"] for item in template["spec"]["containers"][0]["ports"]}
        assert {endpoint["port"], "serve"} <= ports
        declared |= ports
    assert {item["port"] for rule in policy["ingress"] for item in rule.get("ports", ())} <= declared
    (port,) = workload(resources)["spec"]["serveService"]["spec"]["ports"]
    assert (port["name"], port["port"]) == ("serve", engine_facts("ray-vllm")["port"])


@every_overlay
def test_the_policy_covers_every_pod(overlay: str) -> None:
    resources = shipped(OVERLAYS / overlay)
    chosen = one(resources, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"]
    assert all(
        chosen.items() <= template["metadata"]["labels"].items() for template in pod_templates(resources).values()
    )


@every_overlay
def test_a_drain_can_always_end(overlay: str) -> None:
    budget = one(shipped(OVERLAYS / overlay), "PodDisruptionBudget")["spec"]
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    if overlay in RAY:
        # A RayCluster has no scale, so a number; the last worker goes with the pool's terminationGracePeriod.
        assert budget["minAvailable"] == 1 and "maxUnavailable" not in budget
        assert budget["selector"]["matchLabels"]["ray.io/node-type"] == "worker"
        (workers,) = workload(shipped(OVERLAYS / overlay))["spec"]["rayClusterConfig"]["workerGroupSpecs"]
        assert workers["minReplicas"] >= 1
        pool = next(yaml.safe_load_all((BASES / "platform" / "karpenter" / "pools" / "gpu.yaml").read_text()))
        assert pool["spec"]["template"]["spec"]["terminationGracePeriod"] == "1h"
    else:
        assert budget["maxUnavailable"] == 1 and "minAvailable" not in budget
