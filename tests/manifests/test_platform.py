"""The platform's components: what each brings, what each chart is told, and what an environment must add."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelyard.catalog import Chart, chart, instance_types
from tests.manifests.composition import BASES, Repository, build, load, names, one, shipped

PLATFORM = BASES / "platform"
COMPONENTS = names(PLATFORM)
every_component = pytest.mark.parametrize("component", COMPONENTS)
CHARTED = [name for name in COMPONENTS if "chart" in load(PLATFORM / name / "component.yaml")]

# Keys of ConfigMaps, written as they are: the chart's values list only some of them.
FREE_FORM = {
    "aibrix": {"gateway.envoyProxy.service"},  # templates/gateway-instance/gateway.yaml reads it
    "argo-cd": {"configs.cm", "configs.params", "configs.rbac"},
    # Written into the pod as it is.
    "kuberay-operator": {"resources"},
    "lws": {"podSecurityContext", "resources"},
}
# A subchart's values, which the parent's list holds only in part.
SUBCHARTS = {"kube-prometheus-stack": {"kube-state-metrics", "prometheus-node-exporter", "grafana"}}


def facts(component: str) -> dict[str, Any]:
    return dict(load(PLATFORM / component / "component.yaml"))


def known_chart(component: str) -> Chart:
    told = facts(component)["chart"]
    version = str(told.get("values-read-at", told["version"]))
    found = chart(told["name"], version)
    assert found is not None, f"the catalogue has no chart {told['name']} {version}"
    return found


@every_component
def test_a_component_explains_itself(component: str) -> None:
    text = (PLATFORM / component / "README.md").read_text()
    assert text.startswith(f"# {component}\n")
    assert "**The environment sets**" in text
    assert "**Works when**" in text
    if component in CHARTED:
        told = facts(component)["chart"]
        assert f"`{told['name']}` {told['version']}" in " ".join(text.split())
        assert f"{told['name']} {told['version']}" in (PLATFORM / component / "values.yaml").read_text().splitlines()[0]
    assert set(facts(component)["needs"]) <= set(COMPONENTS)


def test_needs_have_no_circle() -> None:
    done: list[str] = []
    while len(done) < len(COMPONENTS):
        ready = [name for name in COMPONENTS if name not in done and set(facts(name)["needs"]) <= set(done)]
        assert ready, f"{sorted(set(COMPONENTS) - set(done))} wait for each other"
        done.extend(ready)


@every_component
def test_namespaces_say_their_pod_security_level(component: str) -> None:
    for resource in shipped(PLATFORM / component):
        if resource["kind"] != "Namespace":
            continue
        labels = resource["metadata"]["labels"]
        assert {f"pod-security.kubernetes.io/{mode}" for mode in ("enforce", "warn", "audit")} <= set(labels)
        assert "Prune=confirm" in resource["metadata"]["annotations"]["argocd.argoproj.io/sync-options"]
        if labels["pod-security.kubernetes.io/enforce"] != "restricted":
            text = "".join(path.read_text() for path in (PLATFORM / component).glob("*.md"))
            assert f"`{labels['pod-security.kubernetes.io/enforce']}`" in text, "the reason is not written down"


@every_component
def test_every_namespace_has_a_network_policy_for_all_its_pods(component: str) -> None:
    resources = shipped(PLATFORM / component)
    covered = {
        resource["metadata"]["namespace"]
        for resource in resources
        if resource["kind"] == "NetworkPolicy" and resource["spec"]["podSelector"] == {}
    }
    assert {resource["metadata"]["name"] for resource in resources if resource["kind"] == "Namespace"} <= covered


@every_component
def test_peers_use_expressions_that_label_transformers_do_not_touch(component: str) -> None:
    for resource in shipped(PLATFORM / component):
        if resource["kind"] == "NetworkPolicy":
            assert "matchLabels" not in str(resource["spec"].get("ingress", [])) + str(
                resource["spec"].get("egress", [])
            )


@every_component
def test_custom_resources_wait_for_their_definitions(component: str) -> None:
    builtin = {
        "v1",
        "admissionregistration.k8s.io/v1",
        "apps/v1",
        "batch/v1",
        "networking.k8s.io/v1",
        "policy/v1",
        "scheduling.k8s.io/v1",
        "rbac.authorization.k8s.io/v1",
        "resource.k8s.io/v1",
        "storage.k8s.io/v1",
    }
    for resource in shipped(PLATFORM / component):
        if resource["apiVersion"] not in builtin:
            options = resource["metadata"].get("annotations", {}).get("argocd.argoproj.io/sync-options", "")
            assert "SkipDryRunOnMissingResource=true" in options, f"{resource['kind']} {resource['metadata']['name']}"


@pytest.mark.parametrize("component", CHARTED)
def test_the_chart_reads_every_key_that_is_set(component: str) -> None:
    known = known_chart(component)
    free = FREE_FORM.get(known.name, set()) | SUBCHARTS.get(known.name, set())
    values = load(PLATFORM / component / "values.yaml")
    assert not [key for key in known.unknown_keys(values) if not inside(key.path, free)]
    assert not [path for path in paths(values.get("global", {}), "global", known) if path not in known.keys]


def paths(values: dict[str, Any], above: str, known: Chart) -> Iterator[str]:
    """Yield every key below one, as the catalogue writes it, down to where the chart takes anything."""
    for key, value in values.items():
        path = f"{above}." + key.replace(".", "\\.")
        yield path
        if isinstance(value, dict) and not (path in known.keys and known.keys[path].open):
            yield from paths(value, path, known)


def inside(path: tuple[str, ...], free: set[str]) -> bool:
    return any(path[: len(parts)] == tuple(parts) for parts in (name.split(".") for name in free))


@pytest.mark.parametrize("component", CHARTED)
def test_values_have_the_type_of_the_default(component: str) -> None:
    known = known_chart(component)
    # A string as default may stand for anything; null says nothing.
    kinds: dict[str, type | tuple[type, ...]] = {
        "integer": int,
        "number": (int, float),
        "boolean": bool,
        "list": list,
        "object": dict,
    }

    def wrong(values: dict[str, Any], above: str) -> list[str]:
        found = []
        for key, value in values.items():
            path = above + key.replace(".", "\\.")
            entry = known.keys.get(path)
            if entry is not None and not isinstance(value, kinds.get(entry.type, object)):
                found.append(f"{path}: {value!r} is no {entry.type}")
            if isinstance(value, dict):
                found.extend(wrong(value, f"{path}."))
        return found

    assert not wrong(load(PLATFORM / component / "values.yaml"), "")


def test_a_misspelt_chart_key_would_be_found() -> None:
    values = load(PLATFORM / "karpenter" / "values.yaml")
    values["settings"]["interuptionQueue"] = "x"
    (unknown,) = known_chart("karpenter").unknown_keys(values)
    assert unknown.path == ("settings", "interuptionQueue")
    assert unknown.nearest == "interruptionQueue"


@pytest.mark.parametrize("component", CHARTED)
def test_every_controller_asks_for_memory_and_has_a_limit(component: str) -> None:
    def resources(value: Any, path: str = "") -> list[tuple[str, dict[str, Any]]]:
        if not isinstance(value, dict):
            return []
        own = [(path, value)] if "requests" in value else []
        return own + [found for key, item in value.items() for found in resources(item, f"{path}.{key}")]

    found = resources(load(PLATFORM / component / "values.yaml"))
    assert found or component.endswith("-crd"), "no requests are set"
    for path, item in found:
        assert item["requests"]["cpu"] and item["requests"]["memory"] and item["limits"]["memory"], path


# ---------------------------------------------------------------------------------------------------- Karpenter

POOLS = {"gpu": "nvidia.com/gpu", "neuron": "aws.amazon.com/neuron", "cpu-amd64": None, "cpu-arm64": None}


def pools() -> dict[str, dict[str, Any]]:
    return {
        item["metadata"]["name"]: item["spec"] for item in shipped(PLATFORM / "karpenter") if item["kind"] == "NodePool"
    }


def node_classes() -> dict[str, dict[str, Any]]:
    return {
        item["metadata"]["name"]: item["spec"]
        for item in shipped(PLATFORM / "karpenter")
        if item["kind"] == "EC2NodeClass"
    }


def test_each_pool_has_the_node_class_of_its_name() -> None:
    assert set(pools()) == set(node_classes()) == set(POOLS)
    for name, pool in pools().items():
        assert pool["template"]["spec"]["nodeClassRef"] == {
            "group": "karpenter.k8s.aws",
            "kind": "EC2NodeClass",
            "name": name,
        }


@pytest.mark.parametrize("name", POOLS)
def test_a_pool_s_families_are_of_its_architecture_and_have_its_devices(name: str) -> None:
    requirements = {item["key"]: item["values"] for item in pools()[name]["template"]["spec"]["requirements"]}
    for family in requirements["karpenter.k8s.aws/instance-family"]:
        types = [kind for kind in instance_types().values() if kind.family == family]
        if not types:
            assert name.startswith("cpu-"), f"the catalogue has no type of family {family}"
            continue
        assert {kind.architecture for kind in types} == set(requirements["kubernetes.io/arch"])
        devices = {"gpu": "gpu", "neuron": "neuron"}.get(name)
        assert {kind.accelerator.kind if kind.accelerator else None for kind in types} == {devices}


@pytest.mark.parametrize("name", POOLS)
def test_a_pool_has_a_ceiling_and_devices_are_counted(name: str) -> None:
    limits = pools()[name]["limits"]
    assert {"cpu", "memory"} <= set(limits)
    device = POOLS[name]
    assert device is None or int(limits[device]) > 0


def test_a_busy_model_is_not_moved_and_its_node_does_not_expire() -> None:
    for name in ("gpu", "neuron"):
        pool = pools()[name]
        assert pool["disruption"]["consolidationPolicy"] == "WhenEmpty"
        assert pool["disruption"]["budgets"] == [{"nodes": "1"}]
        assert pool["template"]["spec"]["expireAfter"] == "Never"
        assert {"key": POOLS[name], "effect": "NoSchedule"} in pool["template"]["spec"]["taints"]


def test_images_are_pinned_and_disks_encrypted() -> None:
    for name, spec in node_classes().items():
        (term,) = spec["amiSelectorTerms"]
        assert term["alias"].startswith("bottlerocket@v"), name
        assert spec["metadataOptions"]["httpTokens"] == "required"
        assert [mapping["deviceName"] for mapping in spec["blockDeviceMappings"]] == ["/dev/xvda", "/dev/xvdb"]
        assert all(mapping["ebs"]["encrypted"] for mapping in spec["blockDeviceMappings"])


def test_the_base_leaves_out_what_only_an_environment_knows() -> None:
    for spec in node_classes().values():
        assert not {"role", "instanceProfile", "subnetSelectorTerms", "securityGroupSelectorTerms"} & set(spec)
    settings = load(PLATFORM / "karpenter" / "values.yaml")["settings"]
    assert not {"clusterName", "interruptionQueue"} & set(settings)
    shared = shipped(PLATFORM / "model-namespace")
    assert "region" not in one(shared, "SecretStore")["spec"]["provider"]["aws"]
    assert one(shared, "ExternalSecret")["spec"]["data"][0]["remoteRef"].get("key") is None


def test_an_environment_adds_it_by_patches(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    terms = [{"tags": {"karpenter.sh/discovery": "my-platform-dev"}}]
    patch = [
        {"op": "add", "path": "/spec/role", "value": "my-platform-dev-karpenter-node"},
        {"op": "add", "path": "/spec/subnetSelectorTerms", "value": terms},
        {"op": "add", "path": "/spec/securityGroupSelectorTerms", "value": terms},
    ]
    folder = repository.platform(
        "karpenter", patches=[{"target": {"kind": "EC2NodeClass"}, "patch": json.dumps(patch)}]
    )
    for resource in build(folder):
        if resource["kind"] == "EC2NodeClass":
            assert resource["spec"]["role"] == "my-platform-dev-karpenter-node"
            assert resource["spec"]["subnetSelectorTerms"] == terms
        if resource["kind"] in {"NodePool", "EC2NodeClass"}:
            assert "namespace" not in resource["metadata"], "these kinds have none"
    folder = repository.platform(
        "model-namespace",
        patches=[
            {
                "target": {"kind": "SecretStore"},
                "patch": json.dumps([{"op": "add", "path": "/spec/provider/aws/region", "value": "us-west-2"}]),
            },
            {
                "target": {"kind": "ExternalSecret"},
                "patch": json.dumps(
                    [{"op": "add", "path": "/spec/data/0/remoteRef/key", "value": "my-platform-dev/hf-token"}]
                ),
            },
        ],
    )
    resources = build(folder)
    assert one(resources, "SecretStore")["spec"]["provider"]["aws"]["region"] == "us-west-2"
    assert one(resources, "ExternalSecret")["spec"]["data"][0]["remoteRef"]["key"] == "my-platform-dev/hf-token"


# ------------------------------------------------------------------------------------------------------ Argo CD


def test_the_default_project_permits_nothing() -> None:
    spec = one(shipped(PLATFORM / "argocd"), "AppProject")["spec"]
    assert one(shipped(PLATFORM / "argocd"), "AppProject")["metadata"]["name"] == "default"
    assert all(
        spec[field] == []
        for field in ("sourceRepos", "destinations", "clusterResourceWhitelist", "namespaceResourceWhitelist")
    )


def test_resources_are_tracked_by_annotation_and_nobody_has_a_role_by_default() -> None:
    configs = load(PLATFORM / "argocd" / "values.yaml")["configs"]
    assert configs["cm"]["application.resourceTrackingMethod"] == "annotation"
    assert configs["rbac"]["policy.default"] == ""
    assert not any(line.startswith("g,") for line in configs["rbac"]["policy.csv"].splitlines())


def test_controllers_use_priority_classes_that_exist() -> None:
    known = {"system-cluster-critical", "system-node-critical"} | {
        resource["metadata"]["name"]
        for component in COMPONENTS
        for resource in shipped(PLATFORM / component)
        if resource["kind"] == "PriorityClass"
    }
    for component in CHARTED:
        assert priority_classes(load(PLATFORM / component / "values.yaml")) <= known, component
    for component in COMPONENTS:
        for name, pod in own_pods(component):
            assert pod.get("priorityClassName") in known, f"{component}: the pods of {name} have no priority class"


@pytest.mark.parametrize("component", CHARTED)
def test_what_a_chart_runs_has_a_priority_class_where_it_can(component: str) -> None:
    if any(key.rpartition(".")[2] == "priorityClassName" for key in known_chart(component).keys):
        assert priority_classes(load(PLATFORM / component / "values.yaml")), "no priority class is set"
    elif not component.endswith("-crd"):
        text = " ".join((PLATFORM / component / "README.md").read_text().split())
        assert "priority class" in text, "that its pods cannot have one is not written down"


@every_component
def test_every_pod_of_ours_asks_for_what_it_needs(component: str) -> None:
    for name, pod in own_pods(component):
        for container in (*pod.get("initContainers", ()), *pod["containers"]):
            where, resources = f"{name}, container {container['name']}", container["resources"]
            assert resources["requests"]["cpu"] and resources["requests"]["memory"], where
            assert resources["limits"]["memory"], where


@every_component
def test_pods_of_ours_are_as_locked_up_as_their_namespace_says(component: str) -> None:
    """What the level `restricted` of Pod Security asks of a pod; other levels have their reason in the README."""
    levels = {
        resource["metadata"]["name"]: resource["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        for each in COMPONENTS
        for resource in shipped(PLATFORM / each)
        if resource["kind"] == "Namespace"
    }
    for name, pod in own_pods(component):
        if levels.get(facts(component)["namespace"]) != "restricted":
            continue
        own = pod.get("securityContext", {})
        assert not (pod.get("hostNetwork") or pod.get("hostPID") or pod.get("hostIPC")), name
        assert all("hostPath" not in volume for volume in pod.get("volumes", ())), name
        for container in (*pod.get("initContainers", ()), *pod["containers"]):
            security = {**own, **container.get("securityContext", {})}
            assert security["runAsNonRoot"] is True, name
            assert security["seccompProfile"]["type"] == "RuntimeDefault", name
            assert security["allowPrivilegeEscalation"] is False, name
            assert security["capabilities"]["drop"] == ["ALL"], name


def own_pods(component: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the spec of each pod that a component's own manifests make, with what makes it."""
    for resource in shipped(PLATFORM / component):
        spec = resource.get("spec")
        if not isinstance(spec, dict):
            continue
        template = spec.get("jobTemplate", {}).get("spec", spec).get("template")
        if isinstance(template, dict) and "containers" in template.get("spec", {}):
            yield f"{resource['kind']} {resource['metadata']['name']}", template["spec"]


def priority_classes(value: Any) -> set[str]:
    """Return the priority classes that values name."""
    if not isinstance(value, dict):
        return set()
    own = {str(value["priorityClassName"])} if "priorityClassName" in value else set()
    return own.union(*(priority_classes(item) for item in value.values())) if value else own
