"""Patches that add a container instead of changing one."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import either
from modelyard.view import Environment


@rule("kustomize/added-container", error, since="0.1.0")
def added_container(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A strategic patch finds containers by name; under another name it adds one, without an image."""
    for workload in environment.own_workloads:
        for template in workload.templates:
            named = [each.name for each in template.containers if each.image]
            for container in template.containers:
                if container.image or not named:
                    continue
                yield Finding(
                    at=container.at("name"),
                    message=f"{container} has no image, so the patch that names it changes none of {either(named)}",
                    fix=f"name {either(named)} in the patch",
                )
