"""Alertmanager that tells nobody."""

from collections.abc import Iterator

from modelyard.findings import Finding, warning
from modelyard.rules import rule
from modelyard.view import ChartValues, Environment, entries, mapping, text

_CHART = "kube-prometheus-stack"
# The chart's own, where values say nothing.
_DEFAULT = "null"
# A receiver of this name says that nobody is meant.
MEANT = "nobody"
# Settings by which Alertmanager gets its configuration, or Prometheus another Alertmanager, from somewhere else.
_ELSEWHERE = (
    "alertmanager.stringConfig",
    "alertmanager.alertmanagerSpec.configSecret",
    "alertmanager.alertmanagerSpec.useExistingSecret",
    "alertmanager.alertmanagerSpec.alertmanagerConfiguration",
    "prometheus.prometheusSpec.additionalAlertManagerConfigs",
    "prometheus.prometheusSpec.additionalAlertManagerConfigsSecret",
    "prometheus.prometheusSpec.alertingEndpoints",
)


@rule("metrics/alerts-without-receiver", warning, since="0.1.0")
def alerts_without_receiver(environment: Environment) -> Iterator[Finding]:
    """An alert that goes to a receiver without an address fires, and nobody hears it."""
    if any(environment.of_kind("AlertmanagerConfig", "monitoring.coreos.com")) or not _has_alerts(environment):
        return
    for values in environment.chart_values:
        if values.source.chart != _CHART or not _is_known(values):
            continue
        told = {text(each, "name"): _has_address(each) for each in entries(values.get("alertmanager.config.receivers"))}
        receiver = str(values.get("alertmanager.config.route.receiver", _DEFAULT))
        if receiver == MEANT or any(told.values()):
            continue
        yield Finding(
            at=values.at("alertmanager.config.route.receiver"),
            message=f"Alertmanager sends every alert to the receiver {receiver}, which has no address, so "
            "nobody hears one",
            fix=f"name a receiver under alertmanager.config, or call it {MEANT} where nobody is meant",
        )


def _has_alerts(environment: Environment) -> bool:
    """Return whether somebody here wrote an alert; a Prometheus may be there for dashboards alone."""
    return any(
        "alert" in rule
        for manifest in environment.of_kind("PrometheusRule", "monitoring.coreos.com")
        for group in manifest.entries("spec.groups")
        for rule in entries(group.get("rules"))
    )


def _is_known(values: ChartValues) -> bool:
    if values.missing or values.unreadable or any(values.get(each) for each in _ELSEWHERE):
        return False
    return values.get("alertmanager.enabled") is not False


def _has_address(receiver: dict[str, object]) -> bool:
    return any(key.endswith("_configs") and value for key, value in mapping(receiver).items())
