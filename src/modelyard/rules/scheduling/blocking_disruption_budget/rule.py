"""Disruption budgets that never let a pod go."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, to_remove, to_set, warning
from modelyard.rules import rule
from modelyard.view import Environment, Manifest, PodTemplate, mapping


@rule("scheduling/blocking-disruption-budget", warning, since="0.1.0")
def blocking_disruption_budget(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A disruption budget that permits no eviction blocks draining nodes for upgrades, drift and consolidation."""
    yield from _in_values(environment)
    for manifest in environment.of_kind("PodDisruptionBudget", "policy"):
        least, most = manifest.get("spec.minAvailable"), manifest.get("spec.maxUnavailable")
        if most in (0, "0%"):
            yield _finding(manifest, "maxUnavailable", f"maxUnavailable {most}")
        if least == "100%":
            yield _finding(manifest, "minAvailable", "minAvailable 100%")
        elif isinstance(least, int) and not isinstance(least, bool):
            templates = environment.pods_in(environment.namespace_of(manifest))
            chosen = list(templates.chosen(manifest.mapping("spec.selector")))
            replicas = [_replicas(each) for each in chosen]
            total = sum(each for each in replicas if each is not None)
            if chosen and None not in replicas and 0 < total <= least:
                yield _finding(manifest, "minAvailable", f"minAvailable {least} of {total}")


def _replicas(template: PodTemplate) -> int | None:
    count = template.manifest.get("spec.replicas", 1)
    known = template.manifest.kind in ("Deployment", "StatefulSet") and isinstance(count, int)
    return int(count) if known else None


def _finding(manifest: Manifest, field: str, found: str) -> Finding:
    to_permit = to_set(manifest.at("spec.maxUnavailable"), 1)
    return Finding(
        at=manifest.at(("spec", field)),
        message=f"{manifest} has {found}, so no pod can ever be evicted",
        fix="use maxUnavailable: 1",
        edits=(to_remove(manifest.at("spec.minAvailable")), to_permit) if field == "minAvailable" else (to_permit,),
    )


def _in_values(environment: Environment) -> Iterator[Finding]:
    """Yield budgets that the values of a chart give to as many replicas as must stay."""
    for values in environment.chart_values if environment.chart_values else ():
        for section in ("", "controller", "webhook", "certController", "server", "repoServer", "operator"):
            here = (section,) if section else ()
            holder = values.get(here, {}) if here else {key: values.get(key) for key in (*_COUNTS, _BUDGET, "pdb")}
            for name in (_BUDGET, "pdb"):
                budget = mapping(holder, name) if isinstance(holder, dict) else {}
                least = budget.get("minAvailable")
                counts = [holder.get(key) for key in _COUNTS if isinstance(holder, dict)]
                count = next((each for each in counts if isinstance(each, int)), None)
                if (
                    isinstance(least, int)
                    and isinstance(count, int)
                    and budget.get("enabled") is not False
                    and (0 < count <= least)
                ):
                    yield Finding(
                        at=values.at((*here, name, "minAvailable")),
                        message=f"chart {values.source.chart} of {values.application} gets minAvailable {least} of "
                        f"{count} replicas, so no pod can ever be evicted",
                        fix=f"write minAvailable: {count - 1}" if count > 1 else "use maxUnavailable: 1",
                    )


_BUDGET = "podDisruptionBudget"
_COUNTS = ("replicaCount", "replicas")
