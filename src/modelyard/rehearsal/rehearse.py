"""One rehearsal: an environment tried on a control plane that runs for it alone."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelyard.checking import CheckOptions
from modelyard.checking.environments import environments
from modelyard.checking.tools import CheckContext
from modelyard.findings import EnvironmentSummary, NotChecked, Report
from modelyard.rehearsal import argocd, controllers, group_operators, missing, outcomes
from modelyard.rehearsal.absences import Absence
from modelyard.rehearsal.api import Unreachable
from modelyard.rehearsal.cloud import needs
from modelyard.rehearsal.cloud import outcomes as cloud_outcomes
from modelyard.rehearsal.cloud.mock_result import Cloud, MockCloudResult
from modelyard.rehearsal.control_plane import ControlPlane, control_plane, programs
from modelyard.rehearsal.day2 import Day2Scenario, ScenarioStep
from modelyard.rehearsal.definitions import install_definitions
from modelyard.rehearsal.dry_run import keep_what_others_need, try_the_rest
from modelyard.rehearsal.folders import run_folder
from modelyard.rehearsal.missing import Missed, go_without
from modelyard.rehearsal.scheduling import Scheduled, schedule
from modelyard.rehearsal.served import copied, serve
from modelyard.rehearsal.syncing import ArgoSession, Synced
from modelyard.repository import Repository
from modelyard.schemas import SchemaBundle
from modelyard.tooling import require
from modelyard.view import Environment

LEVELS = ("schema", "schedule", "sync", "cloud")
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
        argocd_version: Version of Argo CD, at level `sync`.
        stages: Parts with their times, in order.
        components: Programs with their memory.
        pods: Where pods went, at level `schedule` and above.
        applications: What became of them, at level `sync`.
        day: What happened after that, where it was asked for.
        missed: What waited while something was missing, where that was asked for.
        groups: Operators of groups of pods that ran.
        stood_in: Programs whose statuses a stand-in set.
        cloud: What was seen in the mock AWS account, at level `cloud`.
    """

    level: str
    environment: str
    report: Report
    kubernetes_version: str = ""
    argocd_version: str = ""
    stages: list[Stage] = field(default_factory=list)
    components: list[Component] = field(default_factory=list)
    pods: list[Scheduled] = field(default_factory=list)
    applications: list[Synced] = field(default_factory=list)
    day: list[ScenarioStep] = field(default_factory=list)
    missed: Missed | None = None
    groups: list[str] = field(default_factory=list)
    stood_in: list[str] = field(default_factory=list)
    cloud: MockCloudResult | None = None

    @contextlib.contextmanager
    def timed(self, name: str, count: Callable[[], int] = lambda: 0) -> Iterator[None]:
        """Time a block as a stage."""
        started = time.monotonic()
        yield
        self.stages.append(Stage(name, time.monotonic() - started, count()))


def rehearse(
    root: Path,
    environment: str,
    level: str,
    progress: Progress,
    limit: float = 300.0,
    *,
    day: bool = False,
    without: Absence | None = None,
) -> Rehearsal:
    """Try an environment on a control plane of its own.

    At level `schema`, everything that it renders is applied to a real API server as a dry run: native validation, the
    CEL rules of definitions, the server's own admission and admission policies of the environment decide. At level
    `schedule`, the objects are then made, and the real controllers place the pods. At level `sync`, Argo CD makes them
    instead, from a copy of the working tree, as it would in a cluster after scripts/install.sh. At level `cloud`, the
    environment's Terraform is applied to a mock AWS account, and Karpenter's own AWS provider works there.

    Args:
        root: The repository's folder.
        environment: Name of the environment.
        level: One of LEVELS.
        progress: Told how far it is.
        limit: Seconds to wait at most for pods, for Applications, for an interruption, and for each step of the day.
        day: Whether to go through a day's life once everything is synced.
        without: What is missing until all that need not wait for it is there; at level `sync`.

    Raises:
        UserError: There is no such environment, a program is missing, or the control plane failed.
    """
    _require_programs(level)
    started = time.monotonic()
    repository = Repository(root)
    made = Rehearsal(level, environment, Report(repository.root))
    options = CheckOptions(environments=(environment,))
    with made.timed("rendering"):
        rendered = environments(repository, options, progress)
        (view,) = rendered.views
        made.report.not_checked.extend(rendered.all_gaps)
    with run_folder() as folder:
        version = outcomes.wanted_version(view)
        with (
            control_plane(folder, lambda text: progress(text, 0, 0), version) as plane,
            contextlib.ExitStack() as stack,
        ):
            try:
                _go_through(
                    made, plane, view, CheckContext(repository, options).crd_paths, stack, progress, limit, day, without
                )
            except Unreachable:
                time.sleep(0.2)  # a killed server closes its connections before its end can be seen
                plane.check()
                raise
            # Files of a copy are gone afterwards.
            made.report.findings = [each.located() for each in made.report.findings]
            made.components[:0] = [
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


def _require_programs(level: str) -> None:
    """Refuse before anything is rendered when a program is missing."""
    programs()
    if level == "cloud":
        needs.require_all()
    elif level != "schema":
        for name in controllers.PROGRAMS:
            require(name)
    if level == "sync":
        for name in (argocd.PROGRAM, "git", "kustomize"):
            require(name)


def _go_through(
    made: Rehearsal,
    plane: ControlPlane,
    view: Environment,
    crd_paths: list[Path],
    stack: contextlib.ExitStack,
    progress: Progress,
    limit: float,
    day: bool,
    without: Absence | None,
) -> None:
    made.kubernetes_version = plane.version
    made.report.not_checked.extend(outcomes.version_gap(view, plane.version))
    if made.level == "cloud":
        _cloud(made, plane, view, crd_paths, stack, progress, limit)
        return
    definitions = _install_definitions(made, plane, view, crd_paths, progress)
    if made.level == "sync":
        _sync(made, plane, view, stack, progress, limit, day, without)
        return
    _try_resources(made, plane, view, definitions, progress)
    if made.level == "schedule":
        with made.timed("scheduling", lambda: len(made.pods)):
            made.pods = schedule(plane, view, stack, limit, lambda done, total: progress("pods", done, total))
        made.report.findings.extend(outcomes.of_pods(made.pods, view))


def _try_resources(
    made: Rehearsal, plane: ControlPlane, view: Environment, definitions: dict[str, dict[str, Any]], progress: Progress
) -> None:
    with made.timed("resources", lambda: len(view.resources)):
        tried = keep_what_others_need(plane.api, view)
        tried += try_the_rest(
            plane.api, view, lambda done, total: progress("resources", done, total), definitions.values()
        )
        made.report.findings.extend(outcomes.of_resources(tried, view))
        made.report.not_checked.extend(outcomes.gaps(tried, view))


def _install_definitions(
    made: Rehearsal, plane: ControlPlane, view: Environment, crd_paths: list[Path], progress: Progress
) -> dict[str, dict[str, Any]]:
    definitions = definitions_in_use(view, crd_paths)
    if made.level != "schema":
        definitions |= _definitions(view, crd_paths, controllers.KARPENTER_KINDS)
    if made.level in ("schedule", "sync"):
        groups = group_operators.needed(view)
        definitions |= _definitions(view, crd_paths, (kind for each in groups for kind in each.kinds))
        made.groups = [each.name for each in groups]
        made.stood_in = [*(each.pretends for each in groups if each.pretends), *controllers.stood_in(view)]
        made.report.not_checked.extend(group_operators.gaps(view))
    if made.level == "sync":
        definitions |= _definitions(view, crd_paths, argocd.KINDS)
    progress("definitions", 0, len(definitions))
    with made.timed("definitions", lambda: len(definitions)):
        installed = install_definitions(plane.api, definitions.values(), plane.check)
    for name, reasons in installed.refused.items():
        told = "; ".join(each.message[:200] for each in reasons[:3])
        made.report.not_checked.append(
            NotChecked(f"objects of {name}", f"the API server refuses the definition: {told}", environment=view.name)
        )
    return definitions


def _sync(
    made: Rehearsal,
    plane: ControlPlane,
    view: Environment,
    stack: contextlib.ExitStack,
    progress: Progress,
    limit: float,
    day: bool,
    without: Absence | None,
) -> None:
    made.argocd_version = argocd.version()
    made.report.not_checked.append(
        NotChecked(
            "what newer versions of Argo CD do otherwise",
            f"Argo CD here is {made.argocd_version}, the newest that is published as Go modules whole",
            environment=view.name,
        )
    )
    with made.timed("serving the tree"):
        served = serve(made.report.root, plane.folder.path, view)
    made.report.not_checked.extend(outcomes.of_charts(served.charts, view))
    syncing = ArgoSession(plane, view, served, stack, without)
    with made.timed("starting Argo CD"):
        syncing.bootstrap()
    with made.timed("syncing", lambda: len(made.applications)):
        if without is not None:
            made.missed, last = go_without(syncing, without, limit, progress)
            seen = last if made.missed.mended else None
            made.report.findings.extend(missing.findings(made.missed, view))
        else:
            seen = syncing.converge([each.name for each in view.applications], limit, progress)
            last = seen or syncing.turn()
    made.applications = list(last.applications.values())
    made.pods = syncing.placed(last)
    made.report.findings.extend(outcomes.of_applications(made.applications, view, limit))
    made.report.findings.extend(outcomes.of_pods(made.pods, view))
    if day and seen is not None:
        with made.timed("a day's life", lambda: len(made.day)):
            made.day.extend(Day2Scenario(syncing, limit, progress).steps())
        made.report.findings.extend(outcomes.of_day(made.day, view))
    made.stood_in += [*syncing.operators.stood_in, *(["ids that Terraform gives"] if served.filled else [])]


def _cloud(
    made: Rehearsal,
    plane: ControlPlane,
    view: Environment,
    crd_paths: list[Path],
    stack: contextlib.ExitStack,
    progress: Progress,
    limit: float,
) -> None:
    rendered = set(made.report.not_checked)
    with made.timed("copying the tree"):
        copy = copied(made.report.root, plane.folder.path, str(view.facts.get("repository") or ""))
    with made.timed("starting Terraform"):
        progress("starting Terraform", 0, 0)
        cloud = Cloud(plane, view, copy, stack)
    made.cloud = cloud.seen
    definitions = _install_definitions(made, plane, view, crd_paths, progress)
    with made.timed("waiting for Terraform", lambda: cloud.seen.resources):
        applied = cloud.apply(progress)
    made.components.append(Component("terraform, with its provider", None, cloud.terraform.peak_memory))
    if not applied:
        made.report.findings.extend(cloud_outcomes.of_terraform(cloud.seen, view))
        made.report.not_checked.extend(cloud_outcomes.gaps_of_terraform(cloud.seen, view))
        return
    if cloud.seen.filled:
        with made.timed("rendering with Terraform's outputs"):
            kept = [each for each in made.report.not_checked if each not in rendered]
            again = environments(Repository(copy.path), CheckOptions(environments=(view.name,)), progress)
            made.report.not_checked = [*kept, *outcomes.version_gap(view, plane.version), *again.all_gaps]
            (view,) = again.views
    _try_resources(made, plane, view, definitions, progress)
    cloud.run(view, limit, progress, made.timed)
    made.pods = cloud.seen.pods
    made.stood_in = cloud.seen.stood_in
    made.report.findings.extend(cloud_outcomes.of_cloud(cloud.seen, view))
    made.report.not_checked.extend(cloud_outcomes.gaps(cloud.seen, view))


def definitions_in_use(view: Environment, crd_paths: list[Path]) -> dict[str, dict[str, Any]]:
    """Return the definitions, by name, of the custom resources that an environment holds and does not define itself."""
    own = {manifest.name for manifest in view.of_kind("CustomResourceDefinition")}
    kinds = ((manifest.identity.api_version, manifest.kind) for manifest in view.resources)
    return {name: each for name, each in _definitions(view, crd_paths, kinds).items() if name not in own}


def _definitions(
    view: Environment, crd_paths: list[Path], kinds: Iterable[tuple[str, str]]
) -> dict[str, dict[str, Any]]:
    bundle = SchemaBundle(outcomes.wanted_version(view), crd_paths)
    found = (bundle.definition(*kind) for kind in dict.fromkeys(kinds))
    return {each["metadata"]["name"]: each for each in found if each is not None}
