"""Files that an init container leaves where the others do not see them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Container, Environment, PodTemplate, entries, listed, text

_PATH = re.compile(r"(?<![\w:/.$)}-])/[\w.-]+(?:/[\w.-]+)*")
# Every container has its own, and writes there for itself.
_SCRATCH = ("/tmp", "/dev/shm", "/var/tmp", "/run")  # noqa: S108 - paths of containers, not of this machine
_COPIES = ("cp ", "rsync ", "ln ", "mv ", "install ")
_STARTS = ("&&", "||", ";", "|", "exec", "then", "else", "do", "if", "while", "!", "$(", "source", "sh", "bash")
_SHARED = ("emptyDir", "persistentVolumeClaim", "ephemeral", "csi", "hostPath")


@rule("storage/unshared-path", error, since="0.1.0")
def unshared_path(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Files that an init container writes outside a shared volume are lost when the next container starts."""
    for workload in environment.own_workloads:
        for template in workload.templates:
            for container in template.containers:
                if container.init and not container.sidecar:
                    yield from _lost(template, container)


def _lost(template: PodTemplate, container: Container) -> Iterator[Finding]:
    own = [text(mount, "mountPath") for mount in entries(container.value, "volumeMounts")]
    shared = {
        text(volume, "name") for volume in entries(template.spec, "volumes") if any(kind in volume for kind in _SHARED)
    }
    mounts = [
        (text(mount, "mountPath"), text(mount, "name"), other)
        for other in template.containers
        if other is not container and not (other.init and not other.sidecar)
        for mount in entries(other.value, "volumeMounts")
        if text(mount, "name") in shared and text(mount, "mountPath").rstrip("/") not in _SCRATCH
    ]
    for field in ("command", "args"):
        for index, word in enumerate(listed(container.value, field)):
            for path in _used(str(word), is_program=field == "command" and not index):
                if any(_covers(mount, path) for mount in own):
                    continue
                found = next((each for each in mounts if _covers(each[0], path)), None)
                if found is not None:
                    yield Finding(
                        at=container.at(field, index),
                        message=f"{container} uses {path} without a volume there; {found[2].name} mounts volume "
                        f"{found[1]} at {found[0]}",
                        fix=f"mount volume {found[1]} at {found[0]} in the init container too",
                    )
                    return


def _used(text: str, *, is_program: bool) -> Iterator[str]:
    """Yield the paths in a word or script, without those of programs that run, which the image may bring."""
    if len(text.split()) < 2:
        yield from () if is_program else _PATH.findall(text)
        return
    for found in _PATH.finditer(text):
        before = text[: found.start()].rpartition("\n")[2].strip()
        rest = text[found.end() :].partition("\n")[0]
        if before.startswith(_COPIES) and _PATH.search(rest):
            continue  # what is copied may come with the image
        if before and not before.endswith(_STARTS):
            yield found[0]


def _covers(mount: str, path: str) -> bool:
    plain = mount.rstrip("/")
    return bool(plain) and (path == plain or path.startswith(f"{plain}/"))
