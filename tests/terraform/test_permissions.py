"""Every policy, as the real provider renders it: exact resources, exact subjects, no more actions than are used."""

import json
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.terraform.configuration import CONFIGURATIONS, Configuration, Plan

ACCOUNT = "123456789012"
CLUSTER_ARN = f"arn:aws:eks:us-west-2:{ACCOUNT}:cluster/my-platform-dev"

# Actions that AWS allows on all resources only (Service Authorization Reference), or that the publisher of the policy
# guards by tags because names are not known beforehand.
ON_EVERYTHING = {
    "arc-zonal-shift:GetManagedResource",
    "ec2:AuthorizeSecurityGroupIngress",
    "ec2:CreateSecurityGroup",
    "ec2:RevokeSecurityGroupIngress",
    "ecr:GetAuthorizationToken",
    "elasticfilesystem:DescribeAccessPoints",
    "elasticfilesystem:DescribeFileSystems",
    "elasticfilesystem:DescribeMountTargets",
    "fsx:DescribeFileSystems",
    "iam:CreateServiceLinkedRole",
    "iam:ListInstanceProfiles",
    "logs:DescribeLogGroups",
    "logs:GetQueryResults",
    "logs:StopQuery",
    "pricing:GetProducts",
}
# What EKS Auto Mode launches has no name before either; AWS's guide binds it by the tags of the request.
AUTO_MODE = "module.cluster[0].aws_iam_role_policy.tag_nodes[0]"
LOAD_BALANCER = 'module.identity.aws_iam_role_policy.this["load-balancer-controller"]'


def _list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _statements(plan: Plan, *, trust: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    for address, attribute, document in plan.policies():
        if (attribute == "assume_role_policy") == trust:
            for statement in document["Statement"]:
                yield address, statement


def _policy(plan: Plan, address: str) -> dict[str, dict[str, Any]]:
    return {it["Sid"]: it for it in json.loads(plan.one(address).values["policy"])["Statement"]}


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_no_statement_allows_every_action_of_a_service(planned: Callable[[str], Plan], configuration: str) -> None:
    seen = 0
    for address, statement in _statements(planned(configuration), trust=False):
        if statement["Effect"] == "Deny" or (
            address.startswith("module.encryption.") and statement["Sid"] == "AdministerByIam"
        ):
            continue
        seen += 1
        assert not [action for action in _list(statement["Action"]) if "*" in action], (address, statement)
    assert seen > 10


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_everything_is_named_only_where_aws_knows_nothing_narrower(
    planned: Callable[[str], Plan], configuration: str
) -> None:
    for address, statement in _statements(planned(configuration), trust=False):
        if statement["Effect"] == "Deny" or "Principal" in statement or "*" not in _list(statement["Resource"]):
            continue
        if address == AUTO_MODE:
            bound = statement["Condition"]["StringEquals"]["aws:RequestTag/eks:eks-cluster-name"]
            assert bound == "${aws:PrincipalTag/eks:eks-cluster-name}"
            continue
        for action in _list(statement["Action"]):
            described = action.partition(":")[2].startswith("Describe") and action.startswith("ec2:")
            if action in ON_EVERYTHING or described or address == LOAD_BALANCER:
                continue
            raise AssertionError(f"{address} allows {action} on everything")


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_accounts_of_pods_are_bound_to_cluster_namespace_and_name(
    planned: Callable[[str], Plan], configuration: str
) -> None:
    plan = planned(configuration)
    bound = {}
    for address, statement in _statements(plan, trust=True):
        if _list(statement["Principal"].get("Service", "")) != ["pods.eks.amazonaws.com"]:
            continue
        assert sorted(_list(statement["Action"])) == ["sts:AssumeRole", "sts:TagSession"]
        tags = {
            key.removeprefix("aws:RequestTag/"): set(_list(value))
            for key, value in statement["Condition"]["StringEquals"].items()
        }
        assert set(tags) == {"eks-cluster-arn", "kubernetes-namespace", "kubernetes-service-account"}, address
        assert not any("*" in value for values in tags.values() for value in values)
        bound[plan.one(address).values["name"]] = tags
    associations = plan.of("aws_eks_pod_identity_association")
    for it in associations:
        assert any(
            it.values["namespace"] in tags["kubernetes-namespace"]
            and it.values["service_account"] in tags["kubernetes-service-account"]
            for tags in bound.values()
        ), it.address
    assert len(associations) >= len(bound) > 0


def test_associations_of_the_default(planned: Callable[[str], Plan]) -> None:
    found = {
        (it.values["namespace"], it.values["service_account"])
        for it in planned("default").of("aws_eks_pod_identity_association")
    }
    assert found == {
        ("external-secrets", "external-secrets"),
        ("kube-system", "aws-load-balancer-controller"),
        ("kube-system", "aws-node"),
        ("kube-system", "ebs-csi-controller-sa"),
        ("kube-system", "karpenter"),
        ("kube-system", "s3-csi-driver-sa"),
        ("logging", "fluent-bit"),
        ("models", "model"),
        ("models", "results-writer"),
        ("models", "weights-writer"),
        ("monitoring", "grafana"),
    }


def test_auto_mode_gives_no_rights_that_eks_has_itself(planned: Callable[[str], Plan]) -> None:
    plan = planned("auto-mode")
    names = {it.values["service_account"] for it in plan.of("aws_eks_pod_identity_association")}
    assert names == {
        "efs-csi-controller-sa",
        "external-secrets",
        "fluent-bit",
        "grafana",
        "model",
        "results-writer",
        "s3-csi-driver-sa",
        "weights-writer",
    }
    assert not plan.of("aws_sqs_queue")
    # Without it EKS launches no node whose class has a tag.
    policy = _policy(plan, "module.cluster[0].aws_iam_role_policy.tag_nodes[0]")
    launch = policy["LaunchNodesOfThisCluster"]
    assert set(_list(launch["Action"])) == {"ec2:CreateFleet", "ec2:CreateLaunchTemplate", "ec2:RunInstances"}
    assert launch["Condition"]["StringEquals"] == {
        "aws:RequestTag/eks:eks-cluster-name": "${aws:PrincipalTag/eks:eks-cluster-name}"
    }
    assert {it.key for it in plan.of("aws_eks_addon")} == {
        "aws-efs-csi-driver",
        "aws-mountpoint-s3-csi-driver",
        "metrics-server",
    }


def test_external_secrets_reads_the_named_secrets_and_nothing_else(planned: Callable[[str], Plan]) -> None:
    policy = _policy(planned("default"), 'module.identity.aws_iam_role_policy.this["external-secrets"]')
    assert set(policy) == {"ReadNamedSecrets", "DecryptThem"}
    assert set(_list(policy["ReadNamedSecrets"]["Action"])) == {
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetSecretValue",
    }
    assert all(":secret:of-this-environment-" in it for it in _list(policy["ReadNamedSecrets"]["Resource"]))
    assert policy["DecryptThem"]["Condition"] == {
        "StringEquals": {"kms:ViaService": "secretsmanager.us-west-2.amazonaws.com"}
    }


def test_models_read_weights_and_cannot_write(planned: Callable[[str], Plan]) -> None:
    policy = _policy(planned("default"), 'module.identity.aws_iam_role_policy.this["model"]')
    bucket = f"arn:aws:s3:::my-platform-dev-models-{ACCOUNT}"
    assert {(it["Action"], it["Resource"]) for it in policy.values() if it["Sid"] != "DecryptWeights"} == {
        ("s3:ListBucket", bucket),
        ("s3:GetObject", f"{bucket}/*"),
    }


def test_jobs_write_weights_and_delete_none(planned: Callable[[str], Plan]) -> None:
    policy = _policy(planned("default"), 'module.identity.aws_iam_role_policy.this["weights-writer"]')
    assert policy["WriteWeights"]["Resource"] == f"arn:aws:s3:::my-platform-dev-models-{ACCOUNT}/*"
    assert sorted(policy["WriteWeights"]["Action"]) == [
        "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:PutObject",
    ]  # fmt: skip
    assert policy["EncryptWeights"]["Condition"] == {"StringEquals": {"kms:ViaService": "s3.us-west-2.amazonaws.com"}}


def test_load_tests_write_below_one_folder_and_read_nothing(planned: Callable[[str], Plan]) -> None:
    policy = _policy(planned("default"), 'module.identity.aws_iam_role_policy.this["results-writer"]')
    bucket = f"arn:aws:s3:::my-platform-dev-models-{ACCOUNT}"
    assert set(policy) == {"WriteResults", "EncryptResults"}
    assert policy["WriteResults"]["Resource"] == f"{bucket}/load-tests/*"
    assert "s3:GetObject" not in policy["WriteResults"]["Action"]


def test_every_model_namespace_has_its_account(planned: Callable[[str], Plan]) -> None:
    found = {
        it.values["namespace"]
        for it in planned("largest").of("aws_eks_pod_identity_association")
        if it.values["service_account"] == "model"
    }
    assert found == {"models", "models-batch"}


def test_a_model_with_an_identity_of_its_own(root: Configuration) -> None:
    model = root.directory.parent / "environments/dev/models/a-model-whose-name-is-quite-long-for-a-role-in-iam"
    model.mkdir(parents=True)
    (model / "identity.yaml").write_text("serviceAccount: chat\nbuckets:\n  - {name: my-adapters, prefix: chat/}\n")
    try:
        plan = root.test("plan", "default")
    finally:
        shutil.rmtree(root.directory.parent / "environments")
    key = f"model-{model.name}"
    policy = _policy(plan, f'module.identity.aws_iam_role_policy.this["{key}"]')
    assert policy["Read0"]["Resource"] == "arn:aws:s3:::my-adapters/chat/*"
    assert policy["List0"]["Condition"] == {"StringLike": {"s3:prefix": "chat/*"}}
    assert {"ListWeights", "ReadWeights", "DecryptWeights"} < set(policy)
    association = plan.one('module.identity.aws_eks_pod_identity_association.this["models/chat"]').values
    assert (association["namespace"], association["service_account"]) == ("models", "chat")
    name = plan.one(f'module.identity.aws_iam_role.this["{key}"]').values["name"]
    assert len(name) <= 64
    assert name.startswith("my-platform-dev-model-a-model-whose-name")


def test_karpenter_of_its_pinned_version(planned: Callable[[str], Plan]) -> None:
    plan = planned("default")
    allowed = {}
    for it in plan.of("aws_iam_policy", "module.karpenter[0]"):
        for statement in json.loads(it.values["policy"])["Statement"]:
            allowed[statement["Sid"]] = statement
        assert len(json.dumps(json.loads(it.values["policy"]), separators=(",", ":"))) <= 6144
    assert allowed["AllowPassingInstanceRole"]["Resource"] == [
        f"arn:aws:iam::{ACCOUNT}:role/my-platform-dev-karpenter-node"
    ]
    assert allowed["AllowInterruptionQueueActions"]["Resource"] == [
        f"arn:aws:sqs:us-west-2:{ACCOUNT}:my-platform-dev-karpenter"
    ]
    assert allowed["AllowAPIServerEndpointDiscovery"]["Resource"] == [CLUSTER_ARN]
    # Needed since Karpenter 1.12; without it nodes are never seen as healthy.
    assert "ec2:DescribeInstanceStatus" in allowed["AllowRegionalReadActions"]["Action"]
    assert "ec2:DescribePlacementGroups" in allowed["AllowRegionalReadActions"]["Action"]
    owned = {"aws:ResourceTag/kubernetes.io/cluster/my-platform-dev": "owned"}
    assert allowed["AllowScopedDeletion"]["Condition"]["StringEquals"] == owned
    for sid in ("AllowScopedEC2InstanceActionsWithTags", "AllowScopedResourceCreationTagging", "AllowScopedDeletion"):
        assert all(f":{ACCOUNT}:" in it for it in allowed[sid]["Resource"])
    assert {action.partition(":")[0] for it in allowed.values() for action in it["Action"]} == {
        "arc-zonal-shift", "ec2", "eks", "iam", "pricing", "sqs", "ssm",
    }  # fmt: skip
    entry = plan.one("module.karpenter[0].aws_eks_access_entry.node").values
    assert entry["type"] == "EC2_LINUX"


def test_karpenter_hears_of_interruptions(planned: Callable[[str], Plan]) -> None:
    plan = planned("default")
    patterns = [json.loads(it.values["event_pattern"]) for it in plan.of("aws_cloudwatch_event_rule")]
    assert {(*it["source"], *it["detail-type"]) for it in patterns} == {
        ("aws.ec2", "EC2 Capacity Reservation Instance Interruption Warning"),
        ("aws.ec2", "EC2 Instance Rebalance Recommendation"),
        ("aws.ec2", "EC2 Instance State-change Notification"),
        ("aws.ec2", "EC2 Spot Instance Interruption Warning"),
        ("aws.health", "AWS Health Event"),
    }
    queue = _policy(plan, "module.karpenter[0].aws_sqs_queue_policy.interruption")
    assert queue["EventBridgeSends"]["Principal"] == {"Service": "events.amazonaws.com"}
    assert ":rule/" in json.dumps(queue["EventBridgeSends"]["Condition"])
    assert queue["OnlyByTls"]["Effect"] == "Deny"


def test_nodes_cannot_change_networks_or_hand_out_their_credentials(planned: Callable[[str], Plan]) -> None:
    plan = planned("largest")
    attached = {it.key for it in plan.of("aws_iam_role_policy_attachment") if ".node[" in it.address}
    assert attached == {
        "AmazonEC2ContainerRegistryPullOnly",
        "AmazonEKSWorkerNodePolicy",
        "AmazonSSMManagedInstanceCore",
    }
    templates = plan.of("aws_launch_template")
    assert len(templates) == 4, "of the system group, and of each group with devices"
    for template in templates:
        (options,) = template.values["metadata_options"]
        assert (options["http_tokens"], options["http_put_response_hop_limit"]) == ("required", 1)
        assert all(it["ebs"][0]["encrypted"] == "true" for it in template.values["block_device_mappings"])


def _github_subjects(plan: Plan, purpose: str) -> list[str]:
    role = plan.one(f'module.identity.aws_iam_role.github["{purpose}"]')
    (statement,) = json.loads(role.values["assume_role_policy"])["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    (condition,) = statement["Condition"].values()
    assert condition["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com"
    subjects = condition["token.actions.githubusercontent.com:sub"]
    return subjects if isinstance(subjects, list) else [subjects]


def test_github_has_a_role_for_each_purpose_bound_to_its_subjects(planned: Callable[[str], Plan]) -> None:
    plan = planned("largest")
    repository = "repo:example@123456/my-platform@456789"
    assert _github_subjects(plan, "plan") == [f"{repository}:environment:prod-plan"]
    assert _github_subjects(plan, "apply") == [f"{repository}:environment:prod"]
    assert set(_github_subjects(plan, "upload")) == {
        f"{repository}:ref:refs/heads/main",
        f"{repository}:environment:weights",
    }
    # Without ids the subject has names alone, and nothing applies until somebody says what that may.
    named = planned("longest-names")
    assert len(named.of("aws_iam_openid_connect_provider")) == 1
    roles = {it.address for it in named.of("aws_iam_role") if ".github" in it.address}
    assert roles == {f'module.identity.aws_iam_role.github["{purpose}"]' for purpose in ("plan", "upload")}
    assert all(it.startswith("repo:example/my-platform:") for it in _github_subjects(named, "upload"))
    assert not planned("default").of("aws_iam_openid_connect_provider")


def test_who_plans_reads_no_content_and_who_uploads_cannot_plan(planned: Callable[[str], Plan]) -> None:
    plan = planned("largest")
    attached = {it.address: it.values.get("policy_arn", "") for it in plan.of("aws_iam_role_policy_attachment")}
    github = {address: arn.rpartition("/")[2] for address, arn in attached.items() if "github" in address}
    assert set(github.values()) == {"ReadOnlyAccess", "AdministratorAccess"}
    denied = _policy(plan, "module.identity.aws_iam_role_policy.github_plan[0]")
    assert {it["Effect"] for it in denied.values()} == {"Deny"}
    state = f"arn:aws:s3:::my-platform-prod-state-{ACCOUNT}/environments/prod/*"
    assert denied["ReadStateOnly"]["NotResource"] == state
    assert {"kms:Decrypt", "secretsmanager:GetSecretValue"} <= set(denied["ReadNoContent"]["Action"])
    upload = _policy(plan, "module.identity.aws_iam_role_policy.github_upload[0]")
    assert set(upload) == {"UploadWeights", "ListWeights", "EncryptWeights", "PushImages", "SignInToRegistry"}


def test_every_role_carries_the_boundary_that_is_asked_for(planned: Callable[[str], Plan]) -> None:
    roles = planned("largest").of("aws_iam_role")
    assert len(roles) > 12
    assert {it.values["permissions_boundary"] for it in roles} == {f"arn:aws:iam::{ACCOUNT}:policy/boundary"}


def test_keys_turn_and_only_this_clusters_logs_use_them(planned: Callable[[str], Plan]) -> None:
    plan = planned("default")
    keys = plan.of("aws_kms_key")
    assert all(it.values["enable_key_rotation"] for it in keys)
    policy = _policy(plan, 'module.encryption.aws_kms_key.this["cluster"]')
    (groups,) = policy["EncryptLogs"]["Condition"]["ArnLike"].values()
    assert all(
        "my-platform-dev" in it and it.startswith(f"arn:aws:logs:us-west-2:{ACCOUNT}:log-group:") for it in groups
    )


def test_no_secret_has_a_value(planned: Callable[[str], Plan]) -> None:
    plan = planned("largest")
    assert {it.values["name"] for it in plan.of("aws_secretsmanager_secret")} == {
        "my-platform-prod/api-keys",
        "my-platform-prod/hf-token",
        "my-platform-prod/argocd-git",
    }
    assert not plan.of("aws_secretsmanager_secret_version")


# How each kind of resource that is encrypted by a customer key reaches it: by the caller's own IAM permissions and the
# grants that the service makes with them, or as a principal to which nobody can attach IAM policies. The latter need a
# statement in the key's own policy, named here by its Sid.
BY_CALLER = ""
KEY_USERS = {
    "aws_cloudwatch_log_group": "EncryptLogs",
    "aws_ecr_repository": BY_CALLER,  # by grants: ECR user guide, encryption-at-rest.html
    "aws_ecr_repository_creation_template": BY_CALLER,
    "aws_efs_file_system": BY_CALLER,  # docs.aws.amazon.com/efs/latest/ug/encryption-at-rest.html
    "aws_eks_cluster": BY_CALLER,  # docs.aws.amazon.com/eks/latest/userguide/enable-kms.html, by the cluster's role
    "aws_fsx_data_repository_association": "ReadLinkedBucket",
    "aws_fsx_lustre_file_system": BY_CALLER,  # docs.aws.amazon.com/fsx/latest/LustreGuide/encryption-at-rest.html
    "aws_s3_bucket_server_side_encryption_configuration": BY_CALLER,
    "aws_secretsmanager_secret": BY_CALLER,  # Secrets Manager user guide, security-encryption.html
}


def test_services_that_act_without_iam_are_in_the_policy_of_the_key(planned: Callable[[str], Plan]) -> None:
    plan = planned("largest")
    users = {it.type for it in plan.resources if _names_key(it.values)} - {"aws_kms_key"}
    # The association names no key: it reads the bucket that has one.
    users |= {it.type for it in plan.of("aws_fsx_data_repository_association")}
    users = {each for each in users if "policy" not in each and each != "aws_iam_role"}
    assert users == set(KEY_USERS), "a new user of a key: does it act by IAM?"
    said = {
        statement["Sid"]
        for address, statement in _statements(plan, trust=False)
        if address.startswith("module.encryption.aws_kms_key.this")
    }
    assert {sid for sid in KEY_USERS.values() if sid} <= said
    data = _policy(plan, 'module.encryption.aws_kms_key.this["data"]')["ReadLinkedBucket"]
    role = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/s3.data-source.lustre.fsx.amazonaws.com/"
    assert data["Principal"] in ("*", {"AWS": "*"})
    assert data["Condition"]["StringEquals"] == {
        "kms:CallerAccount": ACCOUNT,
        "kms:ViaService": "s3.us-west-2.amazonaws.com",
    }
    assert data["Condition"]["ArnLike"]["aws:PrincipalArn"] == f"{role}AWSServiceRoleForFSxS3Access_fs-*"
    bucket = f"arn:aws:s3:::my-platform-prod-models-{ACCOUNT}"
    assert data["Condition"]["StringLike"]["kms:EncryptionContext:aws:s3:arn"] == [bucket, f"{bucket}/*"]


def _names_key(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_names_key(each) for each in value.values())
    if isinstance(value, list):
        return any(_names_key(each) for each in value)
    return isinstance(value, str) and value.startswith("arn:aws:kms:")
