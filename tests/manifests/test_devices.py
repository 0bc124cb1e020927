"""Devices and storage: pools that an environment may add, how GPUs are shared, which nodes the plugins run on."""

from __future__ import annotations

import email
import itertools
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelyard.catalog import instance_types
from modelyard.schemas import kubernetes_versions, validate
from modelyard.tooling import ToolMissing, run
from tests.manifests.composition import BASES, ROOT, Repository, Resource, build, load, names, one, shipped
from tests.manifests.environments import kustomization_of, rendered, write

PLATFORM = BASES / "platform"
CHOICES = PLATFORM / "karpenter" / "choices"
SHARING = {"none": [], "time-slicing": ["gpu-shared"], "mps": ["gpu-shared", "gpu-shared-mps"], "mig": ["gpu-mig"]}


class Environments:
    """Folders of environments, as the template writes them."""

    def __init__(self, root: Path) -> None:
        self.repository = Repository(root)

    def of(self, component: str, **answers: Any) -> list[Resource]:
        """Return what a component is in an environment with these answers."""
        return build(write(self.repository, component, **answers))


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Environments:
    return Environments(tmp_path_factory.mktemp("environments"))


def of_kind(resources: list[Resource], kind: str) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each["spec"] for each in resources if each["kind"] == kind}


def requirements(pool: dict[str, Any]) -> dict[str, list[str]]:
    return {each["key"]: each["values"] for each in pool["template"]["spec"]["requirements"]}


def illegal(resources: list[Resource]) -> Iterator[Any]:
    for version in kubernetes_versions():
        try:
            verdicts = validate(resources, version)
        except ToolMissing as missing:
            pytest.skip(str(missing))
        for resource, verdict in zip(resources, verdicts, strict=True):
            if verdict.status != "valid":
                yield resource["kind"], resource["metadata"]["name"], verdict.status, verdict.problems


# ------------------------------------------------------------------------------------------------------- pools


def test_every_set_of_answers_makes_legal_pools(environments: Environments) -> None:
    everything: list[Resource] = []
    for multinode, sharing, spot, ami in itertools.product(
        (False, True), SHARING, (False, True), ("bottlerocket", "al2023")
    ):
        resources = environments.of(
            "karpenter",
            gpu_multinode_pool=multinode,
            gpu_multinode_limit=64,
            gpu_sharing=sharing,
            gpu_shared_limit=4,
            spot_capacity=spot,
            device_ami=ami,
            image_snapshot_id="snap-0123456789abcdef0",
        )
        pools, classes = of_kind(resources, "NodePool"), of_kind(resources, "EC2NodeClass")
        added = (["gpu-multinode"] if multinode else []) + SHARING[sharing][:1]
        assert set(pools) == set(classes) == {"gpu", "neuron", "cpu-amd64", "cpu-arm64", *added}
        for name, pool in pools.items():
            capacity = requirements(pool)["karpenter.sh/capacity-type"]
            assert ("spot" in capacity) is (spot and name in ("gpu", "neuron")), name
            assert (name in ("gpu-multinode", "neuron")) <= (capacity[:2] == ["reserved", "on-demand"])
            assert ("reserved" in capacity) is ("capacityReservationSelectorTerms" in classes[name]), name
        for name, spec in classes.items():
            volumes = spec["blockDeviceMappings"]
            is_al2023 = ami == "al2023" and not name.startswith("cpu-")
            (term,) = spec["amiSelectorTerms"]
            assert term["alias"].startswith("al2023@v" if is_al2023 else "bottlerocket@v")
            assert [each["deviceName"] for each in volumes] == ["/dev/xvda"] + ([] if is_al2023 else ["/dev/xvdb"])
            assert all(each["ebs"]["encrypted"] for each in volumes)
            # Of the types with devices, only some of `neuron` have no disks of their own, and use the volume.
            assert ("snapshotID" in volumes[-1]["ebs"]) is (name == "neuron" and not is_al2023), name
            assert ("iops" in volumes[-1]["ebs"]) is (name == "neuron"), name
            assert readable(spec.get("userData", ""), is_al2023)
        everything += [each for each in resources if each["kind"] in ("NodePool", "EC2NodeClass")]
    assert not list(illegal(everything))


def test_pools_without_a_fast_volume_have_disks_of_their_own(environments: Environments) -> None:
    resources = environments.of("karpenter", gpu_multinode_pool=True, gpu_sharing="mig")
    classes = of_kind(resources, "EC2NodeClass")
    for name, pool in of_kind(resources, "NodePool").items():
        families = requirements(pool).get("karpenter.k8s.aws/instance-family", [])
        kinds = [kind for kind in instance_types().values() if kind.name.partition(".")[0] in families]
        fast = any("iops" in each["ebs"] for each in classes[name]["blockDeviceMappings"])
        if name.startswith("cpu-"):
            continue
        assert kinds, name
        assert fast is not all(kind.instance_store for kind in kinds), name


def readable(user_data: str, is_al2023: bool) -> bool:
    if not is_al2023:
        return not user_data or "settings" in tomllib.loads(user_data)
    config = yaml.safe_load(parts(user_data)["application/node.eks.aws"])
    return bool(config["kind"] == "NodeConfig" and config["spec"]["featureGates"] == {"FastImagePull": True})


def parts(user_data: str) -> dict[str, str]:
    """Return the parts of user data by their content type; a NodeConfig may stand alone."""
    if not user_data.startswith("MIME-Version:"):
        return {"application/node.eks.aws": user_data}
    message = email.message_from_string(user_data)
    return {each.get_content_type(): str(each.get_payload()) for each in message.walk() if not each.is_multipart()}


def test_answers_of_before_make_what_they_made(environments: Environments) -> None:
    assert "components:" not in rendered(kustomization_of("karpenter"))
    assert set(of_kind(environments.of("karpenter"), "NodePool")) == {
        each["metadata"]["name"] for each in shipped(PLATFORM / "karpenter") if each["kind"] == "NodePool"
    }


def choice(environments: Environments, **answers: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    resources = environments.of("karpenter", **answers)
    return of_kind(resources, "NodePool"), of_kind(resources, "EC2NodeClass")


@pytest.mark.parametrize("sharing", SHARING)
def test_limits_and_quota_count_what_pods_ask_for(environments: Environments, sharing: str) -> None:
    given = {"gpu_multinode_pool": True, "gpu_multinode_limit": 24, "gpu_sharing": sharing, "gpu_shared_limit": 6}
    pools, classes = choice(environments, **given)
    quota = of_kind(environments.of("model-namespace", **given), "ResourceQuota")["models"]["hard"]
    for resource in ("nvidia.com/gpu", "aws.amazon.com/neuron"):
        limits = [int(pool["limits"].get(resource, 0)) for pool in pools.values()]
        assert int(quota[f"requests.{resource}"]) == sum(limits), "what all pools may hold"
    for name in SHARING[sharing][:1]:
        settings = tomllib.loads(classes[name]["userData"])["settings"]["kubelet-device-plugins"]["nvidia"]
        shares = settings[sharing]["replicas"] if sharing != "mig" else 2
        assert int(pools[name]["limits"]["nvidia.com/gpu"]) == 6 * shares, "a node that is ready counts its shares"
        # One GPU a node: nodes on their way, which count as one GPU, are bounded by their number.
        assert pools[name]["limits"].get("nodes") == (None if sharing == "mig" else "6")


def test_nodes_joined_by_efa_are_whole_and_let_each_other_in(environments: Environments) -> None:
    pools, classes = choice(environments, gpu_multinode_pool=True)
    wanted = requirements(pools["gpu-multinode"])
    count = wanted["karpenter.k8s.aws/instance-gpu-count"]
    for family in wanted["karpenter.k8s.aws/instance-family"]:
        kinds = [
            kind
            for kind in instance_types().values()
            if kind.family == family and kind.accelerator and [str(kind.accelerator.count)] == count
        ]
        assert kinds, f"the catalogue has no type of family {family} with {count[0]} GPUs"
        assert all(kind.efa_interfaces >= 4 and kind.architecture == "amd64" for kind in kinds)
    spec = classes["gpu-multinode"]
    groups = [each["tags"] for each in spec["securityGroupSelectorTerms"]]
    terraform = "".join(path.read_text() for path in (ROOT / "terraform/modules/network").glob("*.tf"))
    assert {"modelyard.dev/security-group": "efa", "Name": "my-platform-dev-efa"} in groups
    assert '"modelyard.dev/security-group" = "efa"' in terraform
    assert 'name        = "${var.cluster_name}-efa"' in terraform
    assert spec["capacityReservationSelectorTerms"] == [{"tags": {"karpenter.sh/discovery": "my-platform-dev"}}]
    assert "networkInterfaces" not in spec, "types differ in how many they have"


@pytest.mark.parametrize(("how", "label"), [("time-slicing", "time-slicing"), ("mps", "mps")])
def test_both_images_share_a_gpu_among_as_many_pods(environments: Environments, how: str, label: str) -> None:
    pools, classes = choice(environments, gpu_sharing=how)
    assert requirements(pools["gpu-shared"])["karpenter.k8s.aws/instance-gpu-count"] == ["1"]
    labels = pools["gpu-shared"]["template"]["metadata"]["labels"]
    assert labels["nvidia.com/device-plugin.config"] == label
    assert (labels.get("nvidia.com/mps.capable") == "true") is (how == "mps")
    told = tomllib.loads(classes["gpu-shared"]["userData"])["settings"]["kubelet-device-plugins"]["nvidia"]
    assert told["device-sharing-strategy"] == how
    named = yaml.safe_load(load(PLATFORM / "nvidia-device-plugin" / "values.yaml")["config"]["map"][label])
    (share,) = named["sharing"][{"time-slicing": "timeSlicing", "mps": "mps"}[how]]["resources"]
    assert share == {"name": "nvidia.com/gpu", "replicas": told[how]["replicas"]}
    # Karpenter knows no nvidia.com/gpu.shared, and would start no node for it.
    assert told[how]["rename-by-default"] is False
    assert named["sharing"][{"time-slicing": "timeSlicing", "mps": "mps"}[how]]["renameByDefault"] is False


@pytest.mark.parametrize("sharing", ["time-slicing", "mig"])
def test_nobody_shares_by_accident(environments: Environments, sharing: str) -> None:
    pools, _ = choice(environments, gpu_sharing=sharing)
    taints = pools[SHARING[sharing][0]]["template"]["spec"]["taints"]
    assert {"key": "modelyard.dev/shared-device", "effect": "NoSchedule"} in taints


def test_every_gpu_that_is_cut_has_a_profile(environments: Environments) -> None:
    pools, classes = choice(environments, gpu_sharing="mig")
    told = tomllib.loads(classes["gpu-mig"]["userData"])["settings"]["kubelet-device-plugins"]["nvidia"]
    assert told["device-partitioning-strategy"] == "mig"
    families = requirements(pools["gpu-mig"])["karpenter.k8s.aws/instance-family"]
    gpus = {
        f"{kind.accelerator.name.lower()}.{round((kind.accelerator.memory_mib or 0) / 1000)}gb"
        for kind in instance_types().values()
        if kind.family in families and kind.accelerator
    }
    kinds = {key.partition(".")[0] for key in told["mig"]["profile"]}
    assert {gpu.partition(".")[0] for gpu in gpus} == kinds


def test_a_script_cuts_the_gpus_of_al2023_nodes(environments: Environments, tmp_path: Path) -> None:
    pools, classes = choice(environments, gpu_sharing="mig", device_ami="al2023")
    labels = pools["gpu-mig"]["template"]["metadata"]["labels"]
    assert labels["nvidia.com/device-plugin.config"] == "mig-single"
    families = requirements(pools["gpu-mig"])["karpenter.k8s.aws/instance-family"]
    gpus = {
        kind.accelerator.name
        for kind in instance_types().values()
        if kind.family in families and kind.accelerator is not None
    }
    assert gpus == {"H100", "H200"}, "an A100 has to be reset, which the script does not"
    bottlerocket = tomllib.loads(choice(environments, gpu_sharing="mig")[1]["gpu-mig"]["userData"])
    profiles = bottlerocket["settings"]["kubelet-device-plugins"]["nvidia"]["mig"]["profile"]
    for gpu, key in (("NVIDIA H100 80GB HBM3", "h100.80gb"), ("NVIDIA H200", "h200.141gb")):
        assert cut(classes["gpu-mig"]["userData"], gpu, tmp_path) == (
            0,
            ["-mig 1", f"mig --create-gpu-instance {profiles[key]},{profiles[key]} --default-compute-instance"],
        )
    status, calls = cut(classes["gpu-mig"]["userData"], "NVIDIA L4", tmp_path)
    assert (status, calls) == (1, []), "a GPU that is not known is left whole"


def cut(user_data: str, gpu: str, folder: Path) -> tuple[int, list[str]]:
    """Run the script of a node with a stand-in for nvidia-smi; return its status and what it changes of a device."""
    script, told = folder / "script.sh", folder / "calls"
    script.write_text(parts(user_data)["text/x-shellscript"].lstrip())
    told.write_text("")
    stand_in = folder / "nvidia-smi"
    stand_in.write_text(
        f'#!/bin/bash\ncase "$1" in\n  --list-gpus) ;;\n  --id=0) echo "{gpu}" ;;\n  *) echo "$*" >>"{told}" ;;\nesac\n'
    )
    stand_in.chmod(0o755)
    done = run(["bash", script], cwd=folder, timeout=60, env={"PATH": f"{folder}:/usr/bin:/bin"})
    return done.returncode, told.read_text().splitlines()


def test_the_plugin_runs_on_al2023_nodes_and_nowhere_else(environments: Environments) -> None:
    values = load(PLATFORM / "nvidia-device-plugin" / "values.yaml")
    (term,) = values["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    (expression,) = term["matchExpressions"]
    for ami in ("bottlerocket", "al2023"):
        pools, _ = choice(environments, gpu_multinode_pool=True, gpu_sharing="time-slicing", device_ami=ami)
        labelled = {
            name
            for name, pool in pools.items()
            if pool["template"].get("metadata", {}).get("labels", {}).get(expression["key"]) in expression["values"]
        }
        assert labelled == ({"gpu", "gpu-multinode", "gpu-shared"} if ami == "al2023" else set())
    claims = load(PLATFORM / "nvidia-dra-driver" / "values.yaml")["kubeletPlugin"]["affinity"]
    assert expression["key"] not in str(claims), "two would offer the same GPUs"


# ----------------------------------------------------------------------------------------------------- plugins


def selected_types(component: str) -> set[str]:
    spec = one(shipped(PLATFORM / component), "DaemonSet")["spec"]["template"]["spec"]
    terms = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    return {
        value
        for term in terms
        for each in term["matchExpressions"]
        if each["key"] == "node.kubernetes.io/instance-type"
        for value in each["values"]
    }


def test_the_neuron_plugin_runs_on_every_type_of_its_pool() -> None:
    families = requirements(of_kind(list(shipped(PLATFORM / "karpenter")), "NodePool")["neuron"])
    wanted = {
        kind.name
        for kind in instance_types().values()
        if kind.family in families["karpenter.k8s.aws/instance-family"] and kind.accelerator
    }
    assert wanted <= selected_types("neuron-device-plugin")


def test_the_efa_plugin_runs_on_every_type_that_has_efa(environments: Environments) -> None:
    pools, _ = choice(environments, gpu_multinode_pool=True)
    families = {
        family
        for name, pool in pools.items()
        if not name.startswith("cpu-")
        for family in requirements(pool)["karpenter.k8s.aws/instance-family"]
    }
    wanted = {kind.name for kind in instance_types().values() if kind.family in families and kind.efa_interfaces}
    assert wanted and wanted <= selected_types("efa-device-plugin")


@pytest.mark.parametrize("component", ["neuron-device-plugin", "efa-device-plugin"])
def test_plugins_tolerate_the_taints_of_their_nodes(component: str) -> None:
    tolerated = {
        each["key"]
        for each in one(shipped(PLATFORM / component), "DaemonSet")["spec"]["template"]["spec"]["tolerations"]
    }
    pools = of_kind(list(shipped(PLATFORM / "karpenter")), "NodePool")
    served = ["neuron"] if component.startswith("neuron") else ["neuron", "gpu"]
    assert {taint["key"] for name in served for taint in pools[name]["template"]["spec"]["taints"]} <= tolerated


def test_the_efa_plugin_comes_from_the_registry_of_the_region(environments: Environments) -> None:
    daemon = one(environments.of("efa-device-plugin"), "DaemonSet")
    (container,) = daemon["spec"]["template"]["spec"]["containers"]
    assert container["image"].startswith("602401143452.dkr.ecr.eu-west-1.amazonaws.com/eks/")
    assert container["image"].endswith(f":{load(PLATFORM / 'efa-device-plugin/component.yaml')['version']}")


def test_pods_name_the_scheduler_by_its_profile_and_it_finds_its_extension() -> None:
    resources = list(shipped(PLATFORM / "neuron-scheduler"))
    settings = yaml.safe_load(one(resources, "ConfigMap")["data"]["scheduler-configuration.yaml"])
    (profile,) = settings["profiles"]
    (patch,) = load(BASES / "features/neuron-scheduler/kustomization.yaml")["patches"]
    assert yaml.safe_load(patch["patch"])[0]["value"] == profile["schedulerName"] == "neuron-scheduler"
    (extender,) = settings["extenders"]
    service = one(resources, "Service")
    host = f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc.cluster.local"
    assert extender["urlPrefix"] == f"http://{host}:{service['spec']['ports'][0]['port']}"
    assert {each["name"] for each in extender["managedResources"]} >= {"aws.amazon.com/neuron"}
    assert settings["leaderElection"]["resourceNamespace"] == service["metadata"]["namespace"]


def test_claims_name_classes_that_are_there() -> None:
    resources = list(shipped(PLATFORM / "nvidia-dra-driver"))
    known = {"gpu.nvidia.com", "mig.nvidia.com", *of_kind(resources, "DeviceClass")}
    templates = of_kind(resources, "ResourceClaimTemplate")
    assert set(templates) == {"gpu-exclusive", "gpu-time-slicing", "gpu-mps", "gpu-mig-half"}
    strategies = set()
    for template in templates.values():
        (request,) = template["spec"]["devices"]["requests"]
        assert request["exactly"]["deviceClassName"] in known
        for config in template["spec"]["devices"].get("config", []):
            assert config["requests"] == [request["name"]]
            strategies.add(config["opaque"]["parameters"]["sharing"]["strategy"])
    assert strategies == {"TimeSlicing", "MPS"}
    gates = load(PLATFORM / "nvidia-dra-driver/values.yaml")["featureGates"]
    assert gates == {"TimeSlicingSettings": True, "MPSSupport": True}, "without its gate a claim is not prepared"


def test_models_that_share_a_gpu_name_the_claim_that_the_choice_brings(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    choice = "../../../../bases/platform/nvidia-dra-driver/choices/gpu-shared"
    brought = build(repository.platform("nvidia-dra-driver", components=[choice]))
    claim_of_platform = one(brought, "ResourceClaim")["metadata"]
    assert claim_of_platform["namespace"] == "models"
    for name, overlay in (("chat", "qwen3-1-7b-vllm-gpu"), ("embed", "qwen3-embedding-0-6b-vllm-gpu")):
        deployment = one(build(repository.model(name, overlay, ["dra-gpu-shared"])), "Deployment")
        spec = deployment["spec"]["template"]["spec"]
        (claim,) = spec["resourceClaims"]
        assert claim["resourceClaimName"] == claim_of_platform["name"], (
            "a template would give each pod a GPU of its own"
        )
        (container,) = spec["containers"]
        assert container["resources"]["claims"] == [{"name": claim["name"]}]
        assert "nvidia.com/gpu" not in container["resources"]["limits"]
        (share,) = [each for each in container["args"] if each.startswith("--gpu-memory-utilization=")]
        assert 4 * float(share.partition("=")[2]) < 0.92, "four of them leave room for what CUDA keeps"


# ----------------------------------------------------------------------------------------------------- choices


@pytest.mark.parametrize(
    "folder", [path.parent for path in sorted(PLATFORM.glob("*/choices/*/kustomization.yaml"))], ids=lambda it: it.name
)
def test_a_choice_is_a_component_that_its_readme_names(folder: Path) -> None:
    assert load(folder / "kustomization.yaml")["kind"] == "Component"
    assert folder.name in (folder.parents[1] / "README.md").read_text()


def test_choices_of_the_other_components_are_legal(tmp_path: Path) -> None:
    repository, found = Repository(tmp_path), []
    for component in ("nvidia-dra-driver", "aws-load-balancer-controller"):
        chosen = [
            f"../../../../bases/platform/{component}/choices/{name}" for name in names(PLATFORM / component / "choices")
        ]
        found += build(repository.platform(component, components=chosen))
    assert {"ComputeDomain", "IngressClassParams"} <= {each["kind"] for each in found}
    assert not list(illegal(found))


# ----------------------------------------------------------------------------------------------------- storage


def test_there_is_one_default_class_and_it_encrypts(environments: Environments) -> None:
    everything = {"shared_file_system": True, "lustre_file_system": True, "weights_mount": True}
    resources = environments.of("storage", **everything)
    classes = [each for each in resources if each["kind"] == "StorageClass"]
    default = [
        each
        for each in classes
        if each["metadata"].get("annotations", {}).get("storageclass.kubernetes.io/is-default-class") == "true"
    ]
    assert [each["metadata"]["name"] for each in default] == ["gp3"]
    assert default[0]["parameters"]["encrypted"] == "true"
    assert {each["metadata"]["name"] for each in classes} == {"gp3", "efs"}
    assert not list(illegal(resources))


def test_ids_of_terraform_reach_the_volumes_and_are_not_deployed(environments: Environments) -> None:
    folder = environments.repository.root / "environments/dev/platform/storage"
    environments.of("storage", shared_file_system=True, lustre_file_system=True, weights_mount=True)
    text = (folder / "kustomization.yaml").read_text()
    told = {
        "shared_file_system_id": "fs-0123456789abcdef0",
        "lustre_file_system_id": "fs-0fedcba9876543210",
        "lustre_dns_name": "fs-0fedcba9876543210.fsx.eu-west-1.amazonaws.com",
        "lustre_mount_name": "abcdef01",
    }
    for name, value in told.items():
        assert f"- {name}=\n" in text
        text = text.replace(f"- {name}=\n", f"- {name}={value}\n")
    (folder / "kustomization.yaml").write_text(text)
    resources = build(folder)
    assert not [each for each in resources if each["kind"] == "ConfigMap"]
    (efs,) = (each for each in resources if each["metadata"]["name"] == "efs")
    assert efs["parameters"]["fileSystemId"] == told["shared_file_system_id"]
    volumes = of_kind(resources, "PersistentVolume")
    lustre = volumes["lustre"]["csi"]
    assert lustre["volumeHandle"] == told["lustre_file_system_id"]
    assert lustre["volumeAttributes"] == {
        "dnsname": told["lustre_dns_name"],
        "mountname": told["lustre_mount_name"],
    }
    assert volumes["weights-s3"]["csi"]["volumeAttributes"] == {"bucketName": "my-platform-dev-models-111122223333"}


def test_volumes_are_for_the_claims_of_their_name_and_for_the_user_of_models(environments: Environments) -> None:
    resources = environments.of("storage", lustre_file_system=True, weights_mount=True)
    volumes, claims = of_kind(resources, "PersistentVolume"), of_kind(resources, "PersistentVolumeClaim")
    assert set(volumes) == set(claims) == {"lustre", "weights-s3"}
    for name, volume in volumes.items():
        assert volume["claimRef"] == {"namespace": "models", "name": name}
        assert claims[name]["volumeName"] == name and claims[name]["storageClassName"] == ""
        assert claims[name]["accessModes"] == volume["accessModes"]
        assert volume["persistentVolumeReclaimPolicy"] == "Retain"
    user = one(shipped(ROOT / "overlays/qwen3-1-7b-vllm-gpu"), "Deployment")["spec"]["template"]["spec"][
        "securityContext"
    ]
    assert {"allow-other", f"uid={user['runAsUser']}", f"gid={user['runAsGroup']}"} <= set(
        volumes["weights-s3"]["mountOptions"]
    )


# ------------------------------------------------------------------------------------------------ load balancers


def test_load_balancers_are_internal_and_their_certificates_are_not_made_at_render(environments: Environments) -> None:
    values = load(PLATFORM / "aws-load-balancer-controller/values.yaml")
    assert values["defaultLoadBalancerScheme"] == values["ingressClassParams"]["spec"]["scheme"] == "internal"
    assert (
        values["enableCertManager"] is True
        and "cert-manager" in load(PLATFORM / "aws-load-balancer-controller/component.yaml")["needs"]
    )
    own = yaml.safe_load(rendered(PLATFORM / "aws-load-balancer-controller/environment/values.yaml.jinja"))
    # Asked of the instance's metadata otherwise, which pods do not reach.
    assert own == {
        "clusterName": "my-platform-dev",
        "region": "eu-west-1",
        "vpcTags": {"modelyard.dev/cluster": "my-platform-dev"},
    }
    public = environments.of(
        "aws-load-balancer-controller",
        public_ingress=True,
    )
    (params,) = (each for each in public if each["kind"] == "IngressClassParams")
    assert params["spec"] == {"scheme": "internet-facing"}
    assert one(public, "IngressClass")["spec"]["parameters"]["name"] == params["metadata"]["name"]


def test_pod_identity_names_the_account_of_the_controller() -> None:
    name = load(PLATFORM / "aws-load-balancer-controller/values.yaml")["serviceAccount"]["name"]
    namespace = load(PLATFORM / "aws-load-balancer-controller/component.yaml")["namespace"]
    accounts = (ROOT / "terraform/modules/identity/platform.tf").read_text()
    assert f'{{ namespace = "{namespace}", name = "{name}" }}' in accounts
