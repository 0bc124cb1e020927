"""Objects that wait for what a later wave brings."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.graph import Requirement, Waves
from modelyard.rules import rule
from modelyard.view import Environment


@rule("argocd/late-requirement", error, since="0.1.0", absence="object")
def late_requirement(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A sync wave that waits for an object of a later wave never completes, and no later wave is applied."""
    waves = Waves(environment)
    told: set[tuple[str, str]] = set()
    for each in waves.late():
        inside = each.is_inside
        if (each.place.application, each.wanted) in told or (not inside and waves.wait_for_health is False):
            continue
        told.add((each.place.application, each.wanted))
        if not inside and waves.wait_for_health is None:
            yield NotChecked(
                f"order of application {each.place.application} and {each.providers[0].application}",
                "whether Argo CD waits for Applications between waves depends on settings outside this repository",
            )
        else:
            yield _finding(each, inside)


def _finding(each: Requirement, inside: bool) -> Finding:
    provider = each.providers[0]
    source = f"{each.source.node.kind} {each.source.node.name}"
    if inside:
        return Finding(
            at=each.at,
            message=f"{source} is applied {each.place.within} of application {provider.application} and waits for "
            f"{each.wanted}, which is applied {provider.within}",
            fix=f"give {source} the same argocd.argoproj.io/sync-wave as {each.wanted}, or a later one",
        )
    return Finding(
        at=each.at,
        message=f"{source} of application {each.place.application} (wave {each.place.wave}) waits for {each.wanted}, "
        f"which application {provider.application} deploys in wave {provider.wave}",
        fix=f"give application {provider.application} a sync wave of {each.place.wave} or less, "
        f"or give {each.place.application} a sync wave of {provider.wave} or more",
    )
