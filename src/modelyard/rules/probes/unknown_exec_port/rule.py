"""Commands of probes that ask a port on which their container does not listen."""

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import one_of
from modelyard.view import Environment, listed

_LOCAL = re.compile(r"https?://(?:127\.0\.0\.1|localhost|\[::1\]):(\d{2,5})\b")
_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


@rule("probes/unknown-exec-port", error, since="0.3.0")
def unknown_exec_port(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A probe command that calls a port on which the pod does not listen always fails."""
    for workload in environment.own_workloads:
        for template in workload.templates:
            ports = {number for _, number, _ in template.ports}
            if not ports:
                continue
            for container in template.containers:
                for field in _PROBES:
                    for index, word in enumerate(listed(container.value, field, "exec", "command")):
                        asked = [each for each in _LOCAL.findall(str(word)) if int(each) not in ports]
                        if asked:
                            yield Finding(
                                at=container.at(field, "exec", "command", index),
                                message=f"{field} of {container} calls port {asked[0]} of its own pod, which "
                                f"listens on {one_of(sorted(map(str, ports)))}",
                                fix=f"use {one_of(sorted(map(str, ports)))}",
                            )
