"""Images of the environment's own registry whose repository nothing makes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rendering import split_image
from modelyard.rules import rule
from modelyard.rules.wording import did_you_mean
from modelyard.view import Environment

_REGISTRY = re.compile(r"(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/(.+)")
_VARIABLE = "image_repositories"


@rule("images/unknown-repository", error, since="0.3.0", absence="object")
def unknown_repository(environment: Environment) -> Iterator[Finding | NotChecked]:
    """ECR makes repositories of caches alone by itself: pods wait for ever for an image of another one."""
    terraform = environment.terraform
    if terraform is None:
        return
    account, region = str(terraform.variable("account_id") or ""), str(terraform.variable("region") or "")
    cluster = str(terraform.variable("cluster_name") or "")
    made = [block.text("name") for block in terraform.resources("aws_ecr_repository")]
    caches = [block.text("ecr_repository_prefix") for block in terraform.resources("aws_ecr_pull_through_cache_rule")]
    known = {each for each in made if "$" not in each}
    for workload in environment.own_workloads:
        for container in workload.containers:
            match = _REGISTRY.fullmatch(split_image(container.image)[0])
            if match is None or (match[1], match[2]) != (account, region) or not match[3].startswith(f"{cluster}/"):
                continue
            name = match[3]
            if name in known or any(name.startswith(f"{cache}/") for cache in caches):
                continue
            if "" in made or "" in caches or len(known) < len(made):
                yield NotChecked(workload, "names of repositories in ECR are worked out of what is not known")
                continue
            short = name.removeprefix(f"{cluster}/")
            near = did_you_mean(short, {each.removeprefix(f"{cluster}/") for each in known})
            yield Finding(
                at=container.image_name_at,
                message=f"{container} uses {name} of the environment's own registry, and Terraform makes no such "
                "repository",
                fix=near or f'add "{short}" to {_VARIABLE} in terraform.tfvars',
            )
