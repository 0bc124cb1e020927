"""Facts that an environment does not state."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, to_set, warning
from modelyard.rules import rule
from modelyard.view import Environment

NEEDED = {
    "account": "names of buckets and roles",
    "region": "zones, instance types and prices",
    "zones": "where pods can run",
    "cluster": "names of roles, queues and tags",
    "kubernetes": "schemas",
    "repository": "which Applications are this repository's",
}
"""Facts that checks stand on, and what for."""


@rule("environment/missing-fact", warning, since="0.1.0")
def missing_fact(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Without this value in environment.yaml, manifests and Terraform cannot be compared with it."""
    if not environment.facts or not environment.is_generated:
        return  # a repository that was not made by the template
    for fact, use in NEEDED.items():
        if not environment.facts.get(fact):
            yield Finding(
                at=environment.folder.at(fact),
                message=f"{environment.folder.facts_file} does not set {fact}, which checks of {use} need",
                fix=f"add {fact}; `modelyard new` writes it",
            )
    name = environment.facts.get("name")
    if name and name != environment.name:
        yield Finding(
            at=environment.folder.at("name"),
            message=f"{environment.folder.facts_file} has the name {name}, but its folder is {environment.name}",
            fix=f"write {environment.name}; if the folder was copied, check all other values too",
            edits=(to_set(environment.folder.at("name"), environment.name),),
        )
