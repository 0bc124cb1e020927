"""Rebuild the catalogue's arguments of AWS resources in Terraform: names, types, and the values that AWS takes.

Names and types come from the bindings that `terraform_provider_schema.py` reads; values and bounds from botocore's
models of AWS's own API, where an argument stands for a member of the same name. Both are read in their wheels.

Usage: python scripts/catalog_terraform.py [--check] [--bindings FILE] [--botocore FILE]
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import re
import sys
import tarfile
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from catalog_vllm import wheel
from terraform_provider_schema import PACKAGE, VERSION, Bindings, Schema, provider_version

TARGET = Path(__file__).resolve().parent.parent / "src/modelyard/catalog/data/aws/terraform"
BOTOCORE = "1.44.8"
READ = "2026-12-01"
# What clusters are made of: services by the first word of their types. Others are large, and no platform's.
FAMILIES = (
    "acm", "ami", "autoscaling", "budgets", "caller", "cloudwatch", "default", "ebs", "ec2", "ecr", "efs", "egress",
    "eip", "eks", "elasticache", "flow", "fsx", "iam", "instance", "internet", "key", "kms", "launch", "lb", "nat",
    "network", "partition", "placement", "prometheus", "region", "route", "route53", "s3", "secretsmanager", "security",
    "service", "servicequotas", "sns", "sqs", "ssm", "subnet", "subnets", "volume", "vpc", "vpcs", "availability",
)  # fmt: skip
_PASSED_OVER = re.compile(
    r"aws_(s3control|s3tables|s3vectors|route53(domains|profiles|recovery)|ssmcontacts|ssmincidents)"
)
# Blocks by their path in Terraform, and the shape of botocore that their arguments stand for.
SHAPES = {
    "aws_autoscaling_group": ("autoscaling", "CreateAutoScalingGroupType"),
    "aws_budgets_budget": ("budgets", "Budget"),
    "aws_budgets_budget.notification": ("budgets", "Notification"),
    "aws_cloudwatch_log_group": ("logs", "CreateLogGroupRequest"),
    "aws_cloudwatch_metric_alarm": ("cloudwatch", "PutMetricAlarmInput"),
    "aws_ebs_volume": ("ec2", "CreateVolumeRequest"),
    "aws_ec2_capacity_reservation": ("ec2", "CreateCapacityReservationRequest"),
    "aws_ecr_repository": ("ecr", "CreateRepositoryRequest"),
    "aws_ecr_repository.encryption_configuration": ("ecr", "EncryptionConfiguration"),
    "aws_efs_file_system": ("efs", "CreateFileSystemRequest"),
    "aws_efs_file_system.lifecycle_policy": ("efs", "LifecyclePolicy"),
    "aws_eks_access_entry": ("eks", "CreateAccessEntryRequest"),
    "aws_eks_access_policy_association": ("eks", "AssociateAccessPolicyRequest"),
    "aws_eks_addon": ("eks", "UpdateAddonRequest"),
    "aws_eks_cluster": ("eks", "CreateClusterRequest"),
    "aws_eks_cluster.access_config": ("eks", "CreateAccessConfigRequest"),
    "aws_eks_cluster.kubernetes_network_config": ("eks", "KubernetesNetworkConfigRequest"),
    "aws_eks_cluster.vpc_config": ("eks", "VpcConfigRequest"),
    "aws_eks_node_group": ("eks", "CreateNodegroupRequest"),
    "aws_eks_node_group.taint": ("eks", "Taint"),
    "aws_fsx_lustre_file_system": ("fsx", "CreateFileSystemLustreConfiguration"),
    "aws_iam_role": ("iam", "CreateRoleRequest"),
    "aws_instance.metadata_options": ("ec2", "InstanceMetadataOptionsRequest"),
    "aws_kms_key": ("kms", "CreateKeyRequest"),
    "aws_launch_template": ("ec2", "RequestLaunchTemplateData"),
    "aws_launch_template.block_device_mappings": ("ec2", "LaunchTemplateBlockDeviceMappingRequest"),
    "aws_launch_template.network_interfaces": (
        "ec2",
        "LaunchTemplateInstanceNetworkInterfaceSpecificationRequest",
    ),
    "aws_launch_template.tag_specifications": ("ec2", "LaunchTemplateTagSpecificationRequest"),
    "aws_lb": ("elbv2", "CreateLoadBalancerInput"),
    "aws_lb_listener": ("elbv2", "CreateListenerInput"),
    "aws_lb_target_group": ("elbv2", "CreateTargetGroupInput"),
    "aws_nat_gateway": ("ec2", "CreateNatGatewayRequest"),
    "aws_placement_group": ("ec2", "CreatePlacementGroupRequest"),
    "aws_s3_bucket_ownership_controls.rule": ("s3", "OwnershipControlsRule"),
    "aws_s3_bucket_server_side_encryption_configuration.rule": ("s3", "ServerSideEncryptionRule"),
    "aws_s3_bucket_server_side_encryption_configuration.rule.apply_server_side_encryption_by_default": (
        "s3",
        "ServerSideEncryptionByDefault",
    ),
    "aws_s3_bucket_versioning.versioning_configuration": ("s3", "VersioningConfiguration"),
    "aws_ssm_parameter": ("ssm", "PutParameterRequest"),
    "aws_vpc": ("ec2", "CreateVpcRequest"),
    "aws_vpc_endpoint": ("ec2", "CreateVpcEndpointRequest"),
}
# Bounds that AWS's models do not hold, with the page that does.
FURTHER: dict[str, dict[str, Any]] = {
    # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html; 0 keeps for ever
    "aws_cloudwatch_log_group.retention_in_days": {
        "values": [
            0,
            1,
            3,
            5,
            7,
            14,
            30,
            60,
            90,
            120,
            150,
            180,
            365,
            400,
            545,
            731,
            1096,
            1827,
            2192,
            2557,
            2922,
            3288,
            3653,
        ]
    },
    # https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html
    "aws_kms_key.deletion_window_in_days": {"min": 7, "max": 30},
    # https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html
    "aws_kms_key.rotation_period_in_days": {"min": 90, "max": 2560},
    # https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html; 0 deletes at once
    "aws_secretsmanager_secret.recovery_window_in_days": {"values": [0, *range(7, 31)]},
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
    "aws_sqs_queue.message_retention_seconds": {"min": 60, "max": 1209600},
    "aws_sqs_queue.visibility_timeout_seconds": {"min": 0, "max": 43200},
    "aws_sqs_queue.receive_wait_time_seconds": {"min": 0, "max": 20},
    "aws_sqs_queue.delay_seconds": {"min": 0, "max": 900},
    # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceMetadataOptionsRequest.html
    "aws_launch_template.metadata_options.http_put_response_hop_limit": {"min": 1, "max": 64},
    "aws_instance.metadata_options.http_put_response_hop_limit": {"min": 1, "max": 64},
    # https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateAddon.html: what is there is kept by an update alone
    "aws_eks_addon.resolve_conflicts_on_create": {"values": ["NONE", "OVERWRITE"]},
    "aws_eks_addon.resolve_conflicts_on_update": {"values": ["NONE", "OVERWRITE", "PRESERVE"]},
    # https://docs.aws.amazon.com/fsx/latest/APIReference/API_CreateFileSystemLustreConfiguration.html
    "aws_fsx_lustre_file_system.per_unit_storage_throughput": {"values": [12, 40, 50, 100, 125, 200, 250, 500, 1000]},
    # https://docs.aws.amazon.com/eks/latest/APIReference/API_LogSetup.html
    "aws_eks_cluster.enabled_cluster_log_types": {
        "values": ["api", "audit", "authenticator", "controllerManager", "scheduler"]
    },
    # https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ScanningRepositoryFilter.html
    "aws_ecr_registry_scanning_configuration.rule.repository_filter.filter_type": {"values": ["WILDCARD"]},
    # https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_RepositoryFilter.html
    "aws_ecr_replication_configuration.replication_configuration.rule.repository_filter.filter_type": {
        "values": ["PREFIX_MATCH"]
    },
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_NoncurrentVersionExpiration.html
    "aws_s3_bucket_lifecycle_configuration.rule.noncurrent_version_expiration.noncurrent_days": {"min": 1},
    # https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
    "aws_iam_role.max_session_duration": {"min": 3600, "max": 43200},
}
_WIDE = 60
"""Enumerations with more values than these, such as instance types, grow each month and are not kept."""


class Models:
    """Shapes of botocore's newest model of each service."""

    def __init__(self, opened: ZipFile) -> None:
        self._opened = opened
        self._read: dict[str, dict[str, Any]] = {}

    def members(self, service: str, shape: str) -> dict[str, tuple[str, dict[str, Any]]]:
        """Return the members of a shape by Terraform's spelling: the name of each one's shape, and the shape."""
        if service not in self._read:
            names = [
                n for n in self._opened.namelist() if re.match(rf"botocore/data/{service}/[\d-]+/service-2\.json", n)
            ]
            text = self._opened.read(max(names))
            self._read[service] = json.loads(gzip.decompress(text) if max(names).endswith(".gz") else text)["shapes"]
        shapes = self._read[service]
        found = {}
        for name, member in shapes[shape].get("members", {}).items():
            inner = shapes[member["shape"]]
            if inner["type"] == "list":
                inner = {**inner, "of": inner["member"]["shape"], "item": shapes[inner["member"]["shape"]]}
            found[_snake(name)] = (inner.get("of", member["shape"]), inner)
        return found


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _bounded(schema: Schema, path: str, models: Models, inherited: tuple[str, str] | None) -> Schema:
    """Return arguments in the short form of the catalogue, with what AWS takes for them."""
    at = SHAPES.get(path, inherited)
    members = models.members(*at) if at else {}
    found: Schema = {}
    for name, what in schema.items():
        if name in ("block", "timeouts"):
            continue
        shape, member = members.get(name, ("", {}))
        if isinstance(what, dict):
            inner = (at[0], shape) if at and member else None
            found[name] = {"": what["block"]} | _bounded(what, f"{path}.{name}", models, inner)
            continue
        further: dict[str, Any] = FURTHER.get(f"{path}.{name}", {})
        entry = {"type": what, **_values(what, member.get("item", member)), **further}
        found[name] = entry if len(entry) > 1 else what
    if "timeouts" in schema:
        found["timeouts"] = {"": "optional struct"} | {
            key: value for key, value in schema["timeouts"].items() if key != "block"
        }
    return found


def _values(what: str, member: dict[str, Any]) -> dict[str, Any]:
    if what == "read" or not member:
        return {}
    if member.get("enum") and what.endswith("string") and len(member["enum"]) <= _WIDE:
        return {"values": sorted(member["enum"])}
    if member.get("type") in ("integer", "long") and what.endswith("number"):
        return {bound: member[bound] for bound in ("min", "max") if bound in member}
    return {}


def families(bindings: Path, models: Models) -> dict[str, dict[str, dict[str, Schema]]]:
    """Return the arguments by family, kind and type."""
    found: dict[str, dict[str, dict[str, Schema]]] = {}
    with ZipFile(bindings) as opened:
        (archive,) = [name for name in opened.namelist() if name.endswith(".jsii.tgz")]
        packed = opened.read(archive)
    with tarfile.open(fileobj=io.BytesIO(packed)) as files:
        for member in files:
            module = re.fullmatch(r"package/lib/(data-)?([a-z0-9-]+)/index\.js", member.name)
            if module is None or (file := files.extractfile(member)) is None:
                continue
            name = "aws_" + module[2].removeprefix("aws-").replace("-", "_")
            family = name.split("_")[1]
            if family not in FAMILIES or _PASSED_OVER.match(name):
                continue
            text = file.read().decode()
            kind, path = ("data", f"data.{name}") if module[1] else ("resource", name)
            schema = _bounded(Bindings(text).schema(), path, models, None)
            found.setdefault(family, {"data": {}, "resource": {}})[kind][name] = schema
    return found


def record(bindings: Path, botocore: Path | None) -> dict[str, str]:
    """Return the text of each data file by its name."""
    with wheel(BOTOCORE, botocore, "botocore") as opened:
        read = families(bindings, Models(opened))
    told = (
        f"provider {provider_version(bindings)}, of {PACKAGE} {VERSION} (wheel); values and bounds: "
        f"botocore {BOTOCORE} (wheel), and the pages that scripts/catalog_terraform.py names"
    )
    return {
        f"{family}.json": "{\n"
        + f' "source": {json.dumps(told)},\n "read": "{READ}",\n'
        + ",\n".join(
            f' "{kind}": {{\n'
            + ",\n".join(
                f"  {json.dumps(n)}: {json.dumps(s, sort_keys=True, separators=(',', ':'))}"
                for n, s in sorted(types.items())
            )
            + "\n }"
            for kind, types in sorted(kinds.items())
        )
        + "\n}\n"
        for family, kinds in sorted(read.items())
    }


def main() -> int:
    """Write the files, or with --check say which differ; 1 then."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare only")
    parser.add_argument("--bindings", type=Path, required=True, help=f"the wheel of {PACKAGE} {VERSION}")
    parser.add_argument("--botocore", type=Path, help="a wheel of botocore that is there already")
    options = parser.parse_args()
    texts = record(options.bindings, options.botocore)
    if options.check:
        present = {path.name: path.read_text() for path in TARGET.glob("*.json")}
        differing = sorted(name for name in present.keys() | texts.keys() if present.get(name) != texts.get(name))
        print("\n".join(f"{name} is not what the wheels say" for name in differing))
        return 1 if differing else 0
    TARGET.mkdir(exist_ok=True)
    for path in TARGET.glob("*.json"):
        path.unlink()
    for name, text in texts.items():
        (TARGET / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
