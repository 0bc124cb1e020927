"""One rehearsal: an environment tried on a control plane that runs for it alone."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelyard.checking import CheckOptions, environments
from modelyard.checking.tools import Tools
from modelyard.cluster import NATIVE_GROUPS, Environment
from modelyard.findings import EnvironmentSummary, Finding, NotChecked, Report, Severity
from modelyard.rehearsal.api import Unreachable
from modelyard.rehearsal.control_plane import ControlPlane, control_plane, programs
from modelyard.rehearsal.definitions import install_definitions
from modelyard.rehearsal.dry_run import Tried, keep_what_others_need, try_the_rest
from modelyard.rehearsal.folders import run_folder
from modelyard.rehearsal.scheduling import (
    KARPENTER_KINDS,
    Scheduled,
    missing_programs,
    node_class_definition,
    schedule,
)
from modelyard.repository import Repository
from modelyard.schemas import DEFAULT_KUBERNETES, SchemaBundle

# Argo CD's own name for its finalizer, which the server would have otherwise.
_EXPECTED_WARNING = '"resources-finalizer.argocd.argoproj.io": prefer a domain-qualified finalizer name'

REFUSED = "rehearsal/refused-resource"
WARNED = "rehearsal/warning"
UNSCHEDULED = "rehearsal/unscheduled-pod"
ELSEWHERE = "rehearsal/not-as-foretold"

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Stage:
    """One part of a rehearsal.

    Attributes:
        name: What was done.
        seconds: How long it took.
        count: Of how many objects; 0 where nothing is counted.
    """

    name: str
    seconds: float
    count: int = 0


@dataclass(frozen=True, slots=True)
class Component:
    """A program of the control plane.

    Attributes:
        name: Its name.
        ready_seconds: From its start until it was ready; None where that is not waited for.
        peak_memory: Most resident memory in bytes; None where the system does not tell.
    """

    name: str
    ready_seconds: float | None
    peak_memory: int | None


@dataclass(slots=True)
class Rehearsal:
    """What one rehearsal showed.

    Attributes:
        level: The rung.
        environment: Name of the environment.
        report: What the control plane refuses, and what it could not be asked.
        kubernetes_version: Version of the API server.
        stages: Parts with their times, in order.
        components: Programs with their memory.
        pods: Where pods went, at level `schedule`.
    """

    level: str
    environment: str
    report: Report
    kubernetes_version: str = ""
    stages: list[Stage] = field(default_factory=list)
    components: list[Component] = field(default_factory=list)
    pods: list[Scheduled] = field(default_factory=list)

    @contextlib.contextmanager
    def timed(self, name: str, count: Callable[[], int] = lambda: 0) -> Iterator[None]:
        """Time a block as a stage."""
        started = time.monotonic()
        yield
        self.stages.append(Stage(name, time.monotonic() - started, count()))


def rehearse(root: Path, environment: str, level: str, progress: Progress, limit: float = 120.0) -> Rehearsal:
    """Try an environment: everything that it renders, applied to a real API server as a dry run.

    Native validation, the CEL rules of definitions, the server's own admission and admission policies of the
    environment decide. Webhooks and controllers of operators do not run. At level `schedule`, the objects are then
    made, and the real controllers place the pods.

    Args:
        root: The repository's folder.
        environment: Name of the environment.
        level: `schema` or `schedule`.
        progress: Told how far it is.
        limit: Seconds to wait for pods at most.

    Raises:
        Refusal: There is no such environment, a program is missing, or the control plane failed.
    """
    programs()  # before anything is rendered
    if level == "schedule":
        missing_programs()
    started = time.monotonic()
    repository = Repository(root)
    made = Rehearsal(level, environment, Report(repository.root))
    options = CheckOptions(environments=(environment,))
    with made.timed("rendering"):
        (view,) = environments(repository, options, progress, made.report.not_checked)
    with run_folder() as folder:
        with control_plane(folder, lambda text: progress(text, 0, 0)) as plane, contextlib.ExitStack() as stack:
            try:
                _try_everything(made, plane, view, Tools(repository, options).crd_paths, progress)
                if level == "schedule":
                    with made.timed("scheduling", lambda: len(made.pods)):
                        made.pods = schedule(
                            plane, view, stack, limit, lambda done, total: progress("pods", done, total)
                        )
                    made.report.findings.extend(_unscheduled(made.pods, view))
            except Unreachable:
                time.sleep(0.2)  # a killed server closes its connections before its end can be seen
                plane.check()
                raise
            made.components = [
                Component(each.name, plane.seconds.get(each.name), each.measure()) for each in plane.components
            ]
        ending = time.monotonic()
    made.stages.append(Stage("stopping", time.monotonic() - ending))
    report = made.report
    report.environments.append(
        EnvironmentSummary(view.name, len(view.applications), len(view.models), len(view.resources))
    )
    report.applications = len(view.applications)
    report.findings.sort(key=lambda finding: str(finding.at.place()))
    report.not_checked = list(dict.fromkeys(report.not_checked))
    report.incomplete_applications = len({gap.application for gap in report.not_checked if gap.application})
    report.seconds = time.monotonic() - started
    return made


def _try_everything(
    made: Rehearsal, plane: ControlPlane, view: Environment, crd_paths: list[Path], progress: Progress
) -> None:
    made.kubernetes_version = plane.version
    made.report.not_checked.extend(_version_gap(view, plane.version))
    definitions = definitions_in_use(view, crd_paths)
    if made.level == "schedule":
        definitions |= _karpenter_definitions(view, crd_paths)
    progress("definitions", 0, len(definitions))
    with made.timed("definitions", lambda: len(definitions)):
        installed = install_definitions(plane.api, definitions.values(), plane.check)
    for name, reasons in installed.refused.items():
        told = "; ".join(each.message[:200] for each in reasons[:3])
        made.report.not_checked.append(
            NotChecked(f"objects of {name}", f"the API server refuses the definition: {told}", environment=view.name)
        )
    with made.timed("resources", lambda: len(view.resources)):
        tried = keep_what_others_need(plane.api, view)
        tried += try_the_rest(plane.api, view, lambda done, total: progress("resources", done, total))
        made.report.findings.extend(_findings(tried, view))
        made.report.not_checked.extend(_gaps(tried, view))


def definitions_in_use(view: Environment, crd_paths: list[Path]) -> dict[str, dict[str, Any]]:
    """Return the definitions, by name, of the custom resources that an environment holds and does not define itself."""
    bundle = SchemaBundle(str(view.facts.get("kubernetes") or DEFAULT_KUBERNETES), crd_paths)
    own = {thing.name for thing in view.of_kind("CustomResourceDefinition")}
    found: dict[str, dict[str, Any]] = {}
    for thing in view.resources:
        definition = bundle.definition(thing.identity.api_version, thing.kind)
        if definition is not None and definition["metadata"]["name"] not in own:
            found[definition["metadata"]["name"]] = definition
    return found


def _karpenter_definitions(view: Environment, crd_paths: list[Path]) -> dict[str, dict[str, Any]]:
    bundle = SchemaBundle(str(view.facts.get("kubernetes") or DEFAULT_KUBERNETES), crd_paths)
    found = [definition for kind in KARPENTER_KINDS if (definition := bundle.definition(*kind)) is not None]
    return {each["metadata"]["name"]: each for each in (*found, node_class_definition())}


def _unscheduled(pods: Iterable[Scheduled], view: Environment) -> Iterator[Finding]:
    for pod in pods:
        thing = pod.placement.workload.thing if pod.placement else None
        if thing is None:
            continue
        if not pod.node:
            yield Finding(
                at=thing.at("spec.template.spec"),
                message=f"{thing}: pod {pod.name} finds no node",
                detail=pod.reasons,
                rule=UNSCHEDULED,
                severity=Severity.ERROR,
                environment=view.name,
                application=thing.application,
            )
        elif pod.difference:
            yield Finding(
                at=thing.at("spec.template.spec"),
                message=f"{thing}: pod {pod.name} is on {pod.instance_type} of pool {pod.pool}, but {pod.difference}",
                rule=ELSEWHERE,
                severity=Severity.WARNING,
                environment=view.name,
                application=thing.application,
            )


def _findings(tried: Iterable[Tried], view: Environment) -> Iterator[Finding]:
    for each in tried:
        thing = each.thing
        for objection in each.objections:
            # The server quotes values, and a Secret's must not reach a log.
            words = "the API server refuses its content" if thing.kind == "Secret" else objection.message
            yield Finding(
                at=thing.at(objection.path),
                message=f"{thing}: {words.rstrip('.')}",
                rule=REFUSED,
                severity=Severity.ERROR,
                environment=view.name,
                application=thing.application,
            )
        for warning in each.warnings:
            if _EXPECTED_WARNING in warning:
                continue
            yield Finding(
                at=thing.at(),
                message=f"{thing}: {warning.rstrip('.')}",
                rule=WARNED,
                severity=Severity.WARNING,
                environment=view.name,
                application=thing.application,
            )


def _gaps(tried: Iterable[Tried], view: Environment) -> Iterator[NotChecked]:
    for each in tried:
        if each.gap:
            yield NotChecked(
                f"{each.thing.kind} {each.thing.name}",
                each.gap,
                "" if each.thing.group in NATIVE_GROUPS else "list a file with it under crds: in modelyard.yaml",
                environment=view.name,
                application=each.thing.application,
            )


def _version_gap(view: Environment, version: str) -> Iterator[NotChecked]:
    wanted = str(view.facts.get("kubernetes") or DEFAULT_KUBERNETES)
    if version and version.split(".")[:2] != wanted.split(".")[:2]:
        yield NotChecked(
            f"what Kubernetes {wanted} refuses",
            f"the API server here is {version}",
            environment=view.name,
        )
