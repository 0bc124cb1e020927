"""The steps of a comparison, in proportion to what differs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from modelyard.checking import CheckContext, Progress
from modelyard.checking.environments import RenderedEnvironment, environments
from modelyard.diffing.committed import CommittedRepository
from modelyard.diffing.environments import EnvironmentPair, environment_change
from modelyard.diffing.findings import compare_findings
from modelyard.diffing.history import History, Side
from modelyard.diffing.impact import Impact
from modelyard.diffing.model import Comparison, EnvironmentChange
from modelyard.diffing.options import DiffOptions
from modelyard.diffing.values import equal
from modelyard.repository import ENVIRONMENTS, Repository
from modelyard.repository.kustomization import FILE_NAMES
from modelyard.repository.locks import FILE as LOCK
from modelyard.tooling.streaming import LineProcess
from modelyard.view import NODE_CLASSES, Environment, Manifest, Source, sources
from modelyard.view.shapes import listed

Chosen = Callable[[str, Manifest], bool]

_POOLS = frozenset({"NodePool", *NODE_CLASSES})


def environment_names(side: Side) -> set[str]:
    """Return the environments of a side: the folders with a kustomization."""
    split = (path.split("/") for path in side.files if path.startswith(f"{ENVIRONMENTS}/"))
    return {parts[1] for parts in split if len(parts) == 3 and parts[2] in FILE_NAMES}


class ComparisonRun:
    """The steps of one comparison, which share what both sides read."""

    def __init__(
        self,
        history: History,
        base: Side,
        head: Side,
        differing: frozenset[str],
        options: DiffOptions,
        progress: Progress,
        folder: Path,
    ) -> None:
        self.options, self.progress, self.differing = options, progress, differing
        of_base = Impact(history, base, differing)
        reached = [of_base, Impact(history, head, differing, of_base)]
        self.folders = reached[0].folders | reached[1].folders
        names = (reached[0].environments | reached[1].environments) & (
            environment_names(base) | environment_names(head)
        )
        names &= set(options.environments or names)
        self.names = [tuple(sorted(names & environment_names(side))) for side in (base, head)]
        self.sides: list[Repository | None] = []
        self.contexts: list[CheckContext | None] = [None, None]
        self._facts_wanted = False
        for number, (side, each, held) in enumerate(zip((base, head), reached, self.names, strict=True)):
            if not held:
                self.sides.append(None)
            elif side.commit:
                self.sides.append(CommittedRepository(history, side, each, folder / str(number), frozenset(held)))
            else:
                self.sides.append(Repository(history.root))

    def into(self, found: Comparison, prestarted: LineProcess | None) -> None:
        """Add what differs to a comparison.

        Args:
            found: The comparison.
            prestarted: A renderer that was started already, of `prestart_renderer`.
        """
        for number, each in enumerate((None, prestarted)):
            side, names = self.sides[number], self.names[number]
            if side and names:
                self.contexts[number] = CheckContext(side, self.options.of_check(names), each)
        # Something new is sure to be rendered of the head, for which the renderer gets ready meanwhile.
        with self.contexts[1].ready() if self.contexts[1] else nullcontext():
            self._compare(found)

    def _compare(self, found: Comparison) -> None:
        roots = [_views(self._rendered(side, lambda environment, manifest: False)) for side in (0, 1)]
        pairs = list(_pairs(*roots))
        wanted = self._wanted(pairs)
        read = self._read(pairs, wanted)
        views_of = (view for pair in pairs for view in pair if view is not None)
        self._facts_wanted = any(
            (view.name, each.name) in wanted for view in views_of for each in view.applications if each.is_model
        )
        for side, held in zip(self.sides, roots, strict=True):
            if isinstance(side, CommittedRepository):
                side.need(_named_by(held.values(), read))

        def is_read(environment: str, manifest: Manifest) -> bool:
            return (environment, manifest.name) in read

        rendered = [self._rendered(side, is_read) for side in (0, 1)]
        for before, after in pairs:
            pair = EnvironmentPair(
                rendered[0][before.name] if before else None, rendered[1][after.name] if after else None
            )
            change = environment_change(pair, wanted, self.differing, self.folders)
            found.environments.append(change)
            old, new = pair.before, pair.after
            if new is not None:
                shared = old is not None and _share_platform(old, new, wanted)
                if old is not None and shared:
                    old = _with_platform(old, new)
                self._models(change, old, new, shared)
            for view in filter(None, (old, new)):
                built = [each for each in view.applications if (view.name, each.name) in wanted and each.target]
                found.rendered += len(built)
                found.from_cache += sum(1 for each in built if each.cached)
        if self.options.findings:
            for side in self.sides:
                if isinstance(side, CommittedRepository):
                    side.put_all_on_disk()
            compare_findings(self.sides[0], self.sides[1], found.environments, self.options)

    def _rendered(
        self, number: int, chosen: Chosen | None, names: tuple[str, ...] | None = None
    ) -> dict[str, RenderedEnvironment]:
        """Return a side's environments by name, with the chosen Applications rendered.

        Args:
            number: The side.
            chosen: From an environment's name and an Application to whether it is rendered; None renders all.
            names: Environments; all of the side when None.
        """
        side, names = self.sides[number], self.names[number] if names is None else names
        if side is None or not names:
            return {}
        context = self.contexts[number]
        rendered = environments(side, self.options.of_check(names), self._told, chosen, context=context)
        return {each.view.name: each for each in rendered.environments}

    def _told(self, stage: str, done: int, total: int) -> None:
        if self._facts_wanted and done < total:
            # Loaded while another process renders, and not before: this one has enough to do until then.
            self._facts_wanted = False
            threading.Thread(target=_load_facts, name="facts", daemon=True).start()
        self.progress(stage, done, total)

    def _wanted(self, pairs: Iterable[tuple[Environment | None, Environment | None]]) -> set[tuple[str, str]]:
        """Return the Applications that may render to something else, by environment and name."""
        wanted: set[tuple[str, str]] = set()
        for before, after in pairs:
            # An environment that goes takes nothing along, so what its Applications hold does not matter.
            if after is None:
                continue
            known = {each.name: each.manifest for each in before.applications} if before else {}
            for application in after.applications:
                old = known.pop(application.name, None)
                if old is None or self._may_differ(old, application.manifest):
                    wanted.add((after.name, application.name))
                    if before:
                        wanted.add((before.name, application.name))
            if before:
                wanted |= {(before.name, name) for name in known}
        return wanted

    def _may_differ(self, old: Manifest, new: Manifest) -> bool:
        if not equal(old.get("spec"), new.get("spec")):
            return True
        for source in sources(new):
            if source.folder in self.folders:
                return True
            if source.chart and LOCK in self.differing:
                return True
            if not self.differing.isdisjoint(_value_files(source)):
                return True
        return False

    def _read(
        self, pairs: Iterable[tuple[Environment | None, Environment | None]], wanted: set[tuple[str, str]]
    ) -> set[tuple[str, str]]:
        """Return the wanted Applications, and where models are among them what says which nodes they may have."""
        if self.options.findings:
            return {(view.name, each.name) for pair in pairs for view in pair if view for each in view.applications}
        read = set(wanted)
        for before, after in pairs:
            views = [view for view in (before, after) if view is not None]
            concerned = [each for view in views for each in view.applications if (view.name, each.name) in wanted]
            if after is None or not any(_is_model(each.manifest) for each in concerned):
                continue
            if before is not None and _share_platform(before, after, wanted):
                views = [after]
            read |= {
                (view.name, each.name) for view in views for each in view.applications if not _is_model(each.manifest)
            }
        return read

    def _models(self, change: EnvironmentChange, before: Environment | None, after: Environment, shared: bool) -> None:
        """Compare how and where changed models run, and how all of them fit where the node pools changed.

        Args:
            change: The environment's change.
            before: Its base side.
            after: Its head side.
            shared: Whether both sides have the same platform.
        """
        if not change.applications:
            return
        from modelyard.diffing.fitting import compare_fits
        from modelyard.diffing.objectives import compare_objectives
        from modelyard.diffing.running import compare_placements, compare_scheduling
        from modelyard.placement import cluster

        if before is not None and shared:
            before.assume(cluster, cluster(after))

        pools = any(resource.resource_kind in _POOLS for each in change.applications for resource in each.resources)
        models = any(each.model for each in change.applications)
        if pools:
            views: list[Environment | None] = []
            for number, view in enumerate((before, after)):
                side = self.sides[number]
                if view is None or side is None:
                    views.append(None)
                    continue
                every = {(view.name, each.name) for each in view.applications}
                if isinstance(side, CommittedRepository):
                    side.need(_named_by([view], every))
                views.append(self._rendered(number, None, (view.name,))[view.name].view)
            compare_fits(change, views[0], views[1])
        elif models:
            compare_fits(change, before, after)
        if models:
            compare_placements(change, before, after, shared)
            compare_objectives(change, before, after)
        if self.options.findings and (models or pools):
            from modelyard.diffing.costs import compare_costs

            compare_scheduling(change, before, after)
            compare_costs(change, before, after)


def _views(rendered: Mapping[str, RenderedEnvironment]) -> dict[str, Environment]:
    return {name: each.view for name, each in rendered.items()}


def _named_by(views: Iterable[Environment], applications: set[tuple[str, str]]) -> Iterator[str]:
    """Yield the folders and files that the sources of Applications name."""
    for view in views:
        for each in view.applications:
            if (view.name, each.name) in applications:
                for source in each.sources:
                    yield source.folder
                    yield from _value_files(source)


def _value_files(source: Source) -> Iterator[str]:
    for file in listed(source.value, "helm", "valueFiles"):
        path = str(file)
        # A file of another source of the Application stands after that source's name.
        yield path.partition("/")[2] if path.startswith("$") else path.strip("/")


def _share_platform(before: Environment, after: Environment, wanted: set[tuple[str, str]]) -> bool:
    """Return whether everything but models is the same on both sides, and so is what the environment says of itself."""
    if dict(before.facts) != dict(after.facts) or before.name != after.name:
        return False
    return not any(
        (view.name, each.name) in wanted and not _is_model(each.manifest)
        for view in (before, after)
        for each in view.applications
    )


def _with_platform(before: Environment, after: Environment) -> Environment:
    """Return the base side with the platform of the head side, which is the same and was read once."""
    platform = [each for each in after.applications if not _is_model(each.manifest)]
    models = [each for each in before.applications if _is_model(each.manifest)]
    return replace(before, applications=tuple(sorted((*platform, *models), key=lambda each: each.name)))


def _is_model(manifest: Manifest) -> bool:
    return manifest.labels.get("app.kubernetes.io/component") == "model"


def _pairs(
    before: dict[str, Environment], after: dict[str, Environment]
) -> Iterator[tuple[Environment | None, Environment | None]]:
    """Yield the environments of both sides in pairs; one that is renamed is paired by its cluster."""
    gone = {name: view for name, view in before.items() if name not in after}
    for name, view in after.items():
        if name in before:
            yield before[name], view
            continue
        old = next((each for each in gone.values() if _cluster(each) and _cluster(each) == _cluster(view)), None)
        if old is not None:
            del gone[old.name]
        yield old, view
    for view in gone.values():
        yield view, None


def _cluster(view: Environment) -> tuple[str, str] | None:
    account, cluster = view.facts.get("account"), view.facts.get("cluster")
    return (str(account), str(cluster)) if account and cluster else None


def _load_facts() -> None:
    """Load what says whether and where models fit and what they cost, and the facts that it asks for first."""
    from modelyard.catalog import instance_types

    for module in ("fitting", "running"):
        import_module(f"modelyard.diffing.{module}")
    instance_types()
