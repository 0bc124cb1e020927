"""A model in an environment: identity, features and versions reach every object, and two of one kind do not meet."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard.catalog import feature_from_mapping, feature_problems, metrics
from tests.manifests.composition import (
    BASES,
    OVERLAYS,
    Repository,
    build,
    build_text,
    container,
    engine_bases,
    engine_images,
    engine_of,
    engines_for,
    feature_facts,
    load,
    names,
    one,
    pod_templates,
    serve_config,
    settings,
    shipped,
    template_versions,
    workload,
)

FEATURES = names(BASES / "features")
every_overlay = pytest.mark.parametrize("overlay", names(OVERLAYS))
every_feature = pytest.mark.parametrize("feature", FEATURES)


ENGINES = names(BASES / "serving")
KNOWN = {name: feature_from_mapping(name, feature_facts(name), engine_bases()) for name in FEATURES}
PLATFORM = names(BASES / "platform")


def an_overlay_of(engine: str) -> str:
    return next(overlay for overlay in names(OVERLAYS) if engine_of(overlay) == engine)


def together(overlay: str) -> list[str]:
    """Features of an engine that do not exclude each other, as many as there can be."""
    chosen: list[str] = []
    for feature in FEATURES:
        if not feature_problems([*chosen, feature], KNOWN, engine_of(overlay), PLATFORM):
            chosen.append(feature)
    return chosen


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


@every_overlay
def test_every_object_takes_the_name_of_the_model(repository: Repository, overlay: str) -> None:
    folder = repository.model("chat", overlay, together(overlay))
    resources = build(folder)
    for resource in resources:
        assert resource["metadata"]["name"].split("-")[0] == "chat", resource["metadata"]["name"]
        second = (resource["kind"], resource["metadata"]["name"]) in {("Service", "chat-on-demand")}
        assert resource["kind"] == "ConfigMap" or second or resource["metadata"]["name"] == "chat"
        assert resource["metadata"]["namespace"] == "models"
        assert resource["metadata"]["labels"]["app.kubernetes.io/instance"] == "chat"
    for template in pod_templates(resources).values():
        assert template["metadata"]["labels"]["app.kubernetes.io/instance"] == "chat"
    assert "serving" not in build_text(folder), "a reference to the base's name is left"


@pytest.mark.parametrize("overlay", [name for name in names(OVERLAYS) if engine_of(name) != "ray-vllm"])
def test_the_hash_of_the_settings_follows_the_rename(repository: Repository, overlay: str) -> None:
    resources = build(repository.model("chat", overlay))
    config_map = one(resources, "ConfigMap")["metadata"]["name"]
    assert config_map.startswith("chat-") and config_map != "chat-settings"
    for template in pod_templates(resources).values():
        (volume,) = (item for item in template["spec"]["volumes"] if "configMap" in item)
        assert volume["configMap"]["name"] == config_map


def test_a_ray_model_is_served_under_its_name(repository: Repository) -> None:
    resources = build(repository.model("chat", an_overlay_of("ray-vllm")))
    (told,) = serve_config(workload(resources))["applications"][0]["args"]["llm_configs"]
    assert told["model_loading_config"]["model_id"] == "chat"
    assert workload(resources)["spec"]["serveService"]["metadata"]["name"] == "chat"


def test_a_change_of_settings_rolls_the_pods(repository: Repository) -> None:
    folder = repository.model("chat", "qwen3-1-7b-vllm-gpu")
    before = one(build(folder), "ConfigMap")["metadata"]["name"]
    file = repository.root / "overlays/qwen3-1-7b-vllm-gpu/vllm.yaml"
    file.write_text(file.read_text() + "max-num-seqs: 64\n")
    assert one(build(folder), "ConfigMap")["metadata"]["name"] != before


def test_one_overlay_twice_in_one_environment(repository: Repository) -> None:
    features = ["same-zone"]
    first, second = (build(repository.model(name, "qwen3-1-7b-vllm-gpu", features)) for name in ("chat", "draft"))

    def identities(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
        return {(resource["kind"], resource["metadata"]["name"]) for resource in resources}

    assert not identities(first) & identities(second)
    for resources, name, other in ((first, "chat", second), (second, "draft", first)):
        strangers = one(other, "Deployment")["spec"]["template"]["metadata"]["labels"]
        for selector in selectors(resources):
            assert selector["app.kubernetes.io/instance"] == name
            assert not selector.items() <= strangers.items(), f"{selector} selects the other model's pods"


def selectors(resources: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Everything that picks pods by label."""
    spec = one(resources, "Deployment")["spec"]
    pod = spec["template"]["spec"]
    terms = pod["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    return [
        spec["selector"]["matchLabels"],
        one(resources, "Service")["spec"]["selector"],
        one(resources, "ServiceMonitor")["spec"]["selector"]["matchLabels"],
        one(resources, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        one(resources, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        *(constraint["labelSelector"]["matchLabels"] for constraint in pod["topologySpreadConstraints"]),
        *(term["labelSelector"]["matchLabels"] for term in terms),
    ]


def test_the_served_name_is_the_label_of_the_pod(repository: Repository) -> None:
    resources = build(repository.model("chat", "qwen3-1-7b-vllm-gpu"))
    main = container(resources)
    assert "--served-model-name=$(MODEL_NAME)" in main["args"]
    (source,) = (item["valueFrom"] for item in main["env"] if item["name"] == "MODEL_NAME")
    assert source["fieldRef"]["fieldPath"] == "metadata.labels['app.kubernetes.io/instance']"
    assert (
        one(resources, "Deployment")["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/instance"] == "chat"
    )


@every_overlay
def test_the_peers_of_network_policies_stay_as_they_were(repository: Repository, overlay: str) -> None:
    before = one(shipped(OVERLAYS / overlay), "NetworkPolicy")["spec"]
    after = one(build(repository.model("chat", overlay)), "NetworkPolicy")["spec"]
    assert after["ingress"] == before["ingress"]
    assert after["egress"] == before["egress"]
    assert after["podSelector"] != before["podSelector"]


def test_the_environment_tags_every_image(repository: Repository) -> None:
    for overlay in names(OVERLAYS):
        for resource in build(repository.model(overlay, overlay, together(overlay))):
            for image in images(resource):
                assert image.endswith(":v1.2.3"), f"{resource['kind']} runs {image}"


def images(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["image"]] if isinstance(value.get("image"), str) else []
        return own + [image for item in value.values() for image in images(item)]
    if isinstance(value, list):
        return [image for item in value for image in images(item)]
    return []


def test_an_environment_s_flag_comes_after_the_file(repository: Repository) -> None:
    resources = build(repository.model("chat", "qwen3-1-7b-vllm-gpu", args=["--max-model-len=4096"]))
    assert container(resources)["args"][-1] == "--max-model-len=4096"
    assert settings(resources)["max-model-len"] != 4096


@every_feature
def test_a_feature_says_whom_it_serves_and_what_it_needs(feature: str) -> None:
    facts = feature_facts(feature)
    known = {"description", "requires", "needs", "excludes"}
    assert known <= set(facts) <= known | {"workloads", "images", "environment", "assumes", "follows", "asks"}
    assert facts["description"] and not facts["description"].endswith(".")
    assert set(facts["needs"]) <= {*FEATURES, *names(BASES / "platform")}
    for other in facts["excludes"]:
        assert feature in feature_facts(other)["excludes"], f"{other} does not exclude {feature}"


@every_feature
def test_a_feature_is_a_component_and_patches_custom_resources_by_json(feature: str) -> None:
    kustomization = load(BASES / "features" / feature / "kustomization.yaml")
    assert kustomization["kind"] == "Component"
    for patch in kustomization.get("patches", ()):
        assert "target" in patch, "without a target a patch depends on the name that it repeats"
        body = yaml.safe_load(patch.get("patch") or (BASES / "features" / feature / patch["path"]).read_text())
        if patch["target"]["kind"] not in {"ConfigMap", "Deployment", "NetworkPolicy", "Service"}:
            assert isinstance(body, list), "a strategic merge drops list items of custom resources"


@every_feature
def test_what_a_feature_brings_takes_the_model_s_name_without_another_patch(feature: str) -> None:
    brought = [
        document
        for path in sorted((BASES / "features" / feature).glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
        if "metadata" in document
    ]
    parts = {
        target["select"].get("name", "serving")
        for replacement in feature_facts(feature).get("environment", {}).get("replacements", ())
        for target in replacement["targets"]
        if "metadata.name" in target["fieldPaths"]
    }
    assert {document["metadata"]["name"] for document in brought} <= {"serving", *parts}
    assert all(part.startswith("serving-") for part in parts)
    for engine in engines_for(feature):
        own = {resource["kind"] for resource in shipped(OVERLAYS / an_overlay_of(engine))}
        alike = [document["metadata"]["name"] for document in brought if document["kind"] in own]
        assert set(alike) <= parts, "two objects of a kind need two names"


def test_a_token_comes_from_the_secret_that_the_namespace_holds(repository: Repository) -> None:
    main = container(build(repository.model("chat", "llama-3-2-1b-instruct-vllm-gpu", ["hf-token"])))
    (reference,) = (item["valueFrom"]["secretKeyRef"] for item in main["env"] if item["name"] == "HF_TOKEN")
    external = one(shipped(BASES / "platform" / "model-namespace"), "ExternalSecret")["spec"]
    assert reference["name"] == external["target"]["name"]
    assert reference["key"] in {item["secretKey"] for item in external["data"]}


def test_zones_are_kept_or_spread_for_the_model_alone(repository: Repository) -> None:
    kept = one(build(repository.model("kept", "qwen3-1-7b-vllm-gpu", ["same-zone"])), "Deployment")
    (term,) = kept["spec"]["template"]["spec"]["affinity"]["podAffinity"][
        "requiredDuringSchedulingIgnoredDuringExecution"
    ]
    assert term == {
        "topologyKey": "topology.kubernetes.io/zone",
        "labelSelector": {"matchLabels": {"app.kubernetes.io/instance": "kept"}},
    }
    spread = one(build(repository.model("spread", "qwen3-1-7b-vllm-gpu", ["spread-zones"])), "Deployment")
    (constraint,) = (
        item
        for item in spread["spec"]["template"]["spec"]["topologySpreadConstraints"]
        if item["topologyKey"] == "topology.kubernetes.io/zone"
    )
    assert constraint["labelSelector"] == {"matchLabels": {"app.kubernetes.io/instance": "spread"}}


def test_keeping_one_zone_keeps_the_requirements_on_the_device(repository: Repository) -> None:
    before = one(shipped(OVERLAYS / "qwen3-32b-vllm-gpu"), "Deployment")["spec"]["template"]["spec"]["affinity"]
    after = one(build(repository.model("kept", "qwen3-32b-vllm-gpu", ["same-zone"])), "Deployment")
    affinity = after["spec"]["template"]["spec"]["affinity"]
    assert affinity["nodeAffinity"] == before["nodeAffinity"]
    assert "podAffinity" in affinity


def test_scaling_follows_the_model_and_owns_its_replicas(repository: Repository) -> None:
    resources = build(repository.model("chat", "qwen3-1-7b-vllm-gpu", ["scale-on-queue"]))
    scaled, deployment = one(resources, "ScaledObject")["spec"], one(resources, "Deployment")
    assert scaled["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "chat"}
    assert "replicas" not in deployment["spec"], "Git and the autoscaler would fight over it"
    waiting, held = scaled["triggers"]
    assert waiting["metadata"]["query"] == "sum(vllm:num_requests_waiting{model_name='chat'})"
    assert held["metadata"]["query"] == "sum(vllm:kv_cache_usage_perc{model_name='chat'}) or vector(0)"


@pytest.mark.parametrize("feature", ["scale-on-latency", "scale-on-queue"])
def test_scaling_asks_for_metrics_that_the_engine_has(repository: Repository, feature: str) -> None:
    exporter = metrics("vllm")
    assert exporter is not None
    scaled = one(build(repository.model("chat", "qwen3-1-7b-vllm-gpu", [feature])), "ScaledObject")["spec"]
    for trigger in scaled["triggers"]:
        query = trigger["metadata"]["query"]
        (name,) = re.findall(r"vllm:\w+", query)
        assert "model_name" in exporter.series[name].labels
        assert "{model_name='chat'}" in query
        assert ("metricType" in trigger) == ("seconds" in name), "seconds are not shared by replicas"


def test_the_template_tags_every_image_that_engines_and_features_use() -> None:
    images = template_versions()["images"]
    assert {item["name"] for item in images} >= set(engine_images())
    assert all(item["newTag"] not in {"", "latest"} for item in images)


def test_kuberay_is_told_the_ray_version_of_the_image() -> None:
    versions = template_versions()
    (tag,) = (item["newTag"] for item in versions["images"] if item["name"] == "rayproject/ray-llm")
    (patch,) = (yaml.safe_load(item["patch"]) for item in versions["patches"] if item["target"]["kind"] == "RayService")
    assert patch == [{"op": "replace", "path": "/spec/rayClusterConfig/rayVersion", "value": tag.partition("-")[0]}]
    shipped_version = workload(shipped(OVERLAYS / an_overlay_of("ray-vllm")))["spec"]["rayClusterConfig"]["rayVersion"]
    assert shipped_version == tag.partition("-")[0]
