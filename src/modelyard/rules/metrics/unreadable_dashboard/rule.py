"""Dashboards that Grafana does not show, or shows without data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from modelyard.findings import Finding, NotChecked, UserError, error, warning
from modelyard.repository.json import MalformedJSON, parsed
from modelyard.repository.yaml import documents
from modelyard.rules import rule
from modelyard.rules.wording import did_you_mean, one_of
from modelyard.view import (
    DASHBOARD_LABEL,
    ChartValues,
    Environment,
    Manifest,
    dashboard_at,
    entries,
    mapping,
    panels,
    queries,
    text,
)

_SOURCES_LABEL = "grafana_datasource"
_CHART = "kube-prometheus-stack"
# Grafana's own, and those that the chart provisions: sidecar.datasources of its values, read at 88.5.3.
_BUILT_IN = frozenset({"grafana", "-- Grafana --", "-- Mixed --", "-- Dashboard --", "__expr__"})
_OF_CHART = frozenset({"prometheus", "alertmanager"})
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::\w+)?\}|(\w+))")


@rule("metrics/unreadable-dashboard", error, since="0.3.0")
def unreadable_dashboard(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Grafana skips invalid JSON and duplicate uids, and shows no data for an unknown data source or variable."""
    sources = _sources(environment)
    uids: dict[str, Manifest] = {}
    for manifest in environment.of_kind("ConfigMap", ""):
        if DASHBOARD_LABEL not in manifest.labels or not environment.is_ours(manifest):
            continue
        for key, content in manifest.mapping("data").items():
            if not (isinstance(content, str) and str(key).endswith(".json")):
                continue
            try:
                dashboard = parsed(content, str(key))
            except MalformedJSON as fault:
                line = fault.at.place().line if fault.at is not None else None
                yield Finding(
                    at=dashboard_at(manifest, str(key), line=line or 1),
                    message=f"{manifest} holds a dashboard that Grafana cannot read: {fault.message}",
                    fix="correct the JSON, or export the dashboard from Grafana again",
                )
                continue
            uid = text(dashboard, "uid")
            if uid in uids:
                yield Finding(
                    at=dashboard_at(manifest, str(key), f'"{uid}"'),
                    message=f"{manifest} holds a dashboard with the uid {uid}, which a dashboard of "
                    f"{uids[uid]} also has",
                    fix="give it another uid",
                )
            elif uid:
                uids[uid] = manifest
            yield from _judged(manifest, str(key), dashboard, sources)


def _judged(manifest: Manifest, key: str, dashboard: Any, sources: frozenset[str]) -> Iterator[Finding]:
    variables = {text(each, "name") for each in entries(dashboard, "templating", "list")}
    said: set[str] = set()
    for uid in _uids(dashboard):
        if uid in said or uid in _BUILT_IN or (uid.startswith("$") and _named(uid) <= variables):
            continue
        said.add(uid)
        if uid.startswith("$"):
            yield _unknown_variable(manifest, key, uid, uid, variables)
        elif sources and uid not in sources:
            yield Finding(
                at=dashboard_at(manifest, key, f'"{uid}"'),
                message=f"{manifest} uses the data source {uid}, which is not provisioned in Grafana",
                fix=f"use {one_of(sorted(sources))}, or a variable of the dashboard",
                severity=warning,
            )
    for query in queries(dashboard):
        for name in sorted(_named(query) - variables):
            if not name.startswith("__") and not name.isdigit() and name not in said:
                said.add(name)
                yield _unknown_variable(manifest, key, name, name, variables)


def _unknown_variable(manifest: Manifest, key: str, name: str, sought: str, variables: set[str]) -> Finding:
    return Finding(
        at=dashboard_at(manifest, key, sought),
        message=f"{manifest} uses the variable {name.strip('${}')}, which the dashboard does not declare",
        fix=did_you_mean(name.strip("${}"), variables) or "declare it under templating, or use a fixed value",
        severity=warning,
    )


def _named(written: str) -> set[str]:
    return {first or second for first, second in _VARIABLE.findall(written)}


def _uids(dashboard: Any) -> Iterator[str]:
    for panel in panels(dashboard):
        for holder in (panel, *entries(panel, "targets")):
            if uid := text(mapping(holder, "datasource"), "uid"):
                yield uid
    for variable in entries(dashboard, "templating", "list"):
        if uid := text(mapping(variable, "datasource"), "uid"):
            yield uid


def _sources(environment: Environment) -> frozenset[str]:
    """Return the uids of the data sources that files give Grafana; none where a source's uid is not known."""
    found: set[str] = set()
    listed: list[Any] = []
    for manifest in environment.of_kind("ConfigMap", ""):
        for content in manifest.mapping("data").values() if _SOURCES_LABEL in manifest.labels else ():
            try:
                listed.extend(documents("a data source", content) if isinstance(content, str) else [])
            except UserError:
                return frozenset()
    # A Secret may hold further ones, with a password that no file shows.
    secrets = (each for kind in ("Secret", "ExternalSecret") for each in environment.of_kind(kind))
    if any(_SOURCES_LABEL in str(each.value) for each in secrets):
        return frozenset()
    stacks = [values for values in environment.chart_values if values.source.chart == _CHART]
    if not stacks or any(values.unreadable for values in stacks):
        return frozenset()
    for values in stacks:
        found |= _OF_CHART | {str(values.get("grafana.sidecar.datasources.uid", "prometheus"))}
        listed.extend(_in_values(values))
    given = [each for source in listed for each in entries(source, "datasources")]
    if any(not text(each, "uid") for each in given):
        return frozenset()  # Grafana makes one up
    return frozenset(found | {text(each, "uid") for each in given})


def _in_values(values: ChartValues) -> Iterator[Any]:
    yield {"datasources": values.get("grafana.additionalDataSources", [])}
    files = values.get("grafana.datasources", {})
    yield from files.values() if isinstance(files, dict) else ()
