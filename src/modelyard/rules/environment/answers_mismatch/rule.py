"""Recorded answers that are not what the environment says."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
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


@rule("environment/answers-mismatch", error, since="0.1.0")
def answers_mismatch(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The next update writes every file anew by the recorded answers: one that was edited by hand moves the cluster."""
    files = environment.repository.files
    recorded = recorded_answers(files, environment.folder.path)
    for answer, fact in _FACTS.items():
        told, said = recorded.get(answer), environment.facts.get(fact)
        if told is None or said is None or str(told) == str(said):
            continue
        yield Finding(
            at=FileAddress(files, f"{environment.folder.path}/{ANSWERS}", (answer,)),
            message=f"the recorded answer {answer} is {told}, and {environment.folder.facts_file} says {said}",
            fix=f"write {said}, or change it with modelyard update --set {answer}={told}",
        )
