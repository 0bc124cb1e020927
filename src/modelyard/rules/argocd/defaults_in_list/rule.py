"""Lists of custom resources in which the API server fills in what Git leaves out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rendering import Path
from modelyard.rules import rule
from modelyard.rules.wording import both
from modelyard.schemas.bundle import structural_schema
from modelyard.view import ChartValues, Environment, Manifest, text

_COMPARE = "argocd.argoproj.io/compare-options"
# Status apart, lists whose items Argo CD's own rules for a kind make alike.
_NORMALISED = frozenset({"argoproj.io"})


@rule("argocd/defaults-in-list", warning, since="0.3.0")
def defaults_in_list(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Argo CD compares a list as a whole, so a default that the API server adds to an item is a difference for ever."""
    if any(_compares_on_the_server(values) for values in environment.chart_values):
        return
    for application in environment.applications:
        if not application.manifest.mapping("spec.destination"):
            continue  # a folder by itself, which may never meet Argo CD
        faults: list[tuple[Manifest, Path, dict[str, Any]]] = []
        ignored = {text(each, "kind") for each in application.manifest.entries("spec.ignoreDifferences")}
        for manifest in application.resources:
            schema = structural_schema(manifest.identity.api_version, manifest.kind)
            if not schema or manifest.kind in ignored or not environment.is_ours(manifest):
                continue
            if manifest.group in _NORMALISED or "ServerSideDiff=true" in manifest.annotations.get(_COMPARE, ""):
                continue
            if "ServerSideDiff=true" in application.manifest.annotations.get(_COMPARE, "") or manifest.breaks_schema:
                continue
            faults += [(manifest, *each) for each in _first(manifest, schema)]
        if faults:
            yield _finding(faults)


def _compares_on_the_server(values: ChartValues) -> bool:
    """Return whether the settings of Argo CD itself ask the API server for what it would keep."""
    settings = values.get("configs.params") if values.source.chart == "argo-cd" else None
    return isinstance(settings, dict) and str(settings.get("controller.diff.server.side")).lower() == "true"


def _first(manifest: Manifest, schema: Mapping[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the first list of a manifest with such an item: one cause, however many items it has."""
    spec = schema.get("properties", {}).get("spec", {})
    for found in _lacking(manifest.value.get("spec"), spec, ("spec",), False):
        yield found
        return


def _finding(faults: list[tuple[Manifest, Path, dict[str, Any]]]) -> Finding:
    """Return what is said of an Application: one cause, however many manifests it has."""
    manifest, path, lacking = faults[0]
    others = [str(each) for each, _, _ in faults[1:]]
    told = ", ".join(f"{name}: {_written(value)}" for name, value in lacking.items())
    also = f", and so {'does' if len(others) == 1 else 'do'} {both(others[:3])}" if others else ""
    also += f" and {len(others) - 3} more" if len(others) > 3 else ""
    return Finding(
        at=manifest.at(path),
        message=f"{manifest} leaves {both(lacking)} out in a list, which the API server fills in{also}: Argo CD calls "
        "it OutOfSync for ever",
        fix=f"write the defaults out ({told}), or let Argo CD compare on the server: ServerSideDiff=true",
    )


def _lacking(value: Any, schema: Mapping[str, Any], path: Path, inside: bool) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield paths of mappings in lists, with the defaults that are not written there."""
    if isinstance(value, list):
        whole = schema.get("x-kubernetes-list-type", "atomic") != "map"
        for index, each in enumerate(value):
            yield from _lacking(each, schema.get("items", {}), (*path, index), inside or whole)
    elif isinstance(value, dict):
        properties = schema.get("properties", {})
        if inside:
            lacking = {
                name: each["default"] for name, each in properties.items() if "default" in each and name not in value
            }
            if lacking:
                yield path, lacking
        for name, each in value.items():
            if name in properties:
                yield from _lacking(each, properties[name], (*path, name), inside)


def _written(value: Any) -> str:
    return '""' if value == "" else str(value).lower() if isinstance(value, bool) else str(value)
