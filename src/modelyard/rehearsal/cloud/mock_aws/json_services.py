"""Answers of services that take JSON: budgets, quotas, registries and file systems."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

from modelyard.catalog import AwsNameKind, aws_names
from modelyard.rehearsal.cloud.mock_aws.scope import Json, NotFound, Refused, Scope


class Targets:
    """Answers of JSON services, by the name of the action; None leaves the request to moto."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._kept: dict[str, Json] = {}

    def answer(self, service: str, action: str, body: Json) -> Json | None:
        """Return the response to one request, or None for one that moto answers.

        Raises:
            NotFound: There is nothing of that name.
        """
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
        known = aws_names(AwsNameKind.QUOTA).find(body["QuotaCode"])
        if body["ServiceCode"] != "ec2" or known is None:
            # https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html
            raise Refused("NoSuchResourceException", "The specified resource does not exist.")
        return {
            "Quota": {
                "ServiceCode": "ec2",
                "QuotaCode": body["QuotaCode"],
                "QuotaName": known.meaning,
                "Value": 1024.0,
                "QuotaArn": self._scope.arn("servicequotas", f"ec2/{body['QuotaCode']}"),
            }
        }

    def _get_a_w_s_default_service_quota(self, body: Json) -> Json:
        return self._get_service_quota(body)

    def _describe_subscribers_for_notification(self, body: Json) -> Json:
        return {"Subscribers": [{"SubscriptionType": "EMAIL", "Address": "platform@example.com"}]}

    def _create_pull_through_cache_rule(self, body: Json) -> Json:
        self._kept[body["ecrRepositoryPrefix"]] = body | {"registryId": self._scope.account, "createdAt": 1763683200}
        return self._kept[body["ecrRepositoryPrefix"]]

    def _describe_pull_through_cache_rules(self, body: Json) -> Json:
        return {
            "pullThroughCacheRules": [self._kept[name] for name in body["ecrRepositoryPrefixes"] if name in self._kept]
        }

    def _delete_pull_through_cache_rule(self, body: Json) -> Json:
        return self._kept.pop(body["ecrRepositoryPrefix"])

    def _create_repository_creation_template(self, body: Json) -> Json:
        self._kept[f"template {body['prefix']}"] = body
        return {"registryId": self._scope.account, "repositoryCreationTemplate": body}

    def _describe_repository_creation_templates(self, body: Json) -> Json:
        kept = [self._kept.get(f"template {prefix}") for prefix in body["prefixes"]]
        return {"registryId": self._scope.account, "repositoryCreationTemplates": [it for it in kept if it]}

    def _delete_repository_creation_template(self, body: Json) -> Json:
        return {
            "registryId": self._scope.account,
            "repositoryCreationTemplate": self._kept.pop(f"template {body['prefix']}"),
        }

    def _create_file_system(self, body: Json) -> Json | None:
        if body.get("FileSystemType") != "LUSTRE":
            return None
        identity = f"fs-{uuid.uuid4().hex[:17]}"
        lustre = body["LustreConfiguration"] | {"MountName": "weights", "MetadataConfiguration": None}
        self._kept[identity] = body | {
            "FileSystemId": identity,
            "OwnerId": self._scope.account,
            "Lifecycle": "AVAILABLE",
            "VpcId": "vpc-1",
            "FileSystemTypeVersion": "2.12",
            "NetworkInterfaceIds": [],
            "DNSName": f"{identity}.fsx.{self._scope.region}.amazonaws.com",
            "ResourceARN": self._scope.arn("fsx", f"file-system/{identity}"),
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
            "ResourceARN": self._scope.arn("fsx", f"association/{identity}"),
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
