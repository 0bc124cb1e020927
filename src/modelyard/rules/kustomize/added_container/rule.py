"""Patches that add a container instead of changing one."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import either
from modelyard.view import Environment


@rule("kustomize/added-container", error, since="0.1.0")
def added_container(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A strategic merge patch matches containers by name; another name adds a container without an image."""
    for workload in environment.own_workloads:
        for template in workload.templates:
            named = [each.name for each in template.containers if each.image]
            for container in template.containers:
                if container.image or not named:
                    continue
                yield Finding(
                    at=container.at("name"),
                    message=f"{container} has no image: its patch adds a container instead of changing {either(named)}",
                    fix=f"use the name {either(named)} in the patch",
                )
