"""Recorded answers that are not what the environment says."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.findings import Finding, NotChecked, error, warning
from modelyard.repository import ANSWERS, FileAddress, kustomization_file
from modelyard.rules import rule
from modelyard.view import Environment, listed, recorded_answers, texts_in
from modelyard.view.values import release_values

# Answers of the template, and the facts of environment.yaml that they become.
_FACTS = {
    "account_id": "account",
    "cluster_name": "cluster",
    "environment_name": "name",
    "kubernetes_version": "kubernetes",
    "region": "region",
    "repository_url": "repository",
    "revision": "revision",
}


# Answers that are yes where a NodePool is made.
_POOLS = {
    "gpu_pool": "gpu",
    "gpu_multinode_pool": "gpu-multinode",
    "neuron_pool": "neuron",
    "graviton_pool": "cpu-arm64",
}
# Answers that are yes where an environment takes a choice of a component.
_CHOICES = {
    "weights_mount": ("storage", "weights-s3"),
    "shared_file_system": ("storage", "efs"),
    "lustre_file_system": ("storage", "lustre"),
    "spot_capacity": ("karpenter", "spot"),
}
_ON_AL2023 = "al2023"
# Answers that a list of Terraform repeats, or of which it is empty.
_RANGES, _ENDPOINTS = "public_access_cidrs", "interface_endpoints"
# Answers that are a channel: where the values of a chart name it, and what stands before it there.
_CHANNELS = {
    "alerts_channel": ("kube-prometheus-stack", "#"),
    "notifications_channel": ("argo-cd", "slack:"),
}
_GATEWAY = ("gateway", "envoyProxy", "service", "type")
# Answers that variables of Terraform repeat.
_VARIABLES = ("nat_gateways", "lustre_file_system", "shared_file_system", "kubernetes_version", "cluster_name")


@rule("environment/answers-mismatch", error, since="0.1.0")
def answers_mismatch(environment: Environment) -> Iterator[Finding | NotChecked]:
    """`modelyard update` renders from the recorded answers: a different value there changes the cluster's files."""
    files = environment.repository.files
    recorded = recorded_answers(files, environment.folder.path)
    for answer, fact in _FACTS.items():
        told, said = recorded.get(answer), environment.facts.get(fact)
        if told is None or said is None or str(told) == str(said):
            continue
        yield Finding(
            at=FileAddress(files, f"{environment.folder.path}/{ANSWERS}", (answer,)),
            message=f"the recorded answer {answer} is {told}, but {environment.folder.facts_file} says {said}",
            fix=f"write {said}, or change it with modelyard update --set {answer}={told}",
        )
    yield from _of_pools(environment, recorded)
    yield from _of_choices(environment, recorded)
    yield from _of_variables(environment, recorded)
    yield from _of_lists(environment, recorded)
    yield from _of_values(environment, recorded)


def _of_pools(environment: Environment, recorded: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield answers on pools that are not what the pools say; without a pool there is nothing to hold them against."""
    files = environment.repository.files
    answers = f"{environment.folder.path}/{ANSWERS}"
    pools = {each.name: each for each in environment.of_kind("NodePool", "karpenter.sh")}
    if not pools or str(recorded.get("auto_mode")).lower() == "true":
        return
    for answer, pool in _POOLS.items():
        told = recorded.get(answer)
        if isinstance(told, bool) and told != (pool in pools):
            yes, no = str(told).lower(), str(not told).lower()
            yield Finding(
                at=FileAddress(files, answers, (answer,)),
                message=f"the recorded answer {answer} is {yes}, and there is {'no' if told else 'a'} NodePool {pool}",
                fix=f"write {no}, or change it with modelyard update --set {answer}={yes}",
                severity=warning,  # people change pools by hand; the next update merges from another answer
            )


def _other(environment: Environment, answer: str, told: object, said: str, wanted: str) -> Finding:
    """Return a recorded answer that the files do not give; people change files by hand, too."""
    files = environment.repository.files
    return Finding(
        at=FileAddress(files, f"{environment.folder.path}/{ANSWERS}", (answer,)),
        message=f"the recorded answer {answer} is {_written(told)}, and {said}",
        fix=f"write {wanted}, or change it with modelyard update --set {answer}={_written(told)}",
        severity=warning,
    )


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value) or "empty"


def _of_choices(environment: Environment, recorded: Mapping[str, Any]) -> Iterator[Finding]:
    for answer, (component, choice) in _CHOICES.items():
        told, taken = recorded.get(answer), _taken(environment, component)
        if isinstance(told, bool) and taken is not None and told != (choice in taken):
            said = f"the component {component} {'does not take' if told else 'takes'} the choice {choice}"
            yield _other(environment, answer, told, said, _written(not told))
    told, taken = recorded.get("device_ami"), _taken(environment, "karpenter")
    if isinstance(told, str) and taken is not None and (told == _ON_AL2023) != (_ON_AL2023 in taken):
        other = "bottlerocket" if told == _ON_AL2023 else _ON_AL2023
        said = f"the component karpenter {'does not take' if told == _ON_AL2023 else 'takes'} the choice {_ON_AL2023}"
        yield _other(environment, "device_ami", told, said, other)


def _taken(environment: Environment, component: str) -> set[str] | None:
    """Return the choices that an environment takes of a component; None where it does not have it."""
    folder = f"{environment.folder.path}/platform/{component}"
    file = kustomization_file(environment.repository.files, folder)
    if file is None:
        return None
    content = environment.repository.files.documents(file)
    components = listed(content[0] if content else {}, "components")
    return {str(each).rpartition("/choices/")[2] for each in components if "/choices/" in str(each)}


def _of_lists(environment: Environment, recorded: Mapping[str, Any]) -> Iterator[Finding]:
    terraform = environment.terraform
    if terraform is None:
        return
    ranges, given = recorded.get("public_endpoint_cidrs"), terraform.given.get(_RANGES)
    # Ranges that only the file has were added by hand; those that only the answer has were not applied.
    if isinstance(ranges, str) and isinstance(given, list) and _parts(ranges) - {str(each) for each in given}:
        said = ",".join(map(str, given))
        yield _other(
            environment, "public_endpoint_cidrs", ranges, f"{_RANGES} is {said or 'empty'}", said or "an empty text"
        )
    ways, given = recorded.get("vpc_endpoints"), terraform.variable(_ENDPOINTS)
    if isinstance(ways, str) and (ways == "interface") != bool(given):
        has = "names endpoints" if given else "names none"
        yield _other(environment, "vpc_endpoints", ways, f"{_ENDPOINTS} {has}", "interface" if given else "nat")


def _parts(text: str) -> set[str]:
    return {each.strip() for each in text.split(",") if each.strip()}


def _of_values(environment: Environment, recorded: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield answers that the values of charts repeat."""
    for values in environment.chart_values:
        for answer, (chart, beginning) in _CHANNELS.items():
            told = recorded.get(answer)
            if values.source.chart != chart or not isinstance(told, str):
                continue
            written = [each for layer in values.layers for _, each in texts_in(layer.content)]
            channels = [each.removeprefix(beginning) for each in written if _is_channel(each, beginning)]
            if channels and told not in channels:
                yield _other(environment, answer, told, f"values of chart {chart} name {channels[0]}", channels[0])
    access = recorded.get("gateway_access")
    for application in environment.applications if isinstance(access, str) else ():
        for values in release_values(application, environment.repository) if application.name == "aibrix" else ():
            kind = values.get(_GATEWAY)
            if isinstance(kind, str) and (kind == "LoadBalancer") != (access != "cluster"):
                other = "vpc or internet" if kind == "LoadBalancer" else "cluster"
                yield _other(environment, "gateway_access", access, f"the gateway is of type {kind}", other)


def _is_channel(written: str, beginning: str) -> bool:
    return written.startswith(beginning) and re.fullmatch(r"[a-z0-9][a-z0-9_-]*", written[len(beginning) :]) is not None


def _of_variables(environment: Environment, recorded: Mapping[str, Any]) -> Iterator[Finding]:
    terraform = environment.terraform
    for answer in _VARIABLES if terraform is not None else ():
        told, said = recorded.get(answer), terraform.given.get(answer) if terraform is not None else None
        if terraform is None or told is None or said is None or str(told).lower() == str(said).lower():
            continue
        if answer in _FACTS and str(environment.facts.get(_FACTS[answer])) != str(told):
            continue  # said of the facts already
        yield Finding(
            at=FileAddress(environment.repository.files, f"{environment.folder.path}/{ANSWERS}", (answer,)),
            message=f"the recorded answer {answer} is {told}, and {terraform.variables_file} says {said}",
            fix=f"write {said}, or change it with modelyard update --set {answer}={told}",
            severity=None if answer in _FACTS else warning,  # people change what Terraform makes by hand, too
        )
