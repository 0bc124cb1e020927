"""Models that AIBrix's gateway does not find by their name."""

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.repository.json import MalformedJSON, parsed
from modelyard.rules import rule
from modelyard.rules.wording import nearest
from modelyard.view import Environment, Manifest, PodTemplate, mapping, text

_LABEL = "model.aibrix.ai/name"
_DOMAIN = "model.aibrix.ai/"
_CONFIG = "model.aibrix.ai/config"
# pkg/plugins/gateway/algorithms of vllm-project/aibrix v0.7.0; others may be built in.
_STRATEGIES = frozenset(
    {"least-busy-time", "least-kv-cache", "least-latency", "least-request", "pd", "prefix-cache", "prefix-cache-preble"}
    | {"random", "throughput", "vtc-basic"}
)
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@rule("serving/unroutable-aibrix-name", error, since="0.1.0")
def unroutable_aibrix_name(environment: Environment) -> Iterator[Finding | NotChecked]:
    """AIBrix routes by one name: the label, the Service and the served model name must be identical."""
    for workload in environment.own_workloads:
        namespace = environment.namespace_of(workload.manifest)
        services = {each.name for each in environment.services if each.namespace == namespace}
        for template in workload.templates:
            name = template.labels.get(_LABEL)
            if name is None:
                others = sorted(key for key in template.labels if str(key).startswith(_DOMAIN))
                if others:
                    yield Finding(
                        at=workload.manifest.at((*template.path, "metadata", "labels", others[0]), key=True),
                        message=f"{workload} has labels of AIBrix ({', '.join(others)}) without {_LABEL}, by "
                        "which AIBrix's gateway finds models",
                        fix=f"add {_LABEL} with the name of the Service",
                    )
                continue
            yield from _strategies(workload.manifest, template)
            path = (*template.path, "metadata", "labels", _LABEL)
            if not _NAME.fullmatch(str(name)):
                yield Finding(
                    at=workload.manifest.at(path),
                    message=f"{workload} has {_LABEL}: {name}, which is not a valid Service name",
                    fix="use lower-case letters, digits and hyphens",
                )
            elif str(name) not in services and services:
                behind = sorted(each.name for each in environment.services if template in each.pods)
                yield Finding(
                    at=workload.manifest.at(path),
                    message=f"{workload} has {_LABEL}: {name}, but no Service with that name selects it",
                    fix=f"use {behind[0]}" if behind else "give the Service and the served model the same name",
                )


def _strategies(manifest: Manifest, template: PodTemplate) -> Iterator[Finding]:
    path = (*template.path, "metadata", "annotations", _CONFIG)
    try:
        config = parsed(str(manifest.get(path, "") or "{}"))
    except MalformedJSON as fault:
        yield Finding(
            at=manifest.at(path),
            message=f"{_CONFIG} of {template} cannot be read: {fault.message}",
            fix="write one JSON object",
        )
        return
    profiles = mapping(config, "profiles")
    for profile in profiles.values():
        strategy = text(profile, "routingStrategy")
        near = nearest(strategy, _STRATEGIES, cutoff=0.8) if strategy and strategy not in _STRATEGIES else ""
        if near:
            yield Finding(
                at=manifest.at(path),
                message=f"{template} use the routing strategy {strategy}, which AIBrix does not have",
                fix=f"write {near}",
            )
    default = text(config, "defaultProfile")
    if default and profiles and default not in profiles:
        yield Finding(
            at=manifest.at(path),
            message=f"{_CONFIG} of {template} uses the profile {default}, which it does not define",
            fix=f"name {nearest(default, profiles) or next(iter(profiles))}",
        )
