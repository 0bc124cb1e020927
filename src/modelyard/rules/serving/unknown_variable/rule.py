"""Variables in commands and arguments that no container has."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import did_you_mean
from modelyard.view import Container, Environment, entries, listed, numbered, text

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
                yield from _before_its_time(container)
                for index, mount in numbered(container.value, "volumeMounts"):
                    for name in _VARIABLE.findall(text(mount, "subPathExpr")):
                        if name not in known:
                            yield Finding(
                                at=container.at("volumeMounts", index, "subPathExpr"),
                                message=f"{container} mounts below $({name}), but has no variable {name}",
                                fix=did_you_mean(name, known) or f"add {name} to env",
                            )
                for field in ("command", "args"):
                    for index, word in enumerate(listed(container.value, field)):
                        for name in dict.fromkeys(_VARIABLE.findall(_COMMENT.sub("", str(word)))):
                            if name not in known:
                                yield Finding(
                                    at=container.at(field, index),
                                    message=f"{container} uses $({name}), but has no variable {name}",
                                    fix=did_you_mean(name, known) or f"add {name} to env",
                                )


def _before_its_time(container: Container) -> Iterator[Finding]:
    """Yield variables made of one that stands after them: Kubernetes fills in those before alone."""
    names = [text(each, "name") for _, each in numbered(container.value, "env")]
    for index, each in numbered(container.value, "env"):
        for used in dict.fromkeys(_VARIABLE.findall(text(each, "value"))):
            if used in names[index + 1 :] and used not in names[:index]:
                yield Finding(
                    at=container.at("env", index, "value"),
                    message=f"{container} makes {names[index]} of $({used}), which stands after it",
                    fix=f"move {used} before {names[index]}",
                )
