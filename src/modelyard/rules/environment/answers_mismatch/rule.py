"""Recorded answers that are not what the environment says."""

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.findings import Finding, NotChecked, error, warning
from modelyard.repository import ANSWERS, FileAddress
from modelyard.rules import rule
from modelyard.view import Environment, recorded_answers

# Answers of the template, and the facts of environment.yaml that they become.
_FACTS = {
    "account_id": "account",
    "cluster_name": "cluster",
    "environment_name": "name",
    "kubernetes_version": "kubernetes",
    "region": "region",
    "repository_url": "repository",
}


# Answers that are yes where a NodePool is made.
_POOLS = {
    "gpu_pool": "gpu",
    "gpu_multinode_pool": "gpu-multinode",
    "neuron_pool": "neuron",
    "graviton_pool": "cpu-arm64",
}
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
    yield from _of_variables(environment, recorded)


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
