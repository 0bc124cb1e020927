"""What changes in one environment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from modelyard.checking.environments import RenderedEnvironment
from modelyard.diffing.applications import Held, added, changed, loose_resources, removed, renamed, same_application
from modelyard.diffing.model import ORDER, ApplicationChange, EnvironmentChange, Hazard, Kind, Reach
from modelyard.diffing.upgrades import kubernetes_hazards
from modelyard.diffing.values import differences
from modelyard.findings import NotChecked, Severity
from modelyard.repository import ENVIRONMENTS
from modelyard.view import Application, Environment, Manifest

# What was not rendered, rather than not validated.
_CONTENT_GAPS = ("chart ", "application ")
_FOREIGN = "another repository"


@dataclass(frozen=True)
class EnvironmentPair:
    """The two sides of one environment, None where a side lacks it."""

    rendered_before: RenderedEnvironment | None
    rendered_after: RenderedEnvironment | None

    @property
    def before(self) -> Environment | None:
        """Return the base side."""
        return self.rendered_before.view if self.rendered_before else None

    @property
    def after(self) -> Environment | None:
        """Return the head side."""
        return self.rendered_after.view if self.rendered_after else None

    @property
    def gaps_before(self) -> tuple[NotChecked, ...]:
        """Return what could not be rendered on the base side."""
        return self.rendered_before.gaps if self.rendered_before else ()

    @property
    def gaps_after(self) -> tuple[NotChecked, ...]:
        """Return what could not be rendered on the head side."""
        return self.rendered_after.gaps if self.rendered_after else ()


def environment_change(
    both: EnvironmentPair, wanted: set[tuple[str, str]], differing: frozenset[str], folders: set[str]
) -> EnvironmentChange:
    """Return what changes in an environment.

    Args:
        both: Its two sides.
        wanted: Applications that were rendered, by environment and name.
        differing: Paths that differ between the sides.
        folders: Folders whose kustomization reads one of them.
    """
    before, after = both.before, both.after
    if after is None:
        assert before is not None  # noqa: S101 - one side has it
        return _removed(before)
    change = EnvironmentChange(after.name)
    if before is None:
        change.kind = Kind.ADDED
    elif before.name != after.name:
        change.kind, change.name_before = Kind.RENAMED, before.name
        change.hazards.append(_rename(before, after))
    if before is not None:
        change.facts = [each for each in differences(dict(before.facts), dict(after.facts)) if each.path != "name"]
        change.hazards += kubernetes_hazards(before.facts, after.facts)
    if not _roots_render(before, after, change):
        return _settled(change)
    _applications(change, both, wanted)
    change.resources = list(
        loose_resources(_loose(before.root, before.bootstrap) if before else [], _loose(after.root, after.bootstrap))
    )
    change.reach = list(_reach(before, after, wanted, differing))
    return _settled(change)


def _settled(change: EnvironmentChange) -> EnvironmentChange:
    change.applications.sort(key=lambda each: (ORDER[each.kind], not each.model, each.name))
    change.hazards.sort(key=lambda hazard: -hazard.severity)
    if change.kind is None and (change.facts or change.applications or change.resources or change.hazards):
        change.kind = Kind.CHANGED
    return change


def _removed(before: Environment) -> EnvironmentChange:
    count = len(before.applications)
    message = (
        f"environment {before.name} goes from Git: its Argo CD finds no {before.folder.path} any more, reports that "
        f"and changes nothing, so its {count} Applications keep running unmanaged"
    )
    change = EnvironmentChange(before.name, Kind.REMOVED)
    change.hazards.append(Hazard("deletion", Severity.WARNING, message))
    change.applications = [
        ApplicationChange(each.name, Kind.REMOVED, each.is_model)
        for each in sorted(before.applications, key=lambda each: (not each.is_model, each.name))
    ]
    return change


def _rename(before: Environment, after: Environment) -> Hazard:
    return Hazard(
        "rename",
        Severity.WARNING,
        f"environment {before.name} becomes {after.name}: the root Application of its cluster reads "
        f"{before.folder.path} until somebody applies {after.folder.path}/bootstrap there",
    )


def _roots_render(before: Environment | None, after: Environment, change: EnvironmentChange) -> bool:
    """Tell when an app-of-apps does not render; return whether both sides' Applications are known."""
    if after.errors:
        broken = bool(before and before.errors)
        severity = Severity.NOTE if broken else Severity.ERROR
        also = ", as on the base side" if broken else ""
        for error in after.errors:
            message = f"{after.folder.path} does not render{also}: {error.message}"
            change.hazards.append(Hazard("render", severity, message))
        change.not_compared.append(
            NotChecked(f"environment {after.name}", "the head side does not render", environment=after.name)
        )
        return False
    if before is not None and before.errors:
        reason = f"the base side does not render: {before.errors[0].message}"
        change.not_compared.append(NotChecked(f"environment {after.name}", reason, environment=after.name))
        change.hazards.append(
            Hazard(
                "render",
                Severity.NOTE,
                f"{before.folder.path} does not render on the base side; on the head side it does, with "
                f"{len(after.applications)} Applications",
            )
        )
        return False
    return True


def _applications(change: EnvironmentChange, both: EnvironmentPair, wanted: set[tuple[str, str]]) -> None:
    after = both.after
    assert after is not None  # noqa: S101 - decided by the caller
    old = {each.name: each for each in (both.before.applications if both.before else ())}
    new = {each.name: each for each in after.applications}
    come = [Held(each, after) for name, each in new.items() if name not in old]
    gone = [Held(each, both.before) for name, each in old.items() if name not in new] if both.before else []
    for held in gone:
        partner = next((each for each in come if same_application(held, each)), None)
        if partner is not None:
            come.remove(partner)
            change.applications.append(renamed(held, partner))
        else:
            change.applications.append(removed(held))
    for held in come:
        change.applications.append(added(held))
        change.not_compared += _gaps(both.gaps_after, after.name, held.name)
        _failed(change, change.applications[-1], held.application, None)
    for name, application in new.items():
        previous = old.get(name)
        if previous is not None and both.before is not None:
            _pair(change, both, previous, application, (after.name, name) in wanted)


def _pair(
    change: EnvironmentChange, both: EnvironmentPair, previous: Application, application: Application, rendered: bool
) -> None:
    assert both.before is not None and both.after is not None  # noqa: S101 - decided by the caller
    if not rendered:
        # Nothing that it reads differs; it may have been read for the sake of others.
        if previous.manifest.value == application.manifest.value:
            return
        stubs = [replace(each, resources=(), errors=()) for each in (previous, application)]
        found = changed(Held(stubs[0], both.before), Held(stubs[1], both.after))
        change.applications += [found] if found is not None else []
        return
    gaps = [
        *_gaps(both.gaps_before, both.before.name, previous.name, "on the base side"),
        *_gaps(both.gaps_after, both.after.name, application.name, "on the head side"),
    ]
    if gaps:
        # A chart that only one side has would look as if all its objects came or went.
        previous, application = _without_charts(previous), _without_charts(application)
        change.not_compared += _told_once(gaps)
    if previous.errors or application.errors:
        told = ApplicationChange(application.name, Kind.CHANGED, application.is_model)
        _failed(change, told, application, previous)
        if told.hazards:
            change.applications.append(told)
        return
    found = changed(Held(previous, both.before), Held(application, both.after))
    if found is not None:
        change.applications.append(found)
    elif not gaps:
        change.unchanged.append(application.name)


def _failed(
    change: EnvironmentChange, told: ApplicationChange, application: Application, previous: Application | None
) -> None:
    """Tell when an Application does not render on a side."""
    for error in application.errors:
        broken = previous is not None and bool(previous.errors)
        severity = Severity.NOTE if broken else Severity.ERROR
        also = ", as on the base side" if broken else ""
        told.hazards.append(Hazard("render", severity, f"{application.name} does not render{also}: {error.message}"))
    side = application if application.errors else previous
    if side is not None and side.errors:
        which = "head" if application.errors else "base"
        reason = f"the {which} side does not render: {side.errors[0].message}"
        gap = NotChecked(f"application {application.name}", reason, environment=change.name)
        change.not_compared.append(gap.with_defaults(application=application.name))


def _gaps(gaps: Iterable[NotChecked], environment: str, application: str, where: str = "") -> list[NotChecked]:
    """Return what of an Application was not rendered."""
    return [
        replace(gap, reason=f"{gap.reason} {where}".strip())
        for gap in gaps
        if gap.environment == environment
        and gap.application == application
        and (str(gap.subject).startswith(_CONTENT_GAPS) or gap.reason == _FOREIGN)
    ]


def _told_once(gaps: list[NotChecked]) -> list[NotChecked]:
    """Return the gaps, what lacks on both sides told once."""
    found: dict[tuple[str, str], NotChecked] = {}
    for gap in gaps:
        reason = gap.reason.removesuffix(" on the base side").removesuffix(" on the head side")
        key = (str(gap.subject), reason)
        found[key] = replace(gap, reason=f"{reason} on either side") if key in found else gap
    return list(found.values())


def _without_charts(application: Application) -> Application:
    return replace(application, resources=tuple(each for each in application.resources if not each.resource.chart))


def _loose(*groups: Iterable[Manifest]) -> list[Manifest]:
    return [manifest for group in groups for manifest in group if manifest.kind != "Application"]


def _reach(
    before: Environment | None, after: Environment, wanted: set[tuple[str, str]], differing: frozenset[str]
) -> Iterable[Reach]:
    """Yield each folder outside the environments that differs, with the Applications that read it."""
    shared = {path for path in differing if not path.startswith(f"{ENVIRONMENTS}/")}
    readers: dict[str, set[str]] = {}
    for view in (before, after):
        for application in view.applications if view and shared else ():
            chosen = view is not None and (view.name, application.name) in wanted
            if not chosen or not application.target or not application.repository:
                continue
            for path in application.repository.kustomizations.tree(application.target).inputs & shared:
                readers.setdefault(_unit(path), set()).add(application.name)
    for folder in sorted(readers):
        yield Reach(folder, tuple(sorted(readers[folder])))


def _unit(path: str) -> str:
    """Return the folder that people know a shared file by: a base, a feature, an overlay."""
    folder = path.rpartition("/")[0]
    parts = folder.split("/")
    return "/".join(parts[: 3 if parts[0] == "bases" else 2]) if folder else path
