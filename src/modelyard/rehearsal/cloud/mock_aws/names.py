"""Refusals of names that AWS does not have, in AWS's words where they were read.

IAM refuses managed policies that it does not know by moto itself, whose list is a copy of AWS's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from modelyard.catalog import AwsNameKind, aws_names
from modelyard.rehearsal.cloud.mock_aws.scope import Json, Scope

_BOTTLEROCKET = re.compile(
    r"/aws/service/bottlerocket/aws-k8s-(?P<kubernetes>[\d.]+)(?:-[a-z-]+)?/(?P<arch>\w+)/(?P<release>[\w.]+)/image_id"
)
_AL2023 = re.compile(
    r"/aws/service/eks/optimized-ami/(?P<kubernetes>[\d.]+)/amazon-linux-2023/(?P<arch>\w+)/(?P<variant>\w+)/"
    r"(?P<release>[\w.-]+)/image_id"
)
_NEWEST = ("latest", "recommended")


def architecture_of_image(parameter: str) -> str | None:
    """Return the architecture of the image that a parameter of Systems Manager names.

    None where the catalogue has no parameter of that form, or no such release of the image.
    """
    if aws_names(AwsNameKind.PARAMETER).find(parameter) is None:
        return None
    if found := _BOTTLEROCKET.fullmatch(parameter):
        alias = f"bottlerocket@v{found['release']}"
    elif found := _AL2023.fullmatch(parameter):
        full = f"amazon-eks-node-al2023-{found['arch']}-{found['variant']}-{found['kubernetes']}-"
        alias = f"al2023@{found['release'].removeprefix(full)}"
    else:
        return None
    known = found["release"] in _NEWEST or aws_names(AwsNameKind.IMAGE_RELEASE).find(alias) is not None
    return found["arch"] if known else None


def unknown_principals(policy: str) -> list[str]:
    """Return the service principals of a policy that the catalogue does not have."""
    return [each for each in _services(policy) if aws_names(AwsNameKind.SERVICE_PRINCIPAL).find(each) is None]


def _services(policy: str) -> Iterator[str]:
    statements = json.loads(policy).get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal")
        services = principal.get("Service", []) if isinstance(principal, dict) else []
        yield from services if isinstance(services, list) else [services]


def mend_principals() -> None:
    """Let IAM and KMS refuse policies that name a service which does not exist."""
    from moto.core.exceptions import JsonRESTError
    from moto.iam.exceptions import MalformedPolicyDocument
    from moto.iam.models import IAMBackend
    from moto.kms.models import KmsBackend

    create_role, create_key, put_key_policy = IAMBackend.create_role, KmsBackend.create_key, KmsBackend.put_key_policy

    def create_known_role(
        backend: Any, role_name: str, assume_role_policy_document: str, *others: Any, **rest: Any
    ) -> Any:
        for name in unknown_principals(assume_role_policy_document):
            raise MalformedPolicyDocument(f'Invalid principal in policy: "SERVICE":"{name}"')
        return create_role(backend, role_name, assume_role_policy_document, *others, **rest)

    def refuse(policy: str | None) -> None:
        if policy and unknown_principals(policy):
            raise JsonRESTError(
                "MalformedPolicyDocumentException", "Policy contains a statement with one or more invalid principals."
            )

    def create_known_key(backend: Any, policy: str | None, *others: Any, **rest: Any) -> Any:
        refuse(policy)
        return create_key(backend, policy, *others, **rest)

    def put_known_policy(backend: Any, key_id: str, policy: str) -> Any:
        refuse(policy)
        return put_key_policy(backend, key_id, policy)

    IAMBackend.create_role = create_known_role
    KmsBackend.create_key = create_known_key
    KmsBackend.put_key_policy = put_known_policy


def mend_endpoints(scope: Scope) -> None:
    """Let EC2 refuse endpoints to services that do not exist, or in a zone where the service is not."""
    from moto.ec2.exceptions import InvalidParameter, InvalidServiceName
    from moto.ec2.models.vpcs import VPCBackend

    create, collect = VPCBackend.create_vpc_endpoint, VPCBackend._collect_default_endpoint_services

    def services(account: str, region: str) -> list[Json]:
        return [_without_zones(each, scope) for each in collect(account, region)]

    def create_known(backend: Any, vpc_id: str, service_name: str, *others: Any, **rest: Any) -> Any:
        found = [it for it in services(backend.account_id, backend.region_name) if it["ServiceName"] == service_name]
        if not found:
            raise InvalidServiceName(service_name)
        for subnet in rest.get("subnet_ids") or []:
            zone = backend.get_subnet(subnet).availability_zone
            if zone not in found[0]["AvailabilityZones"]:
                raise InvalidParameter(
                    f"The VPC endpoint service {service_name} does not support the availability zone of the subnet: "
                    f"{subnet}."
                )
        return create(backend, vpc_id, service_name, *others, **rest)

    VPCBackend._collect_default_endpoint_services = staticmethod(services)
    VPCBackend.create_vpc_endpoint = create_known


def _without_zones(service: Json, scope: Scope) -> Json:
    short = service["ServiceName"].partition(f"{scope.region}.")[2]
    zones = [zone for zone in service["AvailabilityZones"] if (short, zone) not in scope.endpoints_missing]
    return {**service, "AvailabilityZones": zones}
