"""What a rehearsal showed, as findings at the places that cause them and as gaps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from modelyard.findings import Finding, NotChecked, Severity
from modelyard.rehearsal.control_plane import SERVER, server_of
from modelyard.rehearsal.day2 import ScenarioStep
from modelyard.rehearsal.dry_run import Tried
from modelyard.rehearsal.objections import Objection
from modelyard.rehearsal.scheduling import Scheduled
from modelyard.rehearsal.syncing import Synced
from modelyard.schemas import DEFAULT_KUBERNETES
from modelyard.tooling import find
from modelyard.view import NATIVE_GROUPS, Environment, Manifest

# Argo CD's own name for its finalizer, which the server would have otherwise.
_EXPECTED_WARNING = '"resources-finalizer.argocd.argoproj.io": prefer a domain-qualified finalizer name'

REFUSED = "rehearsal/refused-resource"
WARNED = "rehearsal/warning"
UNSCHEDULED = "rehearsal/unscheduled-pod"
ELSEWHERE = "rehearsal/not-as-foretold"
UNSETTLED = "rehearsal/never-synced"
UNSYNCED = "rehearsal/not-synced"
UNTRUE = "rehearsal/not-as-designed"


def of_pods(pods: Iterable[Scheduled], view: Environment) -> Iterator[Finding]:
    """Yield a finding for every pod that has no node, or another than `place` foretells."""
    for pod in pods:
        manifest = pod.placement.workload.manifest if pod.placement else None
        if manifest is None:
            continue
        if not pod.node:
            yield Finding(
                at=manifest.at("spec.template.spec"),
                message=f"{manifest}: pod {pod.name} finds no node",
                detail=pod.reasons,
                rule=UNSCHEDULED,
                severity=Severity.ERROR,
                environment=view.name,
                application=manifest.application,
            )
        elif pod.difference:
            yield Finding(
                at=manifest.at("spec.template.spec"),
                message=f"{manifest}: pod {pod.name} is on {pod.instance_type} of pool {pod.pool}, "
                f"but {pod.difference}",
                rule=ELSEWHERE,
                severity=Severity.WARNING,
                environment=view.name,
                application=manifest.application,
            )


def of_resources(tried: Iterable[Tried], view: Environment) -> Iterator[Finding]:
    """Yield a finding for every objection and warning of the API server."""
    for each in tried:
        manifest = each.manifest
        for path in each.filled:
            yield Finding(
                at=manifest.at(path),
                message=f"{manifest}: its definition fills in {path[-1]}, in a list that Argo CD compares as a whole: "
                "the application would never be Synced",
                fix="write the default out",
                rule=UNSETTLED,
                severity=Severity.ERROR,
                environment=view.name,
                application=manifest.application,
            )
        for objection in each.objections:
            if _waits_for_the_cloud(manifest, objection):
                continue
            # The server quotes values, and a Secret's must not reach a log.
            words = "the API server refuses its content" if manifest.kind == "Secret" else objection.message
            yield Finding(
                at=manifest.at(objection.path),
                message=f"{manifest}: {words.rstrip('.')}",
                rule=REFUSED,
                severity=Severity.ERROR,
                environment=view.name,
                application=manifest.application,
            )
        for warning in each.warnings:
            if _EXPECTED_WARNING in warning:
                continue
            yield Finding(
                at=manifest.at(),
                message=f"{manifest}: {warning.rstrip('.')}",
                rule=WARNED,
                severity=Severity.WARNING,
                environment=view.name,
                application=manifest.application,
            )


def _waits_for_the_cloud(manifest: Manifest, objection: Objection) -> bool:
    """Whether the server misses what is left empty until Terraform has made it."""
    left_empty = manifest.get(objection.path, None) == ""
    return manifest.kind == "PersistentVolume" and left_empty and "Required value" in objection.message


def gaps(tried: Iterable[Tried], view: Environment) -> Iterator[NotChecked]:
    """Yield what the API server could not be asked."""
    for each in tried:
        if any(_waits_for_the_cloud(each.manifest, objection) for objection in each.objections):
            yield NotChecked(
                f"{each.manifest.kind} {each.manifest.name}",
                "an id that Terraform gives is not there yet",
                "run Terraform, then modelyard env sync",
                environment=view.name,
                application=each.manifest.application,
            )
        if each.gap:
            yield NotChecked(
                f"{each.manifest.kind} {each.manifest.name}",
                each.gap,
                "" if each.manifest.group in NATIVE_GROUPS else "list a file with it under crds: in modelyard.yaml",
                environment=view.name,
                application=each.manifest.application,
            )


def wanted_version(view: Environment) -> str:
    """Return the version of Kubernetes that an environment is for."""
    return str(view.facts.get("kubernetes") or DEFAULT_KUBERNETES)


def version_gap(view: Environment, version: str) -> Iterator[NotChecked]:
    """Yield a gap where the environment is for another minor version of Kubernetes than the server's."""
    wanted = wanted_version(view)
    if version and version.split(".")[:2] != wanted.split(".")[:2]:
        own = server_of(wanted)
        yield NotChecked(
            f"what Kubernetes {wanted} refuses",
            f"the API server here is {version}",
            f"run modelyard tools install {own}" if own != SERVER and find(own) is None else "",
            environment=view.name,
        )


def of_applications(applications: Iterable[Synced], view: Environment, seconds: float) -> Iterator[Finding]:
    """Yield a finding for every Application that is not well, with Argo CD's reasons; missing ones too."""
    found = {each.name: each for each in applications}
    manifests = {each.name: each for each in view.of_kind("Application")}
    for name, manifest in manifests.items():
        state = found.pop(name, None)
        if state is not None and state.well:
            continue
        told = f"is {state}" if state is not None else "is not made"
        yield Finding(
            at=manifest.at(),
            message=f"{manifest}: {told} after {seconds:.0f} s",
            detail=state.reasons if state is not None else (),
            rule=UNSYNCED,
            severity=Severity.ERROR,
            environment=view.name,
            application=name,
        )


def of_day(steps: Iterable[ScenarioStep], view: Environment) -> Iterator[Finding]:
    """Yield a finding for everything that did not follow from a step of the day."""
    manifests = {each.name: each for each in view.of_kind("Application")}
    for step in steps:
        for problem in step.problems:
            yield Finding(
                at=manifests[step.application].at(),
                message=f"{manifests[step.application]}, {step.name}: {problem}",
                rule=UNTRUE,
                severity=Severity.ERROR,
                environment=view.name,
                application=step.application,
            )


def of_charts(charts: dict[str, str], view: Environment) -> Iterator[NotChecked]:
    """Yield a gap for every Application that was synced without its charts."""
    for name, chart in charts.items():
        yield NotChecked(
            f"chart {chart}",
            "charts are not fetched: only the folder of this repository was synced",
            environment=view.name,
            application=name,
        )
