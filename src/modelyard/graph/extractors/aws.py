"""What Terraform makes and whom it names."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.graph.edges import Definition, End, ObjectRef, Reference
from modelyard.graph.extractors.context import Context
from modelyard.graph.extractors.permissions import permissions
from modelyard.view.terraform import Terraform, association

# Types that others name, with the attribute that is their name.
_NAMED = {
    "aws_eks_cluster": "name",
    "aws_iam_policy": "name",
    "aws_iam_role": "name",
    "aws_s3_bucket": "bucket",
    "aws_secretsmanager_secret": "name",
    "aws_sqs_queue": "name",
}
_TAGGED = ("aws_subnet", "aws_security_group")
# What EKS itself puts on the security group that it makes for a cluster
# (https://docs.aws.amazon.com/eks/latest/userguide/sec-group-reqs.html, read 2026-11-30).
_OF_CLUSTER_GROUP = {"kubernetes.io/cluster/{}": "owned", "aws:eks:cluster-name": "{}"}


def aws(terraform: Terraform, context: Context) -> Iterator[Definition | Reference]:
    """Yield roles with what they may, queues, buckets, secrets, tagged networks, and the service accounts' roles."""
    for type_, field in _NAMED.items():
        for block in terraform.resources(type_):
            name = block.text(field)
            if name:
                yield Definition(End(ObjectRef(type_, name), block, (field,)))
            if type_ == "aws_eks_cluster" and name:
                end = End(ObjectRef(type_, name), block, (field,))
                yield Reference("is", end, ObjectRef("cluster", name))
                group = End(ObjectRef("aws_security_group", f"{block.address}, its own"), block, (field,))
                tags = {key.format(name): value.format(name) for key, value in _OF_CLUSTER_GROUP.items()}
                yield Definition(group, tags)
    for type_ in _TAGGED:
        for block in terraform.resources(type_):
            end = End(ObjectRef(type_, block.address), block, ("tags",))
            # A value that is known at apply only, such as one of each.key, is an empty one here.
            yield Definition(end, {key: "" if value is None else value for key, value in block.mapping("tags").items()})
    # The cluster's own security group is made by EKS, and tagged by itself.
    for block in terraform.resources("aws_ec2_tag"):
        key, value = block.text("key"), block.text("value")
        if key and value:
            end = End(ObjectRef("aws_ec2_tag", block.address), block, ("key",))
            tagged = [type_ for type_ in _TAGGED if type_.removeprefix("aws_") in block.source]
            for type_ in tagged or _TAGGED:
                yield Definition(end, {key: value}, selected_as=type_)
    yield from _associations(terraform)
    yield from permissions(terraform)


def _associations(terraform: Terraform) -> Iterator[Reference]:
    for block in terraform.resources("aws_eks_pod_identity_association"):
        namespace, account = association(block)
        if not (namespace and account):
            continue
        source = End(ObjectRef("aws_eks_pod_identity_association", account, namespace), block)
        node = ObjectRef("ServiceAccount", account, namespace)
        # Charts bring most accounts, EKS those of its add-ons.
        yield Reference("gives rights to", source, node, optional=True)
        role = terraform.named(block.values.get("role_arn"))
        name = role.text("name") if role is not None else ""
        if name:
            end = End(source.node, block, ("role_arn",))
            yield Reference("gives", end, ObjectRef("aws_iam_role", name))
