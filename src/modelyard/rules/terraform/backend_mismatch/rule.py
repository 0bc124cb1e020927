"""Settings of Terraform's state that are another environment's, or that Terraform does not know."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import nearest
from modelyard.view import Environment, LineAddress
from modelyard.view.terraform.blocks import variables_in

_FILE = "backend.hcl"
_BUCKET = re.compile(r"(?=.{3,63}$)[a-z0-9][a-z0-9.-]*[a-z0-9]")
# https://developer.hashicorp.com/terraform/language/backend/s3, read 2026-12-01
_ARGUMENTS = frozenset(
    {
        "access_key",
        "acl",
        "allowed_account_ids",
        "assume_role",
        "assume_role_with_web_identity",
        "bucket",
        "custom_ca_bundle",
        "dynamodb_endpoint",
        "dynamodb_table",
        "ec2_metadata_service_endpoint",
        "ec2_metadata_service_endpoint_mode",
        "encrypt",
        "endpoint",
        "endpoints",
        "forbidden_account_ids",
        "force_path_style",
        "http_proxy",
        "https_proxy",
        "iam_endpoint",
        "insecure",
        "key",
        "kms_key_id",
        "max_retries",
        "no_proxy",
        "profile",
        "region",
        "retry_mode",
        "secret_key",
        "shared_config_files",
        "shared_credentials_file",
        "shared_credentials_files",
        "skip_credentials_validation",
        "skip_metadata_api_check",
        "skip_region_validation",
        "skip_requesting_account_id",
        "skip_s3_checksum",
        "sse_customer_key",
        "sts_endpoint",
        "sts_region",
        "token",
        "use_dualstack_endpoint",
        "use_fips_endpoint",
        "use_lockfile",
        "use_path_style",
        "workspace_key_prefix",
    }
)


@rule("terraform/backend-mismatch", error, since="0.3.0")
def backend_mismatch(environment: Environment) -> Iterator[Finding | NotChecked]:
    """With another environment's key, a plan replaces that environment; with another region, init fails."""
    files, folder = environment.repository.files, environment.folder.path
    file = f"{folder}/{_FILE}"
    if not folder or not files.is_file(file):
        return
    written = variables_in(files, file)
    for name in written:
        if name not in _ARGUMENTS:
            near = nearest(name, _ARGUMENTS)
            yield Finding(
                at=LineAddress(files, file, sought=(name,)),
                message=f"{_FILE} sets {name}, which the S3 backend does not have: terraform init fails",
                fix=f"write {near}" if near else "remove it",
            )
    bucket = written.get("bucket")
    if isinstance(bucket, str) and bucket and not _BUCKET.fullmatch(bucket):
        yield Finding(
            at=LineAddress(files, file, sought=("bucket", bucket)),
            message=f"the state bucket {bucket} has no name that S3 takes: 3 to 63 small letters, digits, . and -",
            fix=f"write {re.sub(r'[^a-z0-9.-]', '-', bucket.lower())}",
        )
    yield from _of_region(environment, file, written)
    yield from _of_key(environment, file, written)


def _of_region(environment: Environment, file: str, written: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield a region that is not the environment's, of a bucket that is named after the environment's own cluster."""
    region, own = str(written.get("region") or ""), str(environment.facts.get("region") or "")
    bucket, cluster = str(written.get("bucket") or ""), str(environment.facts.get("cluster") or "")
    if region and own and region != own and cluster and bucket.startswith(f"{cluster}-"):
        yield Finding(
            at=LineAddress(environment.repository.files, file, sought=("region", region)),
            message=f"the state bucket {bucket} is looked for in {region}, and install.sh makes it in {own}",
            fix=f"write {own}",
        )
    account = str(environment.facts.get("account") or "")
    if account and cluster and bucket.startswith(f"{cluster}-state-") and not bucket.endswith(f"-{account}"):
        yield Finding(
            at=LineAddress(environment.repository.files, file, sought=("bucket", bucket)),
            message=f"the state bucket {bucket} has the name of another account than {account}",
            fix=f"write {cluster}-state-{account}",
        )


def _of_key(environment: Environment, file: str, written: Mapping[str, Any]) -> Iterator[Finding]:
    files, key, bucket = environment.repository.files, str(written.get("key") or ""), written.get("bucket")
    steps = key.split("/")
    folder = steps[steps.index("environments") + 1] if "environments" in steps[:-2] else ""
    for name, other in environment.repository.environments.items():
        path = f"{other.path}/{_FILE}"
        if name == environment.name or not files.is_file(path):
            continue
        theirs = variables_in(files, path)
        if key and theirs.get("key") == key and theirs.get("bucket") == bucket:
            yield _wrong_key(environment, file, key, f"is also the key of {name}")
            return
    if folder and folder != environment.name:
        yield _wrong_key(environment, file, key, f"is that of environment {folder}")


def _wrong_key(environment: Environment, file: str, key: str, said: str) -> Finding:
    return Finding(
        at=LineAddress(environment.repository.files, file, sought=("key", key)),
        message=f"the key {key} of {environment}'s state {said}",
        fix=f"write environments/{environment.name}/terraform.tfstate",
    )
