"""Templates of alerts that Prometheus does not read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import nearest
from modelyard.view import Environment, mapping, numbered, text

_ACTION = re.compile(r"\{\{[^{}]*\}\}")
_NAME = re.compile(r"\$(\w*)")
_SET = re.compile(r"\$(\w{1,99})(?:\s{0,9},\s{0,9}\$(\w{1,99}))?\s{0,9}:?=")
# What Prometheus defines before each template: template/template.go.
_KNOWN = frozenset({"", "labels", "value", "externalLabels", "externalURL"})


@rule("metrics/refused-template", error, since="0.3.0")
def refused_template(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Prometheus refuses a whole file of rules for one variable that it does not know, or an alert tells nothing."""
    for manifest in environment.of_kind("PrometheusRule", "monitoring.coreos.com"):
        for number, group in numbered(manifest.value, "spec", "groups") if environment.is_ours(manifest) else ():
            for index, each in numbered(group, "rules"):
                for holder in ("annotations", "labels"):
                    for key, written in mapping(each, holder).items() if text(each, "alert") else ():
                        fault, fix = _fault(str(written))
                        if fault:
                            yield Finding(
                                at=manifest.at(("spec", "groups", number, "rules", index, holder, str(key))),
                                message=f"{key} of alert {text(each, 'alert')} {fault}",
                                fix=fix,
                            )


def _fault(written: str) -> tuple[str, str]:
    """Return what is wrong with a template and what to write; nothing for a right one."""
    if written.count("{{") != written.count("}}"):
        return "has an action that is not closed: its {{ and }} do not match", "close each {{ with }}"
    known = set(_KNOWN)
    for action in _ACTION.findall(written):
        known.update(name for pair in _SET.findall(action) for name in pair)
        for name in _NAME.findall(action):
            if name not in known:
                near = nearest(name, known - {""})
                return f"uses the variable ${name}, which Prometheus does not have", f"write ${near or 'labels'}"
    return "", ""
