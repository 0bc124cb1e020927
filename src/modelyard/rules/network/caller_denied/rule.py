"""Network policies that keep out who must come in, or keep in who must go out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.findings import Finding, NotChecked, UserError, error, warning
from modelyard.rules import rule
from modelyard.rules.wording import both
from modelyard.view import (
    NAMESPACE_NAME,
    Environment,
    Isolation,
    Manifest,
    Peer,
    PodTemplate,
    ServedModel,
    Workload,
    admits_peer,
    entries,
    is_location,
    isolations,
    listener,
    namespace_labels,
    text,
)

_DNS = 53
_HTTPS = 443
_DNS_LABELS = {"k8s-app": "kube-dns"}
# A public address; 192.0.2.0/24 is kept for documents.
_OUTSIDE = "192.0.2.1"
_DASHBOARD, _SERVE = 8265, 8000
_REDIS_PORT = 6379
_REDIS = re.compile(r"(?:rediss?://)?(?P<host>[^:/@\s]+)(?::(?P<port>\d{1,5}))?/?")
_AIBRIX_NAME = "model.aibrix.ai/name"
# Components whose pods call models: what they are called, and which ports they ask.
_KUBERAY, _RAY = "kuberay-operator", "RayService"
_AIBRIX = ("aibrix", "envoy-gateway")


@rule("network/caller-denied", error, since="0.1.0")
def caller_denied(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A NetworkPolicy that blocks DNS, weights, ranks, the operator or the gateway makes the model unreachable."""
    if environment.unbuilt:
        yield NotChecked("who may call whom", f"{environment.unbuilt} may bring policies")
        return
    incoming, outgoing = isolations(environment, "Ingress"), isolations(environment, "Egress")
    labels = namespace_labels(environment)
    said: set[tuple[str, str, str]] = set()
    served = {template for model in environment.models for template in model.workload.templates}
    for workload in environment.own_workloads:
        for template in workload.templates:
            if template.spec.get("hostNetwork"):
                continue
            out = outgoing.get(template)
            if out is not None:
                yield from _names(out, labels, said, model=template in served)
        if workload.kind in (_RAY, "RayCluster"):
            yield from _state(workload, outgoing)
    for model in environment.models:
        yield from _ranks(environment, model, incoming, outgoing, labels)
        yield from _callers(environment, model, incoming, labels)
        out = outgoing.get(model.template)
        source = model.settings.model
        fetched = source and not is_location(source)
        # By the wrong protocol alone, network/protocol-mismatch says so.
        told = out is not None and out.admits(_HTTPS, address=_OUTSIDE, protocol="UDP")
        if out is not None and fetched and not told and not out.admits(_HTTPS, address=_OUTSIDE):
            policy = _own(out)
            yield Finding(
                at=policy.at(("spec", "egress")),
                message=f"{model.name} downloads {source} from Hugging Face, but no network policy allows egress to "
                f"port {_HTTPS}",
                fix="allow egress to port 443 of 0.0.0.0/0, or load the weights from a volume",
            )


def _names(
    isolation: Isolation, labels: Mapping[str, Any], said: set[tuple[str, str, str]], *, model: bool
) -> Iterator[Finding]:
    """Yield pods that may not ask for names: models, and others that may by one protocol alone.

    What calls the Kubernetes API alone finds it by its address.
    """
    peer = Peer("kube-system", labels.get("kube-system", {NAMESPACE_NAME: "kube-system"}), _DNS_LABELS)
    denied = [
        protocol
        for protocol in ("UDP", "TCP")
        if not admits_peer(isolation, peer, _DNS, protocol) and not isolation.admits(_DNS, protocol=protocol)
    ]
    policy, index = _about_names(isolation)
    key = (policy.application, policy.name, ",".join(denied))
    if not denied or key in said or not (model or len(denied) == 1):
        return
    said.add(key)
    yield Finding(
        at=policy.at(("spec", "egress", index, "ports") if index is not None else ("spec", "egress")),
        message=f"{isolation.template} cannot resolve DNS names by {both(denied)}: no network policy allows "
        f"egress to port {_DNS} of kube-dns",
        fix="allow egress to kube-dns " + both(f"{{port: {_DNS}, protocol: {each}}}" for each in denied),
        severity=error if "UDP" in denied else warning,
    )


def _about_names(isolation: Isolation) -> tuple[Manifest, int | None]:
    for policy in isolation.policies:
        for index, each in enumerate(policy.entries("spec.egress")):
            if any(port.get("port") == _DNS for port in entries(each, "ports")):
                return policy, index
    return _own(isolation), None


def _ranks(
    environment: Environment,
    model: ServedModel,
    incoming: Mapping[PodTemplate, Isolation],
    outgoing: Mapping[PodTemplate, Isolation],
    labels: Mapping[str, Any],
) -> Iterator[Finding]:
    """Yield policies that keep the pods of a group, or of a Ray cluster, from each other."""
    templates = model.workload.templates
    if model.workload.group_size < 2 and model.workload.kind != _RAY:
        return
    namespace = environment.namespace_of(model.workload.manifest)
    for field, isolated, words in (
        ("ingress", incoming, "allows ingress from each other"),
        ("egress", outgoing, "allows egress to each other"),
    ):
        for template in templates:
            isolation = isolated.get(template)
            if isolation is None:
                continue
            others = [Peer(namespace, labels.get(namespace, {}), each.labels) for each in templates]
            if all(admits_peer(isolation, peer, None) for peer in others):
                continue
            policy = _own(isolation)
            yield Finding(
                at=policy.at(("spec", field)),
                message=f"the pods of {model.workload} talk to each other on dynamic ports, but no network "
                f"policy {words}",
                fix="add a rule without ports for pods with "
                + ("ray.io/cluster" if model.workload.kind == _RAY else "leaderworkerset.sigs.k8s.io/name"),
            )
            break


def _callers(
    environment: Environment, model: ServedModel, incoming: Mapping[PodTemplate, Isolation], labels: Mapping[str, Any]
) -> Iterator[Finding]:
    """Yield policies that keep an operator or a gateway from a model."""
    server = listener(model)
    if model.workload.kind == _RAY:
        heads = [each for each in model.workload.templates if "headGroupSpec" in each.path]
        calls = [(_KUBERAY, head, port) for head in heads for port in (_DASHBOARD, _SERVE)]
    elif _AIBRIX_NAME in model.template.labels and server is not None:
        calls = [(component, model.template, server.port) for component in _AIBRIX]
    else:
        return
    for component, template, port in calls:
        isolation, namespace = incoming.get(template), _namespace_of(environment, component)
        if isolation is None or not namespace:
            continue
        known = labels.get(namespace, {NAMESPACE_NAME: namespace})
        if not admits_peer(isolation, Peer(namespace, known), port):
            policy = _own(isolation)
            yield Finding(
                at=policy.at(("spec", "ingress")),
                message=f"{component} in namespace {namespace} calls {template} on port {port}, but no network policy "
                "allows it",
                fix=f"allow ingress from namespace {namespace} to port {port}",
            )
            return


def _state(workload: Workload, outgoing: Mapping[PodTemplate, Isolation]) -> Iterator[Finding]:
    """Yield policies that keep the head of a Ray cluster from a Redis outside of the cluster."""
    path = ("spec", "rayClusterConfig") if workload.kind == _RAY else ("spec",)
    address = str(workload.manifest.get((*path, "gcsFaultToleranceOptions", "redisAddress")) or "")
    found = _REDIS.fullmatch(address)
    host = found["host"] if found is not None else ""
    if found is None or host.count(".") < 2 or host.endswith((".svc", ".cluster.local", ".local")):
        return  # a Service of the cluster, whose pods another rule knows
    port = int(found["port"] or _REDIS_PORT)
    for template in workload.templates:
        isolation = outgoing.get(template)
        if isolation is None or "headGroupSpec" not in template.path or isolation.admits(port):
            continue
        yield Finding(
            at=_own(isolation).at(("spec", "egress")),
            message=f"{template} store their state at {address}, but no network policy allows egress to port {port}",
            fix=f"allow egress to port {port}, or correct the port of redisAddress",
        )


def _own(isolation: Isolation) -> Manifest:
    """Return the policy that was written for the pods, rather than that of their namespace."""
    application = isolation.template.manifest.application
    return next((each for each in isolation.policies if each.application == application), isolation.policies[0])


def _namespace_of(environment: Environment, component: str) -> str:
    """Return the namespace of a component: that of its Application, else what its base says; empty for neither."""
    found = next((each.namespace for each in environment.applications if each.name == component), "")
    path = f"bases/platform/{component}/component.yaml"
    if found or not environment.repository.files.is_file(path):
        return found
    try:
        content = environment.repository.files.documents(path)
    except UserError:
        return ""
    return text(content[0], "namespace") if content else ""
