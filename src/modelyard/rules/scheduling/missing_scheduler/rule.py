"""Schedulers that nobody runs."""

from collections.abc import Iterator
from typing import Any

from modelyard.catalog import chart_versions
from modelyard.findings import Finding, NotChecked, UserError, error
from modelyard.repository.yaml import documents
from modelyard.rules import rule
from modelyard.rules.remedies import bring_component
from modelyard.rules.wording import both
from modelyard.view import Application, Environment, entries, text

_DEFAULT = "default-scheduler"
_CONFIGURATION = "KubeSchedulerConfiguration"
_OF_NEURON = "neuron-scheduler"
_CHART_OF_NEURON = "neuron-helm-chart"


@rule("scheduling/missing-scheduler", error, since="0.1.0", absence="cluster")
def missing_scheduler(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A pod whose scheduler does not run stays Pending without an event, and Karpenter starts no node for it."""
    named = [
        (template, name)
        for workload in environment.workloads
        for template in workload.templates
        if (name := text(template.spec, "schedulerName") or _DEFAULT) != _DEFAULT
    ]
    if not named:
        return
    known = _profiles(environment)
    charts = sorted({what for each in environment.applications if (what := _may_bring(each))})
    for template, name in named:
        if name in known:
            continue
        if charts:
            yield NotChecked(template, f"{both(charts)} may install the scheduler {name}, and are not rendered")
            continue
        yield Finding(
            at=template.at("schedulerName"),
            message=f"{template} use the scheduler {name}, which this environment does not run",
            fix=bring_component(environment, _OF_NEURON)
            if name == _OF_NEURON
            else f"use {both(sorted({_DEFAULT, *known}))}, or add the scheduler",
        )


def _may_bring(application: Application) -> str:
    """Return what of an Application is not rendered and may bring a scheduler; one chart of the catalogue does."""
    named = [source.chart for source in application.sources if source.chart]
    if named and all(chart_versions(each) and each != _CHART_OF_NEURON for each in named):
        return ""
    return application.unrendered


def _profiles(environment: Environment) -> set[str]:
    """Return the names of schedulers in the configurations of kube-scheduler that the environment brings."""
    found: set[str] = set()
    for manifest in environment.of_kind("ConfigMap", ""):
        for value in manifest.mapping("data").values():
            if isinstance(value, str) and _CONFIGURATION in value:
                found |= set(_names(value))
    return found


def _names(content: str) -> Iterator[str]:
    try:
        configurations: list[Any] = list(documents("configuration", content))
    except UserError:
        return
    for each in configurations:
        if isinstance(each, dict):
            yield from (text(profile, "schedulerName") for profile in entries(each, "profiles"))
