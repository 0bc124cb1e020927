"""Two sides of a repository compared, in proportion to what differs between them."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from modelyard.checking import Progress, environments
from modelyard.cluster import Environment, Thing, sources
from modelyard.diffing.environments import Both, environment_change
from modelyard.diffing.findings import compare_findings
from modelyard.diffing.fitting import compare_fits
from modelyard.diffing.history import History, Side
from modelyard.diffing.model import ORDER, Comparison, Kind
from modelyard.diffing.options import DiffOptions
from modelyard.diffing.reach import Reached
from modelyard.diffing.values import equal
from modelyard.findings import NotChecked, Refusal
from modelyard.repository import ENVIRONMENTS, Repository
from modelyard.repository.kustomization import FILE_NAMES
from modelyard.repository.locks import FILE as LOCK

Chosen = Callable[[str, Thing], bool]

_POOLS = frozenset({"NodePool", "EC2NodeClass"})


def compare(root: Path, sides: str, options: DiffOptions, progress: Progress) -> Comparison:
    """Return what changes between two sides of a repository.

    Args:
        root: The GitOps repository.
        sides: `BASE..HEAD`, `BASE...HEAD`, or `BASE` for the working tree.
        options: What to compare, and how.
        progress: Told how far it is.

    Raises:
        Refusal: A side is no commit of this clone, a named environment is on neither side, or a tool is missing.
    """
    started = time.monotonic()
    history = History(root)
    base, head, differing = history.sides(sides)
    found = Comparison(base.name, head.name, base.commit, head.commit)
    found.all_environments = tuple(sorted(_names(base) | _names(head)))
    if not found.all_environments:
        raise Refusal(f"neither {base.name} nor {head.name} holds environments", fix="name a GitOps repository")
    for name in options.environments:
        if name not in found.all_environments:
            raise Refusal(
                f"there is no environment {name} on either side",
                fix=f"environments are {', '.join(found.all_environments)}",
            )
    if differing:
        with tempfile.TemporaryDirectory(prefix="modelyard-diff-") as folder:
            _Comparing(history, base, head, differing, options, progress, Path(folder)).into(found)
    found.environments.sort(key=lambda each: (ORDER[each.kind or Kind.CHANGED], each.name))
    found.seconds = time.monotonic() - started
    return found


def _names(side: Side) -> set[str]:
    """Return the environments of a side: the folders with a kustomization."""
    split = (path.split("/") for path in side.files if path.startswith(f"{ENVIRONMENTS}/"))
    return {parts[1] for parts in split if len(parts) == 3 and parts[2] in FILE_NAMES}


class _OnDisk:
    """One side with as much of it on disk as the comparison reads."""

    def __init__(self, side: Side, repository: Repository | None, names: set[str]) -> None:
        self.side = side
        self.repository = repository
        self.names = tuple(sorted(names))

    def views(
        self, options: DiffOptions, progress: Progress, chosen: Chosen | None, gaps: list[NotChecked]
    ) -> dict[str, Environment]:
        """Return the views of its environments, with the chosen Applications rendered."""
        if self.repository is None or not self.names:
            return {}
        found = environments(self.repository, options.of_check(self.names), progress, gaps, chosen)
        return {view.name: view for view in found}


class _Comparing:
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
        reached = [Reached(history, side, differing) for side in (base, head)]
        self.folders = reached[0].folders | reached[1].folders
        names = (reached[0].environments | reached[1].environments) & (_names(base) | _names(head))
        names &= set(options.environments or names)
        read = reached[0].borrowed(names) | reached[1].borrowed(names)

        def wanted(path: str) -> bool:
            return not path.startswith(f"{ENVIRONMENTS}/") or path.split("/")[1] in read

        self.sides: list[_OnDisk] = []
        for number, side in enumerate((base, head)):
            held = names & _names(side)
            repository = None
            if held:
                # The working tree is read where it lies.
                at = folder / str(number)
                repository = history.unpacked(side, at, wanted) if side.commit else Repository(history.root)
            self.sides.append(_OnDisk(side, repository, held))

    def into(self, found: Comparison) -> None:
        """Add what differs to a comparison."""
        base, head = self.sides
        roots = [side.views(self.options, self.progress, lambda environment, thing: False, []) for side in self.sides]
        pairs = list(_pairs(*roots))
        wanted = self._wanted(pairs)
        gaps: tuple[list[NotChecked], list[NotChecked]] = ([], [])
        views = [
            side.views(self.options, self.progress, lambda environment, thing: (environment, thing.name) in wanted, gap)
            for side, gap in zip(self.sides, gaps, strict=True)
        ]
        for before, after in pairs:
            both = Both(
                views[0].get(before.name) if before else None, views[1].get(after.name) if after else None, *gaps
            )
            found.environments.append(environment_change(both, wanted, self.differing, self.folders))
        for each in views:
            for view in each.values():
                read = [one for one in view.applications if one.target is not None or one.resources]
                found.rendered += len(read)
                found.from_cache += sum(1 for one in read if one.cached)
        self._fits(found)
        if self.options.findings:
            compare_findings(base.repository, head.repository, found.environments, self.options)

    def _wanted(self, pairs: list[tuple[Environment | None, Environment | None]]) -> set[tuple[str, str]]:
        """Return the Applications that may render to something else, by environment and name."""
        wanted: set[tuple[str, str]] = set()
        for before, after in pairs:
            # An environment that goes takes nothing along, so what its Applications hold does not matter.
            if after is None:
                continue
            known = {each.name: each.thing for each in before.applications} if before else {}
            for application in after.applications:
                old = known.pop(application.name, None)
                if old is None or self._may_differ(old, application.thing):
                    wanted.add((after.name, application.name))
                    if before:
                        wanted.add((before.name, application.name))
            if before:
                wanted |= {(before.name, name) for name in known}
        return wanted

    def _may_differ(self, old: Thing, new: Thing) -> bool:
        if not equal(old.get("spec"), new.get("spec")):
            return True
        for source in sources(new):
            if source.folder in self.folders:
                return True
            if source.chart and LOCK in self.differing:
                return True
            for file in (source.value.get("helm") or {}).get("valueFiles") or ():
                path = str(file)
                path = path.partition("/")[2] if path.startswith("$") else path.strip("/")
                if path in self.differing:
                    return True
        return False

    def _fits(self, found: Comparison) -> None:
        """Compare how models fit: those that changed, and all where the node pools did."""
        for change in found.environments:
            if change.kind is Kind.REMOVED:
                continue
            models = {each.name for each in change.applications if each.model}
            models |= {each.name_before for each in change.applications if each.model and each.name_before}
            pools = any(resource.resource_kind in _POOLS for each in change.applications for resource in each.resources)
            if not models and not pools:
                continue

            def chosen(environment: str, thing: Thing, models: set[str] = models, pools: bool = pools) -> bool:
                return pools or thing.name in models or not _is_model(thing)

            names = ((change.name_before or change.name,), (change.name,))
            views = [
                _OnDisk(side.side, side.repository, set(wanted) & set(side.names)).views(
                    self.options, self.progress, chosen, []
                )
                for side, wanted in zip(self.sides, names, strict=True)
            ]
            compare_fits(change, *(view.get(name[0]) for view, name in zip(views, names, strict=True)))


def _is_model(thing: Thing) -> bool:
    return thing.labels.get("app.kubernetes.io/component") == "model"


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
