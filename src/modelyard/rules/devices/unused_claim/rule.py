"""Claims of devices that no container of their pods uses."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, entries, numbered, text


@rule("devices/unused-claim", error, since="0.3.0")
def unused_claim(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The device of a claim that no container names is allocated, and no process can see it."""
    for workload in environment.own_workloads:
        for template in workload.templates:
            used = {
                text(each, "name")
                for container in template.containers
                for each in entries(container.value, "resources", "claims")
            }
            for index, claim in numbered(template.spec, "resourceClaims"):
                name = text(claim, "name")
                if name and name not in used:
                    yield Finding(
                        at=template.at("resourceClaims", index, "name"),
                        message=f"{template} have the claim {name}, which no container names under resources.claims",
                        fix=f"add resources.claims: [{{name: {name}}}] to the container that needs the device",
                    )
