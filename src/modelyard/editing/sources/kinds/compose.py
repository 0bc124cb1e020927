"""Services of a compose file, and lines of `docker run`, that start vLLM."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from itertools import pairwise

from modelyard.editing.sources.arguments import engine_start, read_command, split, words_of
from modelyard.editing.sources.ledger import Ledger, Node
from modelyard.editing.sources.others import NO_DEVICE_OF_THEIRS, SIZED_HERE, maker_of, other_engine
from modelyard.editing.sources.protocol import Candidate, Source
from modelyard.editing.sources.record import ExternalDeployment, number

_IMAGE = re.compile(r"(?:^|[-_./])vllm(?:$|[-_.:@/])")
_BESIDE = re.compile(r"router|exporter|proxy|bench|gateway")
_SET = {
    "image": "environments/<env>/versions tags the engine for all its models",
    "ports": "the base of the engine has its own port, and its Service asks that",
    "expose": "the base of the engine has its own port, and its Service asks that",
    "healthcheck": "the base has its own probes",
    "restart": "Kubernetes restarts what ends",
    "shm_size": "the base mounts /dev/shm, and the overlay sizes it",
    "ipc": "the base mounts memory that processes share",
    "runtime": "the nodes' own runtime brings the devices",
    "container_name": "the model's name is its Service's",
    "ulimits": "the nodes have limits of their own",
    "pull_policy": "images have tags that do not move, so that Kubernetes' default holds",
    "user": "the base runs as a user of its own",
    "platform": "the overlay says which devices it needs",
}
_LOST = {
    "volumes": "weights and caches lie in a volume of the base; the features weights-* take them from elsewhere",
    "networks": "a Service reaches the model",
    "depends_on": "models wait for nobody here",
    "env_file": "its variables come from what this repository does not hold",
    "build": "an image of one's own is built apart; environments/<env>/versions names it",
    "privileged": "models run without rights, as the namespace demands",
    "cap_add": "models run without rights, as the namespace demands",
    "security_opt": "models run without rights, as the namespace demands",
    "labels": "models have labels of their own here",
    "profiles": "an environment has the models that it lists",
    "extra_hosts": "there is no place for it here",
    "logging": "the platform gathers logs",
    "devices": "devices are asked for by resources here",
    "network_mode": "a Service reaches the model",
    "stdin_open": "models read no terminal",
    "tty": "models read no terminal",
    "working_dir": "the base has its own",
}


class Compose(Source):
    """A compose file with a service that runs vLLM."""

    title = "compose file"

    def candidates(self, documents: Sequence[Node]) -> Iterator[Candidate]:
        """Yield the services that run vLLM; a file without one refuses by what it runs."""
        for document in documents:
            if document.at("kind").exists or not isinstance(document.at("services").value, dict):
                continue
            for name, service in document.at("services").entries():
                if not isinstance(service.value, dict) or not (
                    service.at("image").exists or service.at("build").exists
                ):
                    continue
                serves = _serves(service)

                def read(found: ExternalDeployment, service: Node = service, document: Node = document) -> None:
                    _read(found, service, document)

                weight = 1 if other_engine(service.at("image").text) else 0
                yield Candidate(name, f"service {name} of a compose file", service, read, serves=serves, weight=weight)


def _serves(service: Node) -> bool:
    words = [each.text for each in words_of(service.at("entrypoint"), service.at("command"))]
    if engine_start(words) is not None:
        return True
    image = service.at("image").text
    return _IMAGE.search(image) is not None and not _BESIDE.search(image) and not service.at("entrypoint").exists


def _read(found: ExternalDeployment, service: Node, document: Node) -> None:
    words = words_of(service.at("entrypoint"), service.at("command"))
    image = service.at("image").text
    engine = other_engine(image, *(each.text for each in words))
    if engine is not None:
        raise found.refused(f"runs {engine.name}, and vLLM is what import takes", engine.fix)
    if not _serves(service):
        raise found.refused(f"does not run vLLM (image {image or 'of a build'})")
    maker = maker_of(f"{image} {service.at('runtime').text}")
    if maker:
        raise found.refused(f"runs on {maker} (image {image}), {NO_DEVICE_OF_THEIRS}", SIZED_HERE)
    found.name = str(service.path[-1])
    known: dict[str, tuple[str, Node]] = {}
    for name, value, node in _environment(service.at("environment")):
        found.variable(name, value, node)
        if value is not None:
            known[name] = (value, node)
    for device in service.at("deploy", "resources", "reservations", "devices").items():
        device.at("count").feeds("devices")
        device.at("device_ids").feeds("devices")
        for key in ("driver", "capabilities"):
            device.at(key).is_set("the overlay says which devices it needs")
        if device.at("count").text not in ("", "all"):
            found.devices = number(found, device.at("count"))
        elif device.at("device_ids").exists:
            found.devices = len(list(device.at("device_ids").items()))
    for part in ("limits", "reservations"):
        for key, node in service.at("deploy", "resources", part).entries():
            if key != "devices":
                node.is_set("the overlay sizes the pod")
    service.at("deploy", "replicas").feeds("replicas")
    found.replicas = number(found, service.at("deploy", "replicas"))
    service.at("gpus").feeds("devices")
    for key, node in service.entries():
        if key in _SET:
            node.is_set(_SET[key], f"image {image}" if key == "image" else "")
        elif key in _LOST:
            node.is_lost(_LOST[key])
    for key, node in document.entries():
        if key in ("version", "name"):
            node.is_set("it says which kind of file it is")
        elif key in ("volumes", "networks", "configs", "secrets"):
            node.is_lost("only what serves the model is read")
    for name, other in document.at("services").entries():
        if other.path != service.path:
            other.is_lost("only the engine's service is carried over", f"service {name}")
    read_command(found, words, known, entry_point=True)


def _environment(environment: Node) -> Iterator[tuple[str, str | None, Node]]:
    for name, node in environment.entries():
        yield name, node.text if node.value is not None else None, node
    for node in environment.items():
        name, separator, value = node.text.partition("=")
        yield name, value if separator else None, node


_VALUED = {
    "-p": "ports", "--publish": "ports", "-v": "volumes", "--volume": "volumes", "--mount": "volumes",
    "--name": "container_name", "--ipc": "ipc", "--shm-size": "shm_size", "--runtime": "runtime",
    "--restart": "restart",
    "--network": "network_mode", "--net": "network_mode", "-u": "user", "--user": "user", "--ulimit": "ulimits",
    "--env-file": "env_file", "--entrypoint": "entrypoint", "-l": "labels", "--label": "labels", "--device": "devices",
    "--cap-add": "cap_add", "--security-opt": "security_opt", "--platform": "platform", "--pull": "pull_policy",
    "-w": "working_dir", "--workdir": "working_dir", "-m": "memory", "--memory": "memory", "--cpus": "cpus",
    "--group-add": "security_opt", "--add-host": "extra_hosts", "--log-driver": "logging",
}  # fmt: skip


class DockerRun(Source):
    """A line of `docker run` or `podman run`; it becomes the service that a compose file would have."""

    title = "line of docker run"

    def of_text(self, path: str, text: str) -> Ledger | None:
        """Return the line as a compose file; None for another text."""
        lines = [each for each in text.splitlines() if not each.lstrip().startswith("#")]
        plain = "\n".join(lines).replace("\\\n", " ").strip().removeprefix("$ ").removeprefix("sudo ")
        if not re.match(r"(?:docker|podman|nerdctl)\s+(?:container\s+)?run\s", plain):
            return None
        try:
            words = shlex.split(plain.split("\n")[0], comments=True)
        except ValueError:
            words = split(plain)
        return Ledger({"services": {_name(words): _service(words)}})


def _name(words: Sequence[str]) -> str:
    named = [after for word, after in pairwise(words) if word == "--name"]
    named += [word.partition("=")[2] for word in words if word.startswith("--name=")]
    return named[0] if named else "vllm"


def _service(words: Sequence[str]) -> dict[str, object]:
    rest = list(words[words.index("run") + 1 :])
    service: dict[str, object] = {}
    environment: dict[str, str | None] = {}
    while rest and rest[0].startswith("-"):
        word = rest.pop(0)
        name, separator, value = word.partition("=")
        if name in ("-e", "--env", "--gpus") or name in _VALUED:
            value = value if separator else (rest.pop(0) if rest else "")
        if name in ("-e", "--env"):
            key, given, told = value.partition("=")
            environment[key] = told if given else None
        elif name == "--gpus":
            count = re.search(r"\d{1,9}$", value)
            ids = re.search(r"device=([\d,]+)", value)
            device: dict[str, object] = {"driver": "nvidia"}
            if ids:
                device["device_ids"] = ids[1].split(",")
            else:
                device["count"] = int(count[0]) if count and len(count[0]) < 4 else "all"
            service["deploy"] = {"resources": {"reservations": {"devices": [device]}}}
        elif name in _VALUED:
            listed = service.setdefault(_VALUED[name], [])
            assert isinstance(listed, list)  # noqa: S101 - made one line before
            listed.append(value)
        elif name in ("-d", "--detach", "--rm", "-it", "-ti", "-i", "-t", "--init", "--privileged"):
            service["privileged" if name == "--privileged" else "tty"] = True
        else:
            service[name] = value if separator else True
    if environment:
        service["environment"] = environment
    service["image"] = rest.pop(0) if rest else ""
    service["command"] = rest
    return service
