"""Notifications of Argo CD that name a trigger, a template, a service or a key that is not there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from modelyard.findings import Finding, NotChecked, UserError, error
from modelyard.rendering import Path
from modelyard.repository.yaml import documents
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of
from modelyard.view import ChartValues, Environment, entries, listed, mapping, numbered, texts_in

_CHART = "argo-cd"
_SECRET = "argocd-notifications-secret"  # noqa: S105 - the name of a Secret
_KEY = re.compile(r"(?<![\w$])\$([A-Za-z0-9][\w.-]*)")
_STATE = re.compile(
    r"(operationState\?{0,1}\.phase|sync\?{0,1}\.status|health\?{0,1}\.status)\s{0,9}(?:==|!=|in|not in)\s{0,9}"
    r"(?:['\"]([^'\"\[\]]{0,60})['\"]|\[([^\[\]]{0,300})\])"
)
# https://argo-cd.readthedocs.io/en/stable/operator-manual/notifications/triggers/ and pkg/apis/application/v1alpha1
# of argo-cd 3.3: SyncStatusCode, HealthStatusCode, OperationPhase.
_PHASES = frozenset({"Error", "Failed", "Running", "Succeeded", "Terminating"})
_STATES = {
    **dict.fromkeys(("operationState.phase", "operationState?.phase"), _PHASES),
    **dict.fromkeys(("sync.status", "sync?.status"), frozenset({"OutOfSync", "Synced", "Unknown"})),
    **dict.fromkeys(
        ("health.status", "health?.status"),
        frozenset({"Degraded", "Healthy", "Missing", "Progressing", "Suspended", "Unknown"}),
    ),
}
_SUBSCRIPTION = re.compile(r"notifications\.argoproj\.io/subscribe\.([\w-]+)(?:\.([\w-]+))?")


@rule("argocd/unsent-notification", error, since="0.3.0")
def unsent_notification(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Nobody is told of a failed Application when the notification names something that is not configured."""
    for values in environment.chart_values:
        if values.source.chart != _CHART or values.unreadable or values.get("notifications.enabled") is not True:
            continue
        triggers, templates, services = (_names(values, each) for each in ("triggers", "templates", "notifiers"))
        yield from _of_subscriptions(values, triggers, services)
        yield from _of_triggers(values, templates)
        yield from _of_states(values)
        yield from _of_keys(environment, values)
        yield from _of_annotations(environment, triggers, services)


def _names(values: ChartValues, section: str) -> set[str]:
    found = values.get(("notifications", section), {})
    return {str(key).partition(".")[2] for key in found} if isinstance(found, dict) else set()


def _of_subscriptions(values: ChartValues, triggers: set[str], services: set[str]) -> Iterator[Finding]:
    found = values.get("notifications.subscriptions", [])
    for index, each in numbered({"subscriptions": found}, "subscriptions"):
        path: Path = ("notifications", "subscriptions", index)
        for number, name in enumerate(listed(each, "triggers")):
            if triggers and name not in triggers:
                yield _finding(
                    values, (*path, "triggers", number), f"a subscription names the trigger {name}", str(name), triggers
                )
        for number, recipient in enumerate(listed(each, "recipients")):
            service = str(recipient).partition(":")[0]
            if services and service not in services:
                yield _finding(
                    values,
                    (*path, "recipients", number),
                    f"the recipient {recipient} names the service {service}",
                    service,
                    services,
                )


def _of_triggers(values: ChartValues, templates: set[str]) -> Iterator[Finding]:
    found = values.get("notifications.triggers", {})
    for key, text in found.items() if isinstance(found, dict) and templates else ():
        for name in _sent(text):
            if name not in templates:
                at: Path = ("notifications", "triggers", str(key))
                yield _finding(values, at, f"{key} sends the template {name}", name, templates)


def _of_states(values: ChartValues) -> Iterator[Finding]:
    """Yield states that a condition asks for, and that what it asks never has."""
    for section in ("triggers", "templates"):
        found = values.get(("notifications", section), {})
        for key, written in found.items() if isinstance(found, dict) else ():
            for asked, single, several in _STATE.findall(str(written)):
                known = _STATES[asked]
                for state in [single] if single else re.findall(r"['\"]([^'\"]*)['\"]", several):
                    if state and state not in known:
                        yield Finding(
                            at=values.at(("notifications", section, str(key))),
                            message=f"{key} asks whether {asked} is {state}, which it never is, so nothing is sent",
                            fix=f"write {nearest(state, known) or one_of(known)}",
                        )


def _sent(text: Any) -> list[str]:
    try:
        parsed = documents("trigger", text) if isinstance(text, str) else [text]
    except UserError:
        return []
    return [
        str(name) for each in entries({"list": parsed[0] if parsed else []}, "list") for name in listed(each, "send")
    ]


def _of_keys(environment: Environment, values: ChartValues) -> Iterator[Finding]:
    """Yield what a service reads of the Secret of notifications, and nothing writes there."""
    found = [each for each in environment.secret_sources if each.name == _SECRET]
    keys = {key for each in found for key in each.keys or ()}
    if not found or any(each.keys is None for each in found):
        return
    for path, text in texts_in(mapping({"it": values.get("notifications.notifiers", {})}, "it")):
        for key in _KEY.findall(text):
            if key not in keys:
                at: Path = ("notifications", "notifiers", *path)
                yield _finding(values, at, f"{path[0]} reads the key {key} of Secret {_SECRET}", key, keys)


def _of_annotations(environment: Environment, triggers: set[str], services: set[str]) -> Iterator[Finding]:
    for manifest in environment.of_kind("Application", "argoproj.io"):
        for name in manifest.annotations:
            match = _SUBSCRIPTION.fullmatch(str(name))
            wrong = [] if match is None else [(match[1], "trigger", triggers), (match[2] or "", "service", services)]
            for word, what, known in wrong:
                if word and known and word not in known:
                    near = nearest(word, known)
                    yield Finding(
                        at=manifest.at(("metadata", "annotations", name), key=True),
                        message=f"{manifest} subscribes to the {what} {word}, which is not configured",
                        fix=f"write {near or one_of(known)}",
                    )


def _finding(values: ChartValues, path: Path, said: str, wrong: str, known: Iterable[str]) -> Finding:
    names = set(known)
    near = nearest(wrong, names)
    return Finding(
        at=values.at(path),
        message=f"{said}, which is not configured, so nothing is sent",
        fix=f"write {near or one_of(names)}",
    )
