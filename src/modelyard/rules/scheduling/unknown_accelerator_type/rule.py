"""Accelerators that Ray waits for in vain."""

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.placement import placement_by_template
from modelyard.rules import rule
from modelyard.rules.wording import either
from modelyard.sizing import eligible_devices
from modelyard.view import Environment, serve_applications


@rule("scheduling/unknown-accelerator-type", error, since="0.1.0")
def unknown_accelerator_type(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Ray never places a replica whose `accelerator_type` matches no node."""
    for workload in environment.own_workloads:
        workers = [
            (template, container)
            for template in workload.templates
            for container in template.containers
            if template.accelerators and not container.init
        ]
        for application in serve_applications(workload.manifest):
            for index, wanted in application.accelerator_types():
                placement_of = placement_by_template(environment)
                names = {
                    each.device.name
                    for template, container in workers
                    for each in eligible_devices(placement_of[template], container, environment.pools)
                }
                if not names or any(_same(wanted, name) for name in names):
                    continue
                yield Finding(
                    at=application.at("args", "llm_configs", index, "accelerator_type"),
                    message=f"{workload} requests {wanted} from Ray, but its workers can land only on "
                    f"{either(sorted(names))}",
                    fix=f"use {either(sorted(_plain(name) for name in names))}, or remove accelerator_type",
                )


def _plain(name: str) -> str:
    return re.sub(r"^(?:NVIDIA|Tesla)[ -]", "", name).split(" ")[0]


def _same(wanted: str, name: str) -> bool:
    """Return whether Ray's name means the device; Ray adds memory to some: `A100-40G`."""
    return _plain(name).lower() in (wanted.lower(), wanted.partition("-")[0].lower())
