"""Mutants in front of Argo CD: an Application that is never Synced and Healthy while the check is green is a miss."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from modelyard.rehearsal import argocd, controllers, group_operators
from modelyard.rehearsal.control_plane import control_plane
from modelyard.rehearsal.definitions import install_definitions
from modelyard.rehearsal.folders import run_folder
from modelyard.rehearsal.rehearse import definitions_in_use
from modelyard.rehearsal.served import ServedRepository, serve
from modelyard.rehearsal.syncing import ArgoSession, ClusterSnapshot
from modelyard.schemas import SchemaBundle
from modelyard.view import Environment
from tests.mutants.mutations import Family, Mutant, applied
from tests.mutants.truth import Asked
from tests.mutants.workbench import Workbench

# A dry run shows them.
_OF_A_DRY_RUN = (Family.OTHER_TYPE, Family.MISSPELT_KEY)
_ARGO_CDS = re.compile(r"^(Application|AppProject|ApplicationSet) |argocd\.argoproj\.io")
_SETTLED_SECONDS = 3.0
_STUCK_SECONDS = 45.0
_MOST_SECONDS = 200.0
# What is right gets well, however busy the machine is.
_PATIENT_SECONDS = 900.0
_POLL_SECONDS = 1.0


def is_argo_cds(mutant: Mutant) -> bool:
    """Return whether a mutant is of a field that Argo CD reads, in what it syncs."""
    parts = mutant.leaf.file.split("/")
    if mutant.family in _OF_A_DRY_RUN or "bootstrap" in parts:
        return False
    of_environment = mutant.leaf.field.startswith("Kustomization ") and parts[0] == "environments" and len(parts) > 3
    return of_environment or _ARGO_CDS.search(mutant.leaf.field) is not None


class Follower:
    """An Argo CD that follows a repository, and is given one mutant after another.

    Args:
        bench: The repository, and what renders it with a mutant.
        view: The environment as it is.
        session: Argo CD beside a control plane; it has synced the unchanged repository.
        served: What it follows.
    """

    def __init__(self, bench: Workbench, view: Environment, session: ArgoSession, served: ServedRepository) -> None:
        self._bench, self._view, self._session, self._served = bench, view, session, served
        self._texts = bench.texts
        self._before: dict[str, str] = {}

    def asked(self, mutant: Mutant) -> Asked | None:
        """Return what Argo CD says to a mutant; None where it cannot be asked: its copy has another text."""
        changed = applied(mutant.edits, self._texts)
        before = {}
        for file in changed:
            path = self._served.path / file
            kept = self._before.get(file) or (path.read_text() if path.is_file() else None)
            if kept is None or kept != self._readdressed(self._texts[file]):
                return None
            before[file] = kept
        found = self._bench.views_with(changed)
        names = {each.name for each in (found[0] if found else self._view).applications}
        self._undo()
        self._write({file: self._readdressed(text) for file, text in changed.items()})
        self._before = before
        said = self._until_well(names)
        return Asked(1, tuple(said))

    def _undo(self) -> None:
        """Put back what the mutant before changed; the next commit says so."""
        before, self._before = self._before, {}
        for file, text in before.items():
            (self._served.path / file).write_text(text)

    def _write(self, changed: Mapping[str, str]) -> None:
        for file, text in changed.items():
            (self._served.path / file).write_text(text)
        self._session.commit("a mutant")

    def is_well(self) -> bool:
        """Return whether everything is well with the repository as it is."""
        self._undo()
        self._session.commit("as it was")
        names = {each.name for each in self._view.applications}
        return not self._until_well(names, _PATIENT_SECONDS / 3, _PATIENT_SECONDS)

    def _until_well(self, names: set[str], stuck: float = _STUCK_SECONDS, most: float = _MOST_SECONDS) -> list[str]:
        wanted = names | {each.name for each in self._view.bootstrap if each.kind == "Application"}
        started = last = time.monotonic()
        before: object = None
        while True:
            seen = self._session.turn()
            said = list(self._unwell(seen, wanted))
            state = (said, {name: (str(each), each.reasons) for name, each in seen.applications.items()})
            now = time.monotonic()
            if state != before:
                before, last = state, now
            if not said and now - last >= _SETTLED_SECONDS:
                return []
            if now - last > stuck or now - started > most:
                return said
            time.sleep(_POLL_SECONDS)

    def _unwell(self, seen: ClusterSnapshot, wanted: set[str]) -> Iterator[str]:
        for name in sorted(wanted - set(seen.applications)):
            yield f"Application {name}: it is not there"
        for name in sorted(set(seen.applications) - wanted):
            yield f"Application {name}: it should be gone"
        for name, each in sorted(seen.applications.items()):
            if not each.well:
                yield f"Application {name}: {each}: {'; '.join(each.reasons)[:400]}"
            elif not self._session._is_current(each):
                yield f"Application {name}: it was not compared with the newest commit"
        for pod in seen.pods:
            if not pod["spec"].get("nodeName"):
                yield f"Pod {pod['metadata']['namespace']}/{pod['metadata']['name']}: it has no node"

    def _readdressed(self, text: str) -> str:
        return text.replace(self._served.address, self._served.url)


@contextmanager
def follower(bench: Workbench) -> Iterator[Follower]:
    """Start Argo CD on the unchanged repository, and wait until it is synced.

    Raises:
        UserError: A program is missing or ended.
        AssertionError: The unchanged repository does not get well, and the text says what of it.
    """
    view = bench.views_with({})[0]
    with run_folder() as folder, control_plane(folder) as plane, ExitStack() as stack:
        bundle = SchemaBundle()
        groups = [kind for each in group_operators.needed(view) for kind in each.kinds]
        found = [bundle.definition(*kind) for kind in (*controllers.KARPENTER_KINDS, *argocd.KINDS, *groups)]
        own = {each["metadata"]["name"]: each for each in found if each}
        install_definitions(plane.api, {**definitions_in_use(view, []), **own}.values(), plane.check)
        served = serve(bench.root, plane.folder.path, view)
        session = ArgoSession(plane, view, served, stack)
        session.bootstrap()
        made = Follower(bench, view, session, served)
        assert made.is_well(), "the unchanged repository does not get well"
        yield made
