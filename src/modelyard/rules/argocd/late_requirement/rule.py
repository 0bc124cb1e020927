"""Objects that wait for what a later wave brings."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.graph import Requirement, Waves
from modelyard.rules import rule
from modelyard.view import Environment


@rule("argocd/late-requirement", error, since="0.1.0", absence="object")
def late_requirement(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A wave that waits for what a later wave brings never ends, and nothing behind it arrives."""
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
                "whether waves wait for Applications is set in Argo CD, and its settings are not in this repository",
            )
        else:
            yield _finding(each, inside)


def _finding(each: Requirement, inside: bool) -> Finding:
    provider = each.providers[0]
    source = f"{each.source.node.kind} {each.source.node.name}"
    if inside:
        return Finding(
            at=each.at,
            message=f"{source} is made {each.place.within} of application {provider.application} and waits for "
            f"{each.wanted}, which is made {provider.within}",
            fix=f"give {source} a later argocd.argoproj.io/sync-wave than {each.wanted}, or both the same",
        )
    return Finding(
        at=each.at,
        message=f"{source} of application {each.place.application} (wave {each.place.wave}) waits for {each.wanted}, "
        f"which application {provider.application} brings in wave {provider.wave}",
        fix=f"give application {provider.application} a sync wave of {each.place.wave} or less, "
        f"or {each.place.application} one of {provider.wave} or more",
    )
