"""EKS, as far as Terraform and Karpenter ask it: keeps what it is given, completed by what EKS would add."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from urllib.parse import unquote

from modelyard.catalog import AwsNameKind, aws_names
from modelyard.rehearsal.cloud.mock_aws.scope import Json, NotFound, Refused, Scope


class Eks:
    """Keeps what it is given, completed by what EKS would add.

    Args:
        scope: Account and region.
        make_security_group: Makes the cluster's security group in a VPC, and returns its id.
        vpc_of: Returns the VPC of a subnet.
    """

    def __init__(
        self, scope: Scope, make_security_group: Callable[[str, str], str], vpc_of: Callable[[str], str]
    ) -> None:
        self._scope = scope
        self._kept: dict[str, Json] = {}
        self._make_security_group = make_security_group
        self._vpc_of = vpc_of

    def answer(self, method: str, path: str, query: Json, body: Json) -> Json:
        """Return the response to one request of the REST API.

        Raises:
            NotFound: There is nothing of that name.
        """
        parts = [unquote(part) for part in path.strip("/").split("/")]
        if parts[0] == "tags":
            return {"tags": {}} if method == "GET" else {}
        cluster, rest = (parts[1] if len(parts) > 1 else body["name"]), parts[2:]
        if not rest:
            return self._cluster(method, cluster, body)
        answer: Json = getattr(self, "_" + rest[0].replace("-", "_"))(method, cluster, rest[1:], query, body)
        return answer

    def entries(self, principal: str) -> dict[str, Json]:
        """Return the access entries of a principal, by cluster."""
        ending = f"/entries/{principal}"
        return {key.removesuffix(ending): value for key, value in self._kept.items() if key.endswith(ending)}

    def _get(self, key: str) -> Json:
        if key not in self._kept:
            raise NotFound(key)
        return self._kept[key]

    def _one(self, method: str, key: str, name: str, value: Json | None = None) -> Json:
        if method == "POST" and value is not None:
            self._kept[key] = value
        found = self._get(key)
        if method == "DELETE":
            del self._kept[key]
        return {name: found}

    def _cluster(self, method: str, name: str, body: Json) -> Json:
        if method != "POST":
            return self._one(method, name, "cluster")
        network = body["resourcesVpcConfig"]
        vpc = self._vpc_of(network["subnetIds"][0])
        value = body | {
            "arn": self._scope.arn("eks", f"cluster/{name}"),
            "status": "ACTIVE",
            "endpoint": f"https://0123456789ABCDEF.gr7.{self._scope.region}.eks.amazonaws.com",
            "platformVersion": "eks.1",
            "createdAt": 1763683200,
            "certificateAuthority": {"data": "Q0E="},
            "identity": {
                "oidc": {"issuer": f"https://oidc.eks.{self._scope.region}.amazonaws.com/id/0123456789ABCDEF"}
            },
            "resourcesVpcConfig": {"publicAccessCidrs": []}
            | network
            | {"vpcId": vpc, "clusterSecurityGroupId": self._make_security_group(vpc, name)},
            "kubernetesNetworkConfig": {"ipFamily": "ipv4", "elasticLoadBalancing": {"enabled": False}}
            | body.get("kubernetesNetworkConfig", {}),
        }
        return self._one(method, name, "cluster", value)

    def _node_groups(self, method: str, cluster: str, rest: list[str], query: Json, body: Json) -> Json:
        name = rest[0] if rest else body["nodegroupName"]
        image = body.get("amiType")
        if method == "POST" and not rest and image is not None and _is_unknown(AwsNameKind.IMAGE_TYPE, image):
            raise Refused("InvalidParameterException", f"The AMI type {image} is not supported")
        added = {
            "nodegroupArn": self._scope.arn("eks", f"nodegroup/{cluster}/{name}/{uuid.uuid4()}"),
            "clusterName": cluster,
            "status": "ACTIVE",
            "releaseVersion": "1.0.0-20261101",
            "resources": {"autoScalingGroups": [{"name": f"eks-{name}"}]},
            "health": {"issues": []},
        }
        return self._one(method, f"{cluster}/nodes/{name}", "nodegroup", body | added if body else None)

    def _addons(self, method: str, cluster: str, rest: list[str], query: Json, body: Json) -> Json:
        name = rest[0] if rest else body["addonName"]
        if method == "POST" and not rest and _is_unknown(AwsNameKind.ADDON, name):
            version = self._get(cluster)["version"]
            raise Refused(
                "InvalidParameterException", f"Addon {name} specified is not supported in {version} kubernetes version"
            )
        added = {
            "addonVersion": "v1.0.0-eksbuild.1",
            "addonArn": self._scope.arn("eks", f"addon/{cluster}/{name}/{uuid.uuid4()}"),
            "clusterName": cluster,
            "status": "ACTIVE",
            "createdAt": 1763683200,
            "modifiedAt": 1763683200,
            "health": {"issues": []},
        }
        return self._one(
            method, f"{cluster}/addons/{name}", "addon", added | body | {"status": "ACTIVE"} if body else None
        )

    def _access_entries(self, method: str, cluster: str, rest: list[str], query: Json, body: Json) -> Json:
        principal = rest[0] if rest else body["principalArn"]
        key = f"{cluster}/entries/{principal}"
        if len(rest) >= 2:
            policies = self._get(key).setdefault("policies", {})
            if method == "POST":
                if _is_unknown(AwsNameKind.ACCESS_POLICY, body["policyArn"].rpartition("/")[2]):
                    raise Refused("InvalidParameterException", f"The policyArn {body['policyArn']} is not valid")
                policies[body["policyArn"]] = body | {"associatedAt": 1763683200, "modifiedAt": 1763683200}
                return {"associatedAccessPolicy": policies[body["policyArn"]]}
            if method == "DELETE":
                policies.pop(rest[2], None)
                return {}
            return {"associatedAccessPolicies": list(policies.values())}
        added: Json = {
            "accessEntryArn": self._scope.arn("eks", f"access-entry/{cluster}/{uuid.uuid4()}"),
            "clusterName": cluster,
            "kubernetesGroups": [],
            "username": principal,
            "createdAt": 1763683200,
            "modifiedAt": 1763683200,
        }
        return self._one(method, key, "accessEntry", added | body if body else None)

    def _pod_identity_associations(self, method: str, cluster: str, rest: list[str], query: Json, body: Json) -> Json:
        prefix = f"{cluster}/associations/"
        if method == "GET" and not rest:
            return {"associations": [value for key, value in self._kept.items() if key.startswith(prefix)]}
        identity = rest[0] if rest else f"a-{uuid.uuid4().hex[:17]}"
        added = {
            "associationId": identity,
            "associationArn": self._scope.arn("eks", f"podidentityassociation/{cluster}/{identity}"),
            "clusterName": cluster,
            "createdAt": 1763683200,
        }
        taken = [
            value
            for key, value in self._kept.items()
            if key.startswith(prefix)
            and body
            and (value["namespace"], value["serviceAccount"]) == (body["namespace"], body["serviceAccount"])
        ]
        if taken:
            raise ValueError("one association for each namespace and service account")
        return self._one(method, prefix + identity, "association", body | added if body else None)


def _is_unknown(kind: AwsNameKind, name: str) -> bool:
    return aws_names(kind).find(name) is None
