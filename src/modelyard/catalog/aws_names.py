"""Names that only AWS knows: policies, add-ons, quotas, endpoint services, principals, images. Each with its source."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any

from modelyard.catalog.loading import DATA, read_yaml

_PLACEHOLDERS = {
    "kubernetes": r"\d+\.\d+",
    "region": r"[a-z]{2}(?:-[a-z]+)+-\d",
    "release": r"[\w.-]+",
}


class AwsNameKind(StrEnum):
    """What a name is of."""

    MANAGED_POLICY = "managed-policies"
    """IAM policies of AWS, with their path and without the ARN before it."""
    ACCESS_POLICY = "access-policies"
    """What access entries of EKS may be given."""
    ADDON = "addons"
    """Add-ons of EKS."""
    QUOTA = "quotas"
    """Codes of EC2's quotas; `AwsName.meaning` has the quota's name."""
    ENDPOINT_SERVICE = "endpoint-services"
    """Services that VPC endpoints lead to, without `com.amazonaws.<region>.` before them."""
    SERVICE_PRINCIPAL = "service-principals"
    """How policies name services."""
    IMAGE_TYPE = "image-types"
    """Kinds of images that managed node groups may have."""
    IMAGE_RELEASE = "image-releases"
    """Releases of node images, as Karpenter's alias names them."""
    PARAMETER = "parameters"
    """Public parameters of Systems Manager in which AWS publishes images."""


@dataclass(frozen=True, slots=True)
class AwsName:
    """One name.

    Attributes:
        name: The name; `{region}`, `{kubernetes}` and `{release}` stand for what differs.
        source: Where it was read.
        read: Day on which it was read, as YYYY-MM-DD.
        meaning: What a code stands for; empty where the name says it.
    """

    name: str
    source: str
    read: str
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class AwsNames:
    """All known names of one kind.

    Attributes:
        kind: What they are of.
        complete: Whether the source lists all there are, so that another name is wrong rather than unknown.
        names: The names.
    """

    kind: AwsNameKind
    complete: bool
    names: Mapping[str, AwsName]

    def find(self, written: str) -> AwsName | None:
        """Return the known name that is written; None for one that the data do not have."""
        if written in self.names:
            return self.names[written]
        return next((known for known in self.names.values() if _pattern(known.name).fullmatch(written)), None)


def aws_names(kind: AwsNameKind) -> AwsNames:
    """Return the known names of one kind."""
    return _read()[kind]


@cache
def _pattern(name: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", name)
    return re.compile(
        "".join(_PLACEHOLDERS[part] if index % 2 else re.escape(part) for index, part in enumerate(parts))
    )


@cache
def _read() -> Mapping[AwsNameKind, AwsNames]:
    raw = read_yaml(DATA / "aws" / "names.yaml")
    return MappingProxyType({kind: _of_kind(kind, raw[kind.value]) for kind in AwsNameKind})


def _of_kind(kind: AwsNameKind, raw: Mapping[str, Any]) -> AwsNames:
    source, read, entries = str(raw["source"]), str(raw["read"]), raw["names"]
    means = kind is AwsNameKind.QUOTA
    names = {
        name: AwsName(name, source if means or not own else str(own), read, str(own) if means else "")
        for name, own in entries.items()
    }
    return AwsNames(kind, bool(raw["complete"]), MappingProxyType(names))
