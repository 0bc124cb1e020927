"""Variables in commands and arguments that no container has."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import did_you_mean
from modelyard.view import Environment, entries, listed, text

# Kubernetes fills in `$(NAME)`, and takes `$$(NAME)` as it is.
_COMMENT = re.compile(r"^[ \t]*+#.*$", re.MULTILINE)  # in a shell's script
_VARIABLE = re.compile(r"(?<!\$)\$\(([A-Z_][A-Z0-9_]*)\)")
# What operators add to the containers that they make pods of, by kind: pkg/utils/pod of kubernetes-sigs/lws v0.8.
_OPERATED = {
    "LeaderWorkerSet": frozenset({"LWS_LEADER_ADDRESS", "LWS_GROUP_SIZE", "LWS_WORKER_INDEX"}),
    "CronJob": frozenset({"JOB_COMPLETION_INDEX"}),
    "Job": frozenset({"JOB_COMPLETION_INDEX"}),
}


@rule("serving/unknown-variable", error, since="0.3.0")
def unknown_variable(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Kubernetes passes `$(NAME)` through as literal text when the container has no such variable."""
    for workload in environment.own_workloads:
        operated = _OPERATED.get(workload.kind, frozenset())
        for template in workload.templates:
            for container in template.containers:
                if container.value.get("envFrom"):
                    continue
                known = {text(each, "name") for each in entries(container.value, "env")} | operated
                for field in ("command", "args"):
                    for index, word in enumerate(listed(container.value, field)):
                        for name in dict.fromkeys(_VARIABLE.findall(_COMMENT.sub("", str(word)))):
                            if name not in known:
                                yield Finding(
                                    at=container.at(field, index),
                                    message=f"{container} uses $({name}), but has no variable {name}",
                                    fix=did_you_mean(name, known) or f"add {name} to env",
                                )
