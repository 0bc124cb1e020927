"""Configurations that Alertmanager does not load, and routes that no alert takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from modelyard.findings import Finding, NotChecked, error, warning
from modelyard.rendering import Path
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of
from modelyard.view import ChartValues, Environment, entries, listed, mapping, numbered, text

_CHART = "kube-prometheus-stack"
_CONFIG: Path = ("alertmanager", "config")
# alertmanager/pkg/labels/parse.go of 0.29
_MATCHER = re.compile(r'\s*[A-Za-z_:][\w:]*\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|[^"{}=~!,]*)\s*')
# What each integration needs one of, in itself or in `global`: alertmanager/config/config.go.
_ADDRESSES = {
    "slack_configs": (
        ("api_url", "api_url_file", "app_token", "app_token_file"),
        ("slack_api_url", "slack_api_url_file"),
    ),
    "pagerduty_configs": (("routing_key", "routing_key_file", "service_key", "service_key_file"), ()),
    "opsgenie_configs": (("api_key", "api_key_file"), ("opsgenie_api_key", "opsgenie_api_key_file")),
    "webhook_configs": (("url", "url_file"), ()),
    "msteams_configs": (("webhook_url", "webhook_url_file"), ()),
    "email_configs": (("to",), ()),
}
_DURATION = re.compile(r"(?:\d+(?:ms|[ywdhms]))+|0")
_TIMES = ("group_wait", "group_interval", "repeat_interval")
# Labels that every alert has, or that Prometheus and exporters give.
_ALWAYS = "Watchdog"


@rule("metrics/refused-alertmanager-config", error, since="0.3.0")
def refused_alertmanager_config(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The operator does not roll out a configuration that Alertmanager refuses, and a route may match no alert."""
    for values in environment.chart_values:
        config = values.get(_CONFIG, {}) if values.source.chart == _CHART and not values.unreadable else {}
        if not isinstance(config, dict) or not config:
            continue
        names = {text(each, "name") for each in entries(config, "receivers")}
        if isinstance(config.get("receivers"), list):
            yield from _of_receivers(values, config)
        route = values.get((*_CONFIG, "route"), {})
        severities = _severities(environment)
        if isinstance(route, dict):
            yield from _of_route(values, route, (*_CONFIG, "route"), names, severities)
    yield from _switched_off(environment)


def _of_receivers(values: ChartValues, config: dict[str, Any]) -> Iterator[Finding]:
    seen: set[str] = set()
    whole = set(mapping(config, "global"))
    for index, receiver in numbered(config, "receivers"):
        name = text(receiver, "name")
        if name in seen or not name:
            yield Finding(
                at=values.at((*_CONFIG, "receivers", index, "name")),
                message=f"receiver {name} is there twice" if name else "a receiver has no name",
                fix="give each receiver a name of its own",
            )
        seen.add(name)
        for kind, (own, shared) in _ADDRESSES.items():
            for number, each in numbered(receiver, kind):
                both_ = [key for key in each if f"{key}_file" in each]
                for key in both_:
                    yield Finding(
                        at=values.at((*_CONFIG, "receivers", index, kind, number, key), key=True),
                        message=f"receiver {name} has {key} and {key}_file, and Alertmanager takes one of them",
                        fix=f"remove {key} or {key}_file",
                    )
                yield from _of_files(values, name, each, (*_CONFIG, "receivers", index, kind, number))
                if not any(key in each for key in own) and not whole.intersection(shared):
                    yield Finding(
                        at=values.at((*_CONFIG, "receivers", index, kind, number)),
                        message=f"receiver {name} has {kind} without {one_of(own)}, which Alertmanager refuses",
                        fix=f"add {own[1] if len(own) > 1 else own[0]}",
                    )


def _of_files(values: ChartValues, name: str, receiver: dict[str, Any], path: Path) -> Iterator[Finding]:
    """Yield files that no volume brings: the operator mounts `secrets` and `configMaps` below /etc/alertmanager."""
    spec = values.get("alertmanager.alertmanagerSpec", {})
    spec = spec if isinstance(spec, dict) else {}
    mounted = [text(each, "mountPath") for each in entries(spec, "volumeMounts")]
    mounted += [
        f"/etc/alertmanager/{kind.lower()}/{each}" for kind in ("secrets", "configMaps") for each in listed(spec, kind)
    ]
    for key, written in receiver.items():
        if not str(key).endswith("_file") or not isinstance(written, str) or not written.startswith("/"):
            continue
        if not any(each and written.startswith(f"{each.rstrip('/')}/") for each in mounted):
            yield Finding(
                at=values.at((*path, str(key))),
                message=f"{key} of receiver {name} is {written}, and nothing is mounted there: volumes are at "
                f"{one_of(mounted) if mounted else 'no path'}",
                fix="name a file of alertmanagerSpec.volumeMounts, or add the Secret to alertmanagerSpec.secrets",
            )


def _of_route(
    values: ChartValues, route: dict[str, Any], path: Path, names: set[str], severities: set[str]
) -> Iterator[Finding]:
    receiver = text(route, "receiver")
    if receiver and names and receiver not in names:
        near = nearest(receiver, names)
        yield Finding(
            at=values.at((*path, "receiver")),
            message=f"a route of Alertmanager names the receiver {receiver}, which is not defined",
            fix=f"write {near or one_of(names)}",
        )
    for key in _TIMES:
        written = route.get(key)
        if isinstance(written, str) and not _DURATION.fullmatch(written):
            yield Finding(
                at=values.at((*path, key)),
                message=f"{key} of a route is {written}, which is no duration of Prometheus",
                fix="write a number with its unit, such as 30s or 4h",
            )
    for index, matcher in enumerate(listed(route, "matchers")):
        yield from _of_matcher(values, str(matcher), (*path, "matchers", index), severities)
    for key, value in mapping(route, "match").items():
        yield from _of_matcher(values, f'{key} = "{value}"', (*path, "match", str(key)), severities)
    for index, below in numbered(route, "routes"):
        yield from _of_route(values, below, (*path, "routes", index), names, severities)


def _of_matcher(values: ChartValues, matcher: str, path: Path, severities: set[str]) -> Iterator[Finding]:
    for part in _parts(matcher):
        if not _MATCHER.fullmatch(part):
            yield Finding(
                at=values.at(path),
                message=f"the matcher {part.strip()} has a form that Alertmanager does not read",
                fix='write LABEL = "VALUE", or with !=, =~ or !~',
            )
            continue
        name, _, value = part.partition("=")
        said = value.strip().strip('"')
        if name.strip() == "severity" and not value.startswith("~") and severities and said not in severities:
            near = nearest(said, severities)
            yield Finding(
                at=values.at(path),
                message=f"a route waits for alerts of severity {said}, and no alert here has it",
                fix=f"write {near or one_of(severities)}",
                severity=warning,
            )


def _parts(matcher: str) -> list[str]:
    inner = matcher.strip()
    inner = inner[1:-1] if inner.startswith("{") and inner.endswith("}") else inner
    return re.findall(r'(?:"(?:[^"\\]|\\.){0,900}+"|[^,"])++', inner) or [inner]


def _severities(environment: Environment) -> set[str]:
    """Return the severities of the environment's alerts, and of the chart's own."""
    found = {
        text(each, "labels", "severity")
        for manifest in environment.of_kind("PrometheusRule", "monitoring.coreos.com")
        for group in manifest.entries("spec.groups")
        for each in entries(group, "rules")
        if each.get("alert")
    } - {""}
    return found | {"none", "info", "warning", "critical"} if found else set()


def _switched_off(environment: Environment) -> Iterator[Finding]:
    """Yield an Alertmanager that is off, though somebody wrote whom it tells."""
    for values in environment.chart_values:
        if values.source.chart != _CHART or values.get("alertmanager.enabled") is not False:
            continue
        receivers = values.get((*_CONFIG, "receivers"), [])
        addressed = [
            text(each, "name")
            for each in entries({"list": receivers}, "list")
            if any(str(key).endswith("_configs") and value for key, value in each.items())
        ]
        if addressed:
            yield Finding(
                at=values.at("alertmanager.enabled"),
                message=f"alertmanager is off, so nothing tells the receiver {addressed[0]} of an alert",
                fix="remove alertmanager.enabled",
            )
