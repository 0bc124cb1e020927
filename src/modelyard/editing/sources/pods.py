"""Pods of others that run vLLM: every field is carried, set here, or lost by name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelyard.editing.sources.arguments import Word, read_command, starts_engine, words_of
from modelyard.editing.sources.ledger import Node
from modelyard.editing.sources.others import (
    NO_DEVICE_OF_THEIRS,
    SIZED_HERE,
    foreign_devices,
    half,
    other_engine,
    resources_asked,
)
from modelyard.editing.sources.record import ADD, DEVICES, TOKENS, ExternalDeployment, number

_IMAGE = re.compile(r"(?:^|[-_./])vllm(?:$|[-_.:@/])")
BESIDE = re.compile(r"router|exporter|gateway|proxy|bench|operator|controller|scheduler|sidecar|epp|autoscaler")
_INSTANCE = re.compile(r"instance-|gpu|accelerator|nodepool|node-pool|nodegroup|kubernetes\.io/(?:arch|os)$|capacity")

OTHERWISE = "there is no place for it here"
# What has a place of its own here, by its name.
_SET = {
    "ports": "the base of the engine has its own port, and its Service asks that",
    "readinessProbe": "the base has its own probes",
    "livenessProbe": "the base has its own probes",
    "startupProbe": "the base has its own probes, sized by the weights",
    "serviceAccountName": "the base has an account of its own, `model`",
    "serviceAccount": "the base has an account of its own, `model`",
    "automountServiceAccountToken": "the base mounts none",
    "enableServiceLinks": "the base has none",
    "imagePullPolicy": "images have tags that do not move, so that Kubernetes' default holds",
    "image": "environments/<env>/versions tags the engine for all its models",
    "securityContext": "the base runs without rights, as the namespace demands",
    "strategy": "the base has its own",
    "updateStrategy": "the base has its own",
    "rolloutStrategy": "the base has its own",
    "deploymentStrategy": "the base has its own",
    "revisionHistoryLimit": "the base has its own",
    "progressDeadlineSeconds": "the base has its own, which waits for weights",
    "minReadySeconds": "the base has none; its readiness probe asks the engine",
    "terminationGracePeriodSeconds": "the base has its own, as long as requests last",
    "lifecycle": "the base has its own",
    "selector": "the base has its own labels",
    "template": "the base has its own",
    "restartPolicy": "the base has its own",
    "priorityClassName": "models share a priority class of the platform, model-interactive",
    "runtimeClassName": "the nodes' own runtime brings the devices",
    "tolerations": "the base tolerates the taint of its node pool",
    "topologySpreadConstraints": "the base spreads replicas over hosts",
    "hostIPC": "the base mounts memory that processes share",
    "shareProcessNamespace": "the base mounts memory that processes share",
    "serviceName": "the base brings its own Service",
    "podManagementPolicy": "the base runs replicas that do not wait for one another",
    "name": "the base has its own",
}
_LOST = {
    "nodeSelector": "the overlay says which devices it needs; no node here is known by this label",
    "nodeName": "Karpenter makes the nodes, whose names nobody knows before",
    "affinity": "the overlay says which devices it needs, and a node pool brings them",
    "schedulerName": "the scheduler of the cluster places models here",
    "imagePullSecrets": "images are pulled by the role of the nodes",
    "envFrom": "its variables come from what this repository does not hold",
    "hostNetwork": "models have no part in the network of their node",
    "hostPID": "models have no part in the processes of their node",
    "workingDir": "the base has its own",
    "stdin": "models read no terminal",
    "tty": "models read no terminal",
    "volumeClaimTemplates": "replicas keep nothing; weights lie where the feature weights-* puts them",
    "persistentVolumeClaimRetentionPolicy": "replicas keep nothing",
    "initContainers": "the base and its features have their own",
    "dnsPolicy": OTHERWISE,
    "dnsConfig": OTHERWISE,
    "hostAliases": OTHERWISE,
    "hostname": OTHERWISE,
    "subdomain": OTHERWISE,
    "overhead": "the cluster's runtime class says it",
    "preemptionPolicy": "the priority class says it",
}
_WEIGHTS = "weights and caches lie in a volume of the base; the features weights-* take them from elsewhere"
_MEMORY = "the base mounts /dev/shm, and the overlay sizes it"


def containers_of(pod: Node) -> list[Node]:
    """Return the places of a pod's containers."""
    return [each for each in pod.at("containers").items() if isinstance(each.value, dict)]


def engine_container(pod: Node) -> Node | None:
    """Return the container of a pod that runs vLLM; None where none does."""
    return next((each for each in containers_of(pod) if runs_engine(each)), None)


def runs_engine(container: Node) -> bool:
    """Return whether a container runs vLLM, by its command, else by its image."""
    words = [each.text for each in words_of(container.at("command"), container.at("args"))]
    if starts_engine(words):
        return True
    name = _image_name(container)
    if BESIDE.search(name) or BESIDE.search(container.at("name").text) or other_engine(name) is not None:
        return False
    return (
        _IMAGE.search(container.at("image").text.partition("@")[0]) is not None and not container.at("command").exists
    )


def _image_name(container: Node) -> str:
    return container.at("image").text.partition("@")[0].rpartition("/")[2]


def require_devices(found: ExternalDeployment, pod: Node, container: Node) -> None:
    """Refuse devices of other makers, parts of devices, and claims: an overlay here would ask for something else."""
    if pod.at("resourceClaims").exists:
        raise found.refused("asks for devices by resourceClaims, and what they stand for is not in its manifest")
    what = foreign_devices(list(resources_asked(container.at("resources"))), container.at("image").text)
    if not what and "tpu" in " ".join(key for key, _ in pod.at("nodeSelector").entries()):
        what = "TPUs of Google, which its nodeSelector names"
    if not what and any(each.at("name").text.startswith("VLLM_CPU_") for each in container.at("env").items()):
        what = "CPUs, for which it sets VLLM_CPU_KVCACHE_SPACE or the like"
    if what:
        raise found.refused(f"runs on {what}, {NO_DEVICE_OF_THEIRS}", SIZED_HERE)


def read_template(found: ExternalDeployment, template: Node, container: Node, *, owner: str = "its pods") -> None:
    """Read a pod template: its labels, its pod, and the container of the engine."""
    for key, node in template.entries():
        if key == "metadata":
            read_metadata(node, owner)
        elif key != "spec":
            node.is_lost(OTHERWISE)
    read_pod(found, template.at("spec"), container)


def read_metadata(metadata: Node, owner: str, *, named: bool = False) -> None:
    """Say what becomes of names, labels and annotations."""
    for key, node in metadata.entries():
        if key == "labels":
            for label, place in node.entries():
                place.is_lost("models have labels of their own here", f"label {label} of {owner}")
        elif key == "annotations":
            for annotation, place in node.entries():
                place.is_lost(OTHERWISE, f"annotation {annotation} of {owner}")
        elif key == "name":
            node.feeds("name") if named else node.is_set("the base has its own")
        elif key == "namespace":
            node.is_set("models share the namespace models")
        elif key in ("creationTimestamp", "uid", "resourceVersion", "generation", "managedFields"):
            node.is_set("the API server writes it")
        else:
            node.is_lost(OTHERWISE)


def read_pod(
    found: ExternalDeployment, pod: Node, container: Node, *, beside: frozenset[str] = frozenset(), entry: bool = True
) -> None:
    """Read the pod of an engine.

    Args:
        found: What is understood so far.
        pod: The pod's spec.
        container: The engine's container; its place may lie outside the pod.
        beside: Keys of the pod that the caller reads.
        entry: Whether the arguments of the container are the engine's where no command starts it.

    Raises:
        UserError: It runs on devices that nodes here do not have, is half of a pair, or its settings lie elsewhere.
    """
    require_devices(found, pod, container)
    for key, node in pod.entries():
        if key in beside:
            continue
        if key == "containers":
            for each in node.items():
                if each.path != container.path:
                    each.is_lost("only the engine's container is carried over", f"container {each.at('name').text}")
        elif key == "initContainers":
            for each in node.items():
                each.is_lost(_LOST[key], f"init container {each.at('name').text}")
        elif key == "nodeSelector":
            for label, place in node.entries():
                if _INSTANCE.search(label):
                    place.is_set("the overlay says which devices it needs, and a node pool brings them")
                else:
                    place.is_lost(_LOST[key])
        elif key == "volumes":
            read_volumes(node)
        else:
            read_field(key, node)
    read_container(found, container, entry=entry)


def read_field(key: str, node: Node) -> None:
    """Say what becomes of a field of a pod or container that is not read, by its name."""
    if key in _SET:
        node.is_set(_SET[key])
    elif key in _LOST:
        node.is_lost(_LOST[key])
    # What is not known stays unclaimed, and is lost as such.


def read_volumes(volumes: Node) -> None:
    """Say what becomes of volumes."""
    for each in volumes.items():
        if each.at("emptyDir", "medium").text == "Memory":
            each.is_set(_MEMORY)
        elif each.at("emptyDir").value is not None:
            each.is_set("the base has volumes of its own for weights, caches and temporary files")
        else:
            each.is_lost(_WEIGHTS, f"volume {each.at('name').text}")


def read_container(
    found: ExternalDeployment, container: Node, *, beside: frozenset[str] = frozenset(), entry: bool = True
) -> None:
    """Read the container of an engine."""
    words = words_of(container.at("command"), container.at("args"))
    role = half([each.text for each in words])
    if role:
        raise found.refused(
            f"is one half of a pair of prefill and decode ({role}), which are one engine here",
            "add the model with modelyard model add ID --env NAME, which serves both in one engine",
        )
    known = read_variables(found, container.at("env"))
    read_resources(found, container.at("resources"))
    for key, node in container.entries():
        if key in ("command", "args", "env", "resources") or key in beside:
            continue
        if key == "volumeMounts":
            for each in node.items():
                if each.at("mountPath").text == "/dev/shm":  # noqa: S108 - what the field says
                    each.is_set(_MEMORY)
                else:
                    each.is_lost(_WEIGHTS, f"mount {each.at('mountPath').text}")
        elif key == "image":
            node.is_set(_SET[key], f"image {node.text}")
        else:
            read_field(key, node)
    read_words(found, words, known, entry=entry or _IMAGE.search(container.at("image").text) is not None)


def read_words(
    found: ExternalDeployment, words: list[Word], known: dict[str, tuple[str, Node]], *, entry: bool = True
) -> None:
    """Read the engine's command line, and refuse one whose settings lie elsewhere."""
    read_command(found, words, known, entry_point=entry)
    if "config" in found.flags:
        raise found.refused(
            f"reads its settings from {found.flags['config'].value}, which is not in its manifest",
            "write the settings of that file into its arguments, and import it then",
        )


def read_variables(found: ExternalDeployment, env: Node) -> dict[str, tuple[str, Node]]:
    """Read a container's variables, and return those whose values its manifest tells, with their places."""
    known: dict[str, tuple[str, Node]] = {}
    for each in env.items():
        name = each.at("name").text
        if not name:
            continue
        value = each.at("value")
        if value.value is None and each.at("valueFrom").exists:
            value_of = None
            source = each.at("valueFrom", "configMapKeyRef")
            value_of = _from_config_map(each, source) if source.exists else None
        else:
            value_of = value.text
        if value_of is not None:
            known[name] = (value_of, each)
        found.variable(name, value_of, each)
    for name, node in env.entries():  # as some operators have it
        known[name] = (node.text, node)
        found.variable(name, node.text, node)
    return known


def _from_config_map(entry: Node, source: Node) -> str | None:
    """Return the value of a key of a ConfigMap in the same file; None where it is not there."""
    top = entry.ledger.content
    for document in top if isinstance(top, list) else [top]:
        if isinstance(document, dict) and document.get("kind") == "ConfigMap":
            metadata, data = document.get("metadata"), document.get("data")
            if isinstance(metadata, dict) and metadata.get("name") == source.at("name").text and isinstance(data, dict):
                value = data.get(source.at("key").text)
                return None if value is None else str(value)
    return None


def read_resources(found: ExternalDeployment, resources: Node) -> None:
    """Read how many devices of which kind a pod has; the overlay decides the rest."""
    for key, part in resources.entries():
        if key not in ("limits", "requests"):
            part.is_lost("devices are asked for by resources here" if key == "claims" else OTHERWISE)
            continue
        for name, node in part.entries():
            if name in DEVICES:
                node.feeds("devices")
                amount = number(found, node)
                found.devices, found.accelerator = amount, DEVICES[name]
            elif name.endswith("/efa"):
                node.is_lost("the feature efa brings network adapters of EFA")
            elif "/" in name:
                node.is_lost("no node here has it")
            else:
                node.is_set("the overlay sizes the pod")


def refuse_other_engines(found: ExternalDeployment, pods: Iterator[Node]) -> None:
    """Refuse pods in which another engine runs.

    Raises:
        UserError: One does; the words name it, and what is here instead.
    """
    for pod in pods:
        for container in containers_of(pod):
            words = [each.text for each in words_of(container.at("command"), container.at("args"))]
            engine = other_engine(container.at("image").text, *words)
            if engine is not None:
                raise found.refused(f"runs {engine.name}, and vLLM is what import takes", engine.fix or ADD)


def read_workers(found: ExternalDeployment, template: Node) -> None:
    """Say what becomes of the pods that help the one with the engine's command: they are made as that one is."""
    made = "the base makes the workers of a group as it does the leader"
    template.at("spec").is_set(made)
    read_metadata(template.at("metadata"), "its workers")
    require_devices(found, template.at("spec"), template.at("spec", "containers"))
    for container in containers_of(template.at("spec")):
        require_devices(found, template.at("spec"), container)
        for each in container.at("env").items():
            name, value = each.at("name").text, each.at("value").text
            given = found.variables.get(name)
            if given is not None and given.value == value:
                for key in ("name", "value"):
                    each.at(key).feeds(given.slot, f"variable {name}")
            elif name not in TOKENS:
                each.is_lost("only the leader's variables are carried", f"variable {name} of its workers")
        for each in container.at("envFrom").items():
            each.is_lost(_LOST["envFrom"])
    for key, node in template.at("spec").entries():
        if key in ("volumes", "initContainers", "nodeSelector", "affinity", "hostNetwork", "imagePullSecrets"):
            if key == "volumes":
                read_volumes(node)
            else:
                read_field(key, node)
