"""An AWS for tests: moto, and small answers of our own where moto has none.

Only what the root needs is here, and every answer is what the provider reads back, not how AWS behaves: nothing is
authorised, nothing takes time, no node joins. `GAPS` says by name what a run against it cannot show.
"""

import json
import re
import sys
import threading
import uuid
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs, unquote

Json = dict[str, Any]
Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]

ACCOUNT = "123456789012"
REGION = "us-west-2"

GAPS = {
    "ec2": "moto drops descriptions of rules between groups, and mixes a template's own tags with what it tags",
    "eks": "moto's cluster and node groups come back changed, and it has no access entries, add-ons or associations",
    "fsx": "moto's file systems never become available, and it has no data repository associations",
    "budgets": "moto has no subscribers of notifications and no tags",
    "efs": "moto cannot delete the policy of a file system",
    "ecr": "moto has no pull-through caches and no repository creation templates",
    "servicequotas": "moto knows the quotas of VPC only",
    "iam": "moto's copy of the managed policies lacks newer ones, which are made when they are attached",
}

_lock = threading.Lock()


class NotFound(Exception):
    """Nothing of that name is kept."""


class Eks:
    """Keeps what it is given, completed by what EKS would add."""

    def __init__(self, make_security_group: Callable[[str, str], str], vpc_of: Callable[[str], str]) -> None:
        self._kept: dict[str, Json] = {}
        self._make_security_group = make_security_group
        self._vpc_of = vpc_of

    def answer(self, method: str, path: str, query: Json, body: Json) -> Json:
        """The response to one request of the REST API."""
        parts = [unquote(part) for part in path.strip("/").split("/")]
        if parts[0] == "tags":
            return {"tags": {}} if method == "GET" else {}
        cluster, rest = (parts[1] if len(parts) > 1 else body["name"]), parts[2:]
        if not rest:
            return self._cluster(method, cluster, body)
        return getattr(self, "_" + rest[0].replace("-", "_"))(method, cluster, rest[1:], query, body)

    def _get(self, key: str) -> Json:
        if key not in self._kept:
            raise NotFound(key)
        return self._kept[key]

    def _one(self, method: str, key: str, name: str, value: Json | None = None) -> Json:
        if method == "POST":
            assert value is not None
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
            "arn": _arn("eks", f"cluster/{name}"),
            "status": "ACTIVE",
            "endpoint": f"https://0123456789ABCDEF.gr7.{REGION}.eks.amazonaws.com",
            "platformVersion": "eks.1",
            "createdAt": 1763683200,
            "certificateAuthority": {"data": "Q0E="},
            "identity": {"oidc": {"issuer": f"https://oidc.eks.{REGION}.amazonaws.com/id/0123456789ABCDEF"}},
            "resourcesVpcConfig": {"publicAccessCidrs": []}
            | network
            | {"vpcId": vpc, "clusterSecurityGroupId": self._make_security_group(vpc, name)},
            "kubernetesNetworkConfig": {"ipFamily": "ipv4", "elasticLoadBalancing": {"enabled": False}}
            | body.get("kubernetesNetworkConfig", {}),
        }
        return self._one(method, name, "cluster", value)

    def _node_groups(self, method: str, cluster: str, rest: list[str], query: Json, body: Json) -> Json:
        name = rest[0] if rest else body["nodegroupName"]
        added = {
            "nodegroupArn": _arn("eks", f"nodegroup/{cluster}/{name}/{uuid.uuid4()}"),
            "clusterName": cluster,
            "status": "ACTIVE",
            "releaseVersion": "1.0.0-20261101",
            "resources": {"autoScalingGroups": [{"name": f"eks-{name}"}]},
            "health": {"issues": []},
        }
        return self._one(method, f"{cluster}/nodes/{name}", "nodegroup", body | added if body else None)

    def _addons(self, method: str, cluster: str, rest: list[str], query: Json, body: Json) -> Json:
        name = rest[0] if rest else body["addonName"]
        added = {
            "addonVersion": "v1.0.0-eksbuild.1",
            "addonArn": _arn("eks", f"addon/{cluster}/{name}/{uuid.uuid4()}"),
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
                policies[body["policyArn"]] = body | {"associatedAt": 1763683200, "modifiedAt": 1763683200}
                return {"associatedAccessPolicy": policies[body["policyArn"]]}
            if method == "DELETE":
                policies.pop(rest[2], None)
                return {}
            return {"associatedAccessPolicies": list(policies.values())}
        added = {
            "accessEntryArn": _arn("eks", f"access-entry/{cluster}/{uuid.uuid4()}"),
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
            "associationArn": _arn("eks", f"podidentityassociation/{cluster}/{identity}"),
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
        assert not taken, "one association for each namespace and service account"
        return self._one(method, prefix + identity, "association", body | added if body else None)


class Targets:
    """Answers of JSON services, by the name of the action; None leaves the request to moto."""

    def __init__(self) -> None:
        self._kept: dict[str, Json] = {}

    def answer(self, service: str, action: str, body: Json) -> Json | None:
        """The response to one request, or None for one that moto answers."""
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", action).lower()
        found: Callable[[Json], Json | None] | None = getattr(
            self, f"_{name}", getattr(self, f"_{service}_{name}", None)
        )
        return found(body) if found else None

    def _budgets_create_budget(self, body: Json) -> None:
        self._kept[f"tags of {body['Budget']['BudgetName']}"] = {"ResourceTags": body.get("ResourceTags", [])}

    def _budgets_list_tags_for_resource(self, body: Json) -> Json:
        return self._kept[f"tags of {body['ResourceARN'].rpartition('/')[2]}"]

    def _get_service_quota(self, body: Json) -> Json:
        return {
            "Quota": {
                "ServiceCode": "ec2",
                "QuotaCode": body["QuotaCode"],
                "QuotaName": "vCPUs",
                "Value": 1024.0,
                "QuotaArn": _arn("servicequotas", f"ec2/{body['QuotaCode']}"),
            }
        }

    def _get_a_w_s_default_service_quota(self, body: Json) -> Json:
        return self._get_service_quota(body)

    def _describe_subscribers_for_notification(self, body: Json) -> Json:
        return {"Subscribers": [{"SubscriptionType": "EMAIL", "Address": "platform@example.com"}]}

    def _create_pull_through_cache_rule(self, body: Json) -> Json:
        self._kept[body["ecrRepositoryPrefix"]] = body | {"registryId": ACCOUNT, "createdAt": 1763683200}
        return self._kept[body["ecrRepositoryPrefix"]]

    def _describe_pull_through_cache_rules(self, body: Json) -> Json:
        return {
            "pullThroughCacheRules": [self._kept[name] for name in body["ecrRepositoryPrefixes"] if name in self._kept]
        }

    def _delete_pull_through_cache_rule(self, body: Json) -> Json:
        return self._kept.pop(body["ecrRepositoryPrefix"])

    def _create_repository_creation_template(self, body: Json) -> Json:
        self._kept[f"template {body['prefix']}"] = body
        return {"registryId": ACCOUNT, "repositoryCreationTemplate": body}

    def _describe_repository_creation_templates(self, body: Json) -> Json:
        kept = [self._kept.get(f"template {prefix}") for prefix in body["prefixes"]]
        return {"registryId": ACCOUNT, "repositoryCreationTemplates": [it for it in kept if it]}

    def _delete_repository_creation_template(self, body: Json) -> Json:
        return {"registryId": ACCOUNT, "repositoryCreationTemplate": self._kept.pop(f"template {body['prefix']}")}

    def _create_file_system(self, body: Json) -> Json | None:
        if body.get("FileSystemType") != "LUSTRE":
            return None
        identity = f"fs-{uuid.uuid4().hex[:17]}"
        lustre = body["LustreConfiguration"] | {"MountName": "weights", "MetadataConfiguration": None}
        self._kept[identity] = body | {
            "FileSystemId": identity,
            "OwnerId": ACCOUNT,
            "Lifecycle": "AVAILABLE",
            "VpcId": "vpc-1",
            "FileSystemTypeVersion": "2.12",
            "NetworkInterfaceIds": [],
            "DNSName": f"{identity}.fsx.{REGION}.amazonaws.com",
            "ResourceARN": _arn("fsx", f"file-system/{identity}"),
            "LustreConfiguration": {key: value for key, value in lustre.items() if value is not None},
        }
        return {"FileSystem": self._kept[identity]}

    def _describe_file_systems(self, body: Json) -> Json:
        return {"FileSystems": [self._find(identity, "FileSystemNotFound") for identity in body["FileSystemIds"]]}

    def _delete_file_system(self, body: Json) -> Json:
        return {"FileSystemId": self._kept.pop(body["FileSystemId"])["FileSystemId"], "Lifecycle": "DELETING"}

    def _create_data_repository_association(self, body: Json) -> Json:
        identity = f"dra-{uuid.uuid4().hex[:17]}"
        self._kept[identity] = body | {
            "AssociationId": identity,
            "Lifecycle": "AVAILABLE",
            "ResourceARN": _arn("fsx", f"association/{identity}"),
        }
        return {"Association": self._kept[identity]}

    def _describe_data_repository_associations(self, body: Json) -> Json:
        return {"Associations": [self._find(it, "DataRepositoryAssociationNotFound") for it in body["AssociationIds"]]}

    def _delete_data_repository_association(self, body: Json) -> Json:
        return {"AssociationId": self._kept.pop(body["AssociationId"])["AssociationId"], "Lifecycle": "DELETING"}

    def _find(self, identity: str, error: str) -> Json:
        if identity not in self._kept:
            raise NotFound(error)
        return self._kept[identity]


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


class StandIn:
    """A WSGI application before moto's."""

    def __init__(self, moto: Callable[[Environ, StartResponse], Iterable[bytes]]) -> None:
        from moto.ec2.models import ec2_backends

        ec2 = ec2_backends[ACCOUNT][REGION]
        _mend_ec2()
        _mend_efs()
        self._moto = moto
        self._eks = Eks(
            lambda vpc, name: str(ec2.create_security_group(f"eks-cluster-sg-{name}", "EKS", vpc).id),
            lambda subnet: str(ec2.get_subnet(subnet).vpc_id),
        )
        self._targets = Targets()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answers a request itself, or leaves it to moto."""
        scope = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
        service = scope[1] if scope else ""
        raw = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = _Again(raw)
        with _lock:
            try:
                answer = self._answer(service, environ, raw)
            except NotFound as error:
                name = "ResourceNotFoundException" if service == "eks" else str(error)
                return _reply(start_response, "404 Not Found", {"__type": name, "message": name}, name)
            except Exception as error:
                # The provider retries what looks like a server's fault; a gap of the stand-in must end the test.
                name, said = "StandInException", f"{type(error).__name__}: {error}"
                return _reply(start_response, "400 Bad Request", {"__type": name, "message": said}, name)
            if answer is not None:
                return _reply(start_response, "200 OK", answer)
            return self._moto(environ, start_response)

    def _answer(self, service: str, environ: Environ, raw: bytes) -> Json | None:
        if service == "eks":
            body = json.loads(raw) if raw else {}
            return self._eks.answer(
                environ["REQUEST_METHOD"],
                environ.get("RAW_URI", environ["PATH_INFO"]).partition("?")[0],
                parse_qs(environ["QUERY_STRING"]),
                body,
            )
        if service == "iam":
            _make_missing_managed_policy(raw)
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if service in {"fsx", "budgets", "ecr", "servicequotas"} and target:
            return self._targets.answer(service, target.rpartition(".")[2], json.loads(raw or b"{}"))
        return None


class _Again:
    """A request's body, to be read a second time."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def read(self, size: int = -1) -> bytes:
        """The next bytes, all of them unless `size` says how many."""
        size = len(self._raw) if size is None or size < 0 else size
        taken, self._raw = self._raw[:size], self._raw[size:]
        return taken


def _mend_ec2() -> None:
    """Returns descriptions of rules between groups, and keeps a template's own tags out of what it tags."""
    from moto.ec2.models.launch_templates import LaunchTemplateVersion
    from moto.ec2.models.security_groups import SecurityGroupRule

    def description(rule: Any) -> str | None:
        said = rule.ip_range.get("Description") or rule.source_group.get("Description")
        return str(said) if said else None

    SecurityGroupRule.description = property(description)  # type: ignore[method-assign,assignment]
    begin = LaunchTemplateVersion.__init__

    def begin_without_own_tags(version: Any, template: Any, number: int, data: Json, text: str) -> None:
        kept = [it for it in data.get("TagSpecifications", []) if it["ResourceType"] != "launch-template"]
        begin(version, template, number, data | {"TagSpecifications": kept}, text)

    LaunchTemplateVersion.__init__ = begin_without_own_tags  # type: ignore[method-assign]


def _mend_efs() -> None:
    """Lets a file system's policy be deleted."""
    from moto.efs.responses import EFSResponse

    def delete_file_system_policy(response: Any) -> tuple[str, Json]:
        identity = response._get_param("FileSystemId")
        response.efs_backend.file_systems_by_id[identity].file_system_policy = None
        return "{}", {"status": 200, "Content-Type": "application/json"}

    EFSResponse.delete_file_system_policy = delete_file_system_policy


def _make_missing_managed_policy(raw: bytes) -> None:
    form = parse_qs(raw.decode())
    (arn,) = form.get("PolicyArn", [""])
    if form.get("Action") != ["AttachRolePolicy"] or not arn.startswith("arn:aws:iam::aws:policy/"):
        return
    from moto.iam.models import AWSManagedPolicy, iam_backends

    backend = iam_backends[ACCOUNT]["aws"]
    if arn not in backend.managed_policies:
        path, _, name = arn.removeprefix("arn:aws:iam::aws:policy").rpartition("/")
        data = {
            "Arn": arn,
            "Path": f"{path}/",
            "CreateDate": "2026-01-01T00:00:00+00:00",
            "UpdateDate": "2026-01-01T00:00:00+00:00",
            "DefaultVersionId": "v1",
            "Document": {"Version": "2012-10-17", "Statement": []},
        }
        backend.managed_policies[arn] = AWSManagedPolicy.from_data(name, ACCOUNT, REGION, data)


def _reply(start_response: StartResponse, status: str, body: Json, error: str = "") -> Iterable[bytes]:
    headers = [("Content-Type", "application/x-amz-json-1.1")]
    if error:
        headers.append(("x-amzn-ErrorType", error))
    start_response(status, headers)
    return [json.dumps(body).encode()]


def serve(port: int) -> None:
    """Serves on localhost until the process is ended; 0 takes a free port, which is printed."""
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", port, StandIn(DomainDispatcherApplication(create_backend_app)), threaded=True)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
