"""What a plan would make: names, addresses, nodes, storage."""

import base64
import email
import ipaddress
import itertools
import json
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.terraform.configuration import CONFIGURATIONS, ROOT, Configuration, Plan

# AWS's own limits on names, by the type of resource and the attribute that holds the name.
NAME_LIMITS = {
    ("aws_iam_role", "name"): 64,
    ("aws_iam_instance_profile", "name"): 128,
    ("aws_iam_policy", "name"): 128,
    ("aws_s3_bucket", "bucket"): 63,
    ("aws_sqs_queue", "name"): 80,
    ("aws_cloudwatch_event_rule", "name"): 64,
    ("aws_eks_cluster", "name"): 100,
    ("aws_eks_node_group", "node_group_name"): 63,
    ("aws_efs_file_system", "creation_token"): 64,
    ("aws_launch_template", "name"): 128,
    ("aws_security_group", "name"): 255,
    ("aws_budgets_budget", "name"): 100,
}


def _parts(message: str) -> list[str]:
    """Return the texts of a MIME message of several parts."""
    return [str(each.get_payload()) for each in email.message_from_string(message).walk() if not each.is_multipart()]


def _networks(plan: Plan, kind: str) -> dict[str, ipaddress.IPv4Network]:
    return {
        it.key: ipaddress.IPv4Network(it.values["cidr_block"])
        for it in plan.of("aws_subnet", f"module.network[0].aws_subnet.{kind}[")
    }


def test_names_of_the_contract(planned: Callable[[str], Plan]) -> None:
    plan = planned("default")
    assert plan.one("module.karpenter[0].aws_iam_role.node").values["name"] == "my-platform-dev-karpenter-node"
    assert plan.one("module.karpenter[0].aws_iam_role.controller").values["name"] == "my-platform-dev-karpenter"
    assert plan.one("module.karpenter[0].aws_sqs_queue.interruption").values["name"] == "my-platform-dev-karpenter"
    assert plan.one("module.storage.aws_s3_bucket.models").values["bucket"] == "my-platform-dev-models-123456789012"
    tagged = [
        it
        for it in plan.of("aws_subnet")
        if (it.values["tags"] or {}).get("karpenter.sh/discovery") == "my-platform-dev"
    ]
    assert sorted(it.key for it in tagged) == ["us-west-2a", "us-west-2b", "us-west-2c", "us-west-2d"]
    tag = plan.one("module.cluster[0].aws_ec2_tag.discovery").values
    assert (tag["key"], tag["value"]) == ("karpenter.sh/discovery", "my-platform-dev")


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_derived_names_fit(planned: Callable[[str], Plan], configuration: str) -> None:
    lengths = {}
    for it in planned(configuration).resources:
        for (kind, attribute), limit in NAME_LIMITS.items():
            if it.type == kind and it.values.get(attribute):
                lengths[it.address] = (len(it.values[attribute]), limit)
    assert len(lengths) > 5
    assert {address: it for address, it in lengths.items() if it[0] > it[1]} == {}


@pytest.mark.parametrize("configuration", ["default", "largest", "auto-mode", "longest-names"])
def test_addresses_lie_within_their_network_and_do_not_overlap(
    planned: Callable[[str], Plan], configuration: str
) -> None:
    plan = planned(configuration)
    vpc = ipaddress.IPv4Network(plan.one("module.network[0].aws_vpc.this").values["cidr_block"])
    pods = ipaddress.IPv4Network(
        plan.one("module.network[0].aws_vpc_ipv4_cidr_block_association.pods").values["cidr_block"]
    )
    subnets = [network for kind in ("private", "public", "intra") for network in _networks(plan, kind).values()]
    assert all(it.subnet_of(vpc) for it in subnets)
    assert all(it.subnet_of(pods) for it in _networks(plan, "pods").values())
    everything = subnets + list(_networks(plan, "pods").values())
    assert not [pair for pair in itertools.combinations(everything, 2) if pair[0].overlaps(pair[1])]
    # EKS asks for subnets with at least 16 addresses for the control plane.
    assert min(it.num_addresses for it in everything) >= 16


def test_a_zone_that_is_added_moves_no_addresses(root: Configuration, planned: Callable[[str], Plan]) -> None:
    six = '["us-west-2a", "us-west-2b", "us-west-2c", "us-west-2d", "us-west-2e", "us-west-2f"]'
    more = root.test("plan", "default", f"-var=zones={six}")
    for kind in ("private", "public", "intra", "pods"):
        before = _networks(planned("default"), kind)
        assert len(_networks(more, kind)) == 6
        assert before.items() <= _networks(more, kind).items()


@pytest.mark.parametrize(
    "configuration, gateways, routes", [("default", 1, 4), ("largest", 4, 4), ("longest-names", 0, 0)]
)
def test_way_out(planned: Callable[[str], Plan], configuration: str, gateways: int, routes: int) -> None:
    plan = planned(configuration)
    assert len(plan.of("aws_nat_gateway")) == gateways
    assert len(plan.of("aws_route", "module.network[0].aws_route.private_internet")) == routes


def test_endpoints_and_flow_logs(planned: Callable[[str], Plan]) -> None:
    plan = planned("default")
    assert _endpoints(plan) == {"s3"}, "the gateway endpoint, which costs nothing"
    assert plan.one("module.network[0].aws_flow_log.this").values["traffic_type"] == "ALL"
    asked = {"ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "logs", "secretsmanager", "sqs", "sts"}
    assert _endpoints(planned("largest")) == {"s3", *asked}


def _endpoints(plan: Plan) -> set[str]:
    """Short names of the services that endpoints are for."""
    return {it.values["service_name"].split(".", 3)[3] for it in plan.of("aws_vpc_endpoint")}


def test_efa_group_allows_itself_and_nothing_else(planned: Callable[[str], Plan]) -> None:
    plan = planned("default")
    rules = [it for it in plan.resources if it.address.endswith("_rule.efa")]
    assert {it.type for it in rules} == {"aws_vpc_security_group_ingress_rule", "aws_vpc_security_group_egress_rule"}
    assert all(it.values["ip_protocol"] == "-1" and it.values["cidr_ipv4"] is None for it in rules)


def test_control_plane(planned: Callable[[str], Plan]) -> None:
    private = planned("default").one("module.cluster[0].aws_eks_cluster.this").values
    assert private["version"] == "1.35"
    assert private["access_config"][0]["authentication_mode"] == "API"
    assert private["access_config"][0]["bootstrap_cluster_creator_admin_permissions"] is True
    assert set(private["enabled_cluster_log_types"]) == {
        "api",
        "audit",
        "authenticator",
        "controllerManager",
        "scheduler",
    }
    assert private["encryption_config"][0]["resources"] == ["secrets"]
    assert (
        private["vpc_config"][0]["endpoint_private_access"],
        private["vpc_config"][0]["endpoint_public_access"],
    ) == (True, False)
    public = planned("largest").one("module.cluster[0].aws_eks_cluster.this").values
    assert public["vpc_config"][0]["public_access_cidrs"] == ["203.0.113.0/24"]
    assert public["access_config"][0]["bootstrap_cluster_creator_admin_permissions"] is False


def test_access_entries(planned: Callable[[str], Plan]) -> None:
    plan = planned("largest")
    granted = {
        it.key: it.values["policy_arn"].rpartition("/")[2]
        for it in plan.of("aws_eks_access_policy_association", "module.cluster[0]")
    }
    assert granted == {
        "arn:aws:iam::123456789012:role/developers": "AmazonEKSViewPolicy",
        "arn:aws:iam::123456789012:role/platform": "AmazonEKSClusterAdminPolicy",
    }


def test_node_groups(planned: Callable[[str], Plan]) -> None:
    plan = planned("largest")
    groups = {it.values["node_group_name"]: it.values for it in plan.of("aws_eks_node_group")}
    assert set(groups) == {"system", "gpu-dra", "shared", "capacity-block"}
    assert groups["system"]["ami_type"] == "BOTTLEROCKET_x86_64"
    assert groups["system"]["scaling_config"][0]["min_size"] == 2
    assert groups["capacity-block"]["capacity_type"] == "CAPACITY_BLOCK"
    assert groups["gpu-dra"]["taint"] == [{"key": "nvidia.com/gpu", "value": "true", "effect": "NO_SCHEDULE"}]
    template = plan.one('module.nodes[0].aws_launch_template.device["capacity-block"]').values
    assert template["instance_type"] == "p5.48xlarge"
    assert template["instance_market_options"][0]["market_type"] == "capacity-block"
    interfaces = [
        (each["network_card_index"], each["device_index"], each["interface_type"])
        for each in template["network_interfaces"]
    ]
    assert interfaces == [(0, 0, "interface"), (0, 1, "efa-only"), *((card, 0, "efa-only") for card in (1, 2, 3))]


def test_addons(planned: Callable[[str], Plan]) -> None:
    assert {it.key for it in planned("default").of("aws_eks_addon")} == {
        "aws-ebs-csi-driver", "aws-mountpoint-s3-csi-driver", "coredns", "eks-node-monitoring-agent",
        "eks-pod-identity-agent", "kube-proxy", "metrics-server", "vpc-cni",
    }  # fmt: skip
    largest = {it.key: it.values for it in planned("largest").of("aws_eks_addon")}
    assert {"aws-efs-csi-driver", "aws-fsx-csi-driver"} <= set(largest)
    assert largest["vpc-cni"]["addon_version"] == "v1.20.1-eksbuild.3"
    assert '"ENABLE_PREFIX_DELEGATION":"true"' in largest["vpc-cni"]["configuration_values"]
    assert '"enableNetworkPolicy":"true"' in largest["vpc-cni"]["configuration_values"]


def test_bucket_of_weights(planned: Callable[[str], Plan]) -> None:
    plan = planned("default")
    within = "module.storage."
    assert plan.one(f"{within}aws_s3_bucket.models").values["force_destroy"] is False
    assert (
        plan.one(f"{within}aws_s3_bucket_versioning.models").values["versioning_configuration"][0]["status"]
        == "Enabled"
    )
    (rule,) = plan.one(f"{within}aws_s3_bucket_server_side_encryption_configuration.models").values["rule"]
    assert rule["apply_server_side_encryption_by_default"][0]["sse_algorithm"] == "aws:kms"
    block = plan.one(f"{within}aws_s3_bucket_public_access_block.models").values
    assert all(
        block[it]
        for it in ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
    )
    assert "aws:SecureTransport" in plan.one(f"{within}aws_s3_bucket_policy.models").values["policy"]


def test_budget_counts_what_carries_the_tag(planned: Callable[[str], Plan]) -> None:
    budget = planned("largest").one("module.budget[0].aws_budgets_budget.this").values
    assert budget["limit_amount"] == "20000.00"
    assert budget["cost_filter"] == [{"name": "TagKeyValue", "values": ["user:modelyard.dev/cluster$my-platform-prod"]}]
    assert sorted((it["notification_type"], it["threshold"]) for it in budget["notification"]) == [
        ("ACTUAL", 50), ("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100),
    ]  # fmt: skip


def test_management_host_has_no_way_in(planned: Callable[[str], Plan]) -> None:
    plan = planned("largest")
    host = plan.one("module.management_host[0].aws_instance.this").values
    assert host["metadata_options"][0]["http_tokens"] == "required"
    assert host.get("key_name") is None
    ingress = plan.of("aws_vpc_security_group_ingress_rule", "module.management_host[0]")
    assert [it.values["security_group_id"] for it in ingress if it.address.endswith(".this")] == []


def test_registry(planned: Callable[[str], Plan]) -> None:
    plan = planned("largest")
    repository = plan.one('module.registry.aws_ecr_repository.this["vllm-patched"]').values
    assert repository["name"] == "my-platform-prod/vllm-patched"
    assert repository["image_tag_mutability"] == "IMMUTABLE"
    assert repository["image_scanning_configuration"][0]["scan_on_push"] is True
    rules = {it.key: it.values["upstream_registry_url"] for it in plan.of("aws_ecr_pull_through_cache_rule")}
    assert rules == {"ecr-public": "public.ecr.aws", "quay": "quay.io"}
    roles = {
        it.values["role"] for it in plan.of("aws_iam_role_policy", "module.registry.aws_iam_role_policy.pull_through")
    }
    assert roles == {"my-platform-prod-managed-node", "my-platform-prod-karpenter-node"}


def test_cached_images_are_encrypted_tagged_expired_and_scanned(planned: Callable[[str], Plan]) -> None:
    plan = planned("largest")
    templates = {it.key: it.values for it in plan.of("aws_ecr_repository_creation_template")}
    assert {key: it["prefix"] for key, it in templates.items()} == {
        "ecr-public": "my-platform-prod/ecr-public",
        "quay": "my-platform-prod/quay",
    }
    assert {key: it["image_tag_mutability"] for key, it in templates.items()} == {
        "ecr-public": "MUTABLE",
        "quay": "IMMUTABLE",
    }
    for it in templates.values():
        assert it["encryption_configuration"][0]["encryption_type"] == "KMS"
        assert ":key/" in it["encryption_configuration"][0]["kms_key"]
        assert '"untagged"' in it["lifecycle_policy"]
        # What Terraform did not make is found by these: by the budget, and by cleanup.sh.
        assert it["resource_tags"]["modelyard.dev/cluster"] == "my-platform-prod"
    policy = json.loads(plan.one("module.registry.aws_iam_role_policy.cache[0]").values["policy"])["Statement"]
    assert {it["Sid"] for it in policy} == {"MakeRepositories", "EncryptThem"}
    assert all(":repository/my-platform-prod/" in it for it in policy[0]["Resource"])
    scanning = plan.one("module.registry.aws_ecr_registry_scanning_configuration.this[0]").values
    assert (scanning["scan_type"], [it["scan_frequency"] for it in scanning["rule"]]) == ("BASIC", ["SCAN_ON_PUSH"])
    assert not planned("default").of("aws_ecr_registry_scanning_configuration")


def test_cluster_that_is_there_is_tagged_and_not_made(planned: Callable[[str], Plan]) -> None:
    plan = planned("existing-cluster")
    assert not [
        it for it in plan.resources if it.type in {"aws_vpc", "aws_eks_cluster", "aws_eks_node_group", "aws_eks_addon"}
    ]
    tagged = {it.values["resource_id"] for it in plan.of("aws_ec2_tag")}
    assert tagged == {"subnet-0aaaaaaaaaaaaaaaa", "subnet-0bbbbbbbbbbbbbbbb", "sg-0123456789abcdef0"}
    assert plan.of("aws_sqs_queue")


def test_auto_mode_makes_no_nodes(planned: Callable[[str], Plan]) -> None:
    plan = planned("auto-mode")
    assert not plan.of("aws_eks_node_group")
    cluster = plan.one("module.cluster[0].aws_eks_cluster.this").values
    assert cluster["compute_config"][0]["enabled"] is True
    assert cluster["storage_config"][0]["block_storage"][0]["enabled"] is True
    assert cluster["kubernetes_network_config"][0]["elastic_load_balancing"][0]["enabled"] is True


def test_user_data_of_the_management_host(terraform: str, tmp_path: Path) -> None:
    shutil.copy(ROOT / "modules/management-host/user-data.sh.tftpl", tmp_path)
    values = '{ cluster_name = "my-platform-prod", kubernetes_version = "1.36", region = "us-west-2" }'
    expression = f'templatefile("user-data.sh.tftpl", {values})'
    completed = Configuration(tmp_path).run("console", standard_input=expression)
    assert completed.returncode == 0, completed.stderr
    script = completed.stdout.strip().removeprefix("<<EOT\n").removesuffix("\nEOT")
    assert 'update-kubeconfig --name "my-platform-prod" --region "us-west-2"' in script
    assert "stable-1.36.txt" in script
    bash = shutil.which("bash")
    assert bash is not None
    checked = subprocess.run([bash, "-n"], input=script, capture_output=True, text=True, timeout=30, check=False)
    assert checked.returncode == 0, checked.stderr


def test_groups_with_devices_make_the_nodes_that_karpenter_makes(planned: Callable[[str], Plan]) -> None:
    plan = planned("largest")
    pools = ROOT.parent / "bases/platform/karpenter"
    (karpenter,) = [
        each for each in yaml.safe_load_all((pools / "pools/gpu.yaml").read_text()) if each["kind"] != "NodePool"
    ]
    patches = yaml.safe_load((pools / "choices/al2023/kustomization.yaml").read_text())["patches"]
    al2023 = {each["path"]: each["value"] for each in yaml.safe_load(patches[0]["patch"])}
    for name, user_data, mappings in (
        ("shared", karpenter["spec"]["userData"], karpenter["spec"]["blockDeviceMappings"]),
        ("gpu-dra", al2023["/spec/userData"], al2023["/spec/blockDeviceMappings"]),
    ):
        template = plan.one(f'module.nodes[0].aws_launch_template.device["{name}"]').values
        (metadata,) = template["metadata_options"]
        assert metadata["http_tokens"] == karpenter["spec"]["metadataOptions"]["httpTokens"]
        assert (
            metadata["http_put_response_hop_limit"] == karpenter["spec"]["metadataOptions"]["httpPutResponseHopLimit"]
        )
        devices = {each["device_name"]: each["ebs"][0] for each in template["block_device_mappings"]}
        assert list(devices) == [each["deviceName"] for each in mappings]
        for each in mappings:
            assert devices[each["deviceName"]]["volume_type"] == each["ebs"]["volumeType"]
            assert devices[each["deviceName"]]["encrypted"] == str(each["ebs"]["encrypted"]).lower()
        ours = base64.b64decode(template["user_data"]).decode()
        if name == "shared":
            settings = tomllib.loads(ours)["settings"]
            assert karpenter["spec"]["instanceStorePolicy"] == "RAID0"
            assert settings.pop("bootstrap-commands")["000-mount-instance-storage"]["mode"] == "always"
            assert settings == tomllib.loads(user_data)["settings"]
            assert (devices["/dev/xvdb"]["iops"], devices["/dev/xvdb"]["throughput"]) == (6000, 500)
        else:
            (part,) = _parts(ours)
            config = yaml.safe_load(part)
            assert config["spec"].pop("instance") == {"localStorage": {"strategy": "RAID0"}}
            assert config == yaml.safe_load(user_data)
            assert devices["/dev/xvda"]["volume_size"] == 40


def test_ranks_stand_close_and_gpus_are_cut_where_a_group_says_so(root: Configuration) -> None:
    groups = {
        "ranks": {
            "ami_type": "AL2023_x86_64_NVIDIA",
            "instance_types": ["p5.48xlarge"],
            "zones": ["us-west-2b"],
            "max_size": 2,
            "efa_network_cards": [0, 1],
            "placement_group": True,
        },
        "parts": {
            "ami_type": "AL2023_x86_64_NVIDIA",
            "instance_types": ["p5.4xlarge"],
            "max_size": 1,
            "mig_profiles": ["3g.40gb", "3g.40gb"],
        },
    }
    plan = root.test("plan", "default", f"-var=device_node_groups={json.dumps(groups)}")
    group = plan.one('module.nodes[0].aws_placement_group.device["ranks"]').values
    assert (group["name"], group["strategy"]) == ("my-platform-dev-ranks", "cluster")
    templates = {
        it.key: it.values for it in plan.of("aws_launch_template", "module.nodes[0].aws_launch_template.device[")
    }
    assert [each["group_name"] for each in templates["ranks"]["placement"]] == ["my-platform-dev-ranks"]
    assert not templates["parts"]["placement"]
    parts = {name: _parts(base64.b64decode(it["user_data"]).decode()) for name, it in templates.items()}
    assert len(parts["ranks"]) == 1
    config, script = parts["parts"]
    assert yaml.safe_load(config)["kind"] == "NodeConfig"
    assert '--create-gpu-instance "3g.40gb,3g.40gb"' in script
    bash = shutil.which("bash")
    assert bash is not None
    checked = subprocess.run([bash, "-n"], input=script, capture_output=True, text=True, timeout=30, check=False)
    assert checked.returncode == 0, checked.stderr
