"""Who cuts an answer, on the way from a caller to the engine and back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from modelyard.view.environment import Environment
from modelyard.view.manifests import Manifest
from modelyard.view.models import ServedModel
from modelyard.view.quantities import seconds
from modelyard.view.shapes import entries, mapping, text
from modelyard.view.times.model import TimeLimit
from modelyard.view.values import release_values

ANSWER_SECONDS = 600
"""What an answer may take: the longest that every way in this project's own features and gateways lets through."""

SECONDS_PER_TOKEN = 0.02
"""Between two tokens of one answer, on a device that is busy with others; an assumption."""

ALB_IDLE_SECONDS = 60
"""Default `idle_timeout.timeout_seconds` of an Application Load Balancer
(https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html)."""

NLB_IDLE_SECONDS = 350
"""Idle timeout of a Network Load Balancer; of TLS listeners it cannot be changed
(https://docs.aws.amazon.com/elasticloadbalancing/latest/network/update-idle-timeout.html)."""

ALB_ATTRIBUTES = "alb.ingress.kubernetes.io/load-balancer-attributes"
_IDLE = re.compile(r"(?:^|,)\s*idle_timeout\.timeout_seconds\s*=\s*(\d+)")

AIBRIX_LABEL = "model.aibrix.ai/name"
AIBRIX_LIMITS = (
    ("route of AIBrix (gatewayTimeoutSeconds)", ("controllerManager", "gatewayTimeoutSeconds"), 120, False),
    ("Envoy's route to the chosen pod", ("gateway", "envoyPatchPolicy", "route", "timeout"), 120, False),
    ("Envoy's route to the chosen pod, in silence", ("gateway", "envoyPatchPolicy", "route", "idleTimeout"), 300, True),
)
"""Name, path in the chart's values, default and whether silence alone counts (dist/chart/values.yaml and
pkg/controller/modelrouter of vllm-project/aibrix at v0.7.0)."""


def answering(environment: Environment, model: ServedModel) -> Iterator[TimeLimit]:
    """Yield what an answer takes and who cuts it."""
    if needed := answer_seconds(model):
        name = "the longest answer that is planned for"
        yield TimeLimit("answer", name, needed, "assumed", model.settings.at("max-model-len"), need=True)
    namespace = environment.namespace_of(model.workload.manifest)
    services = {
        each.name: each.manifest
        for each in environment.services
        if each.namespace == namespace and model.template in each.pods
    }
    yield from _load_balancers(services.values())
    for ingress in environment.of_kind("Ingress", "networking.k8s.io"):
        if environment.namespace_of(ingress) == namespace and backends(ingress) & set(services):
            yield from _ingress(ingress)
    for route in environment.of_kind("HTTPRoute", "gateway.networking.k8s.io"):
        if environment.namespace_of(route) == namespace:
            yield from _route(route, set(services))
    for route in environment.of_kind("InterceptorRoute", "http.keda.sh"):
        if environment.namespace_of(route) == namespace and text(route.value, "spec", "target", "service") in services:
            told = route.get("spec.timeouts.request")
            if isinstance(told, str):
                at = route.at("spec.timeouts.request")
                yield TimeLimit("answer", f"{route} (request)", seconds(told) or None, "set", at)
    if AIBRIX_LABEL in model.template.labels:
        yield from _aibrix(environment)


def answer_seconds(model: ServedModel) -> float | None:
    """Return how long an answer may take; None where the model generates no text token by token, or it is not known."""
    longest = model.settings.get("max-model-len")
    if not isinstance(longest, int) or isinstance(longest, bool) or not model.engine.generates_tokens:
        return None
    if model.settings.get("runner") == "pooling" or model.settings.get("task") in ("embed", "classify", "score"):
        return None
    return min(ANSWER_SECONDS, longest * SECONDS_PER_TOKEN)


def _load_balancers(services: Any) -> Iterator[TimeLimit]:
    for manifest in services:
        if manifest.get("spec.type") == "LoadBalancer":
            name = f"load balancer of {manifest}, in silence"
            yield TimeLimit("answer", name, NLB_IDLE_SECONDS, "AWS", manifest.at("spec.type"), silence=True)


def backends(ingress: Manifest) -> set[str]:
    """Return the names of the Services that an Ingress sends to."""
    paths = (path for each in ingress.entries("spec.rules") for path in entries(mapping(each, "http"), "paths"))
    named = {text(path, "backend", "service", "name") for path in paths}
    return named | {text(ingress.value, "spec", "defaultBackend", "service", "name")}


def _ingress(ingress: Manifest) -> Iterator[TimeLimit]:
    told = _IDLE.search(str(ingress.annotations.get(ALB_ATTRIBUTES, "")))
    at = ingress.at(("metadata", "annotations", ALB_ATTRIBUTES))
    source = "set" if told else "AWS's default"
    idle = int(told[1]) if told else ALB_IDLE_SECONDS
    yield TimeLimit("answer", f"load balancer of {ingress}, in silence", idle, source, at, silence=True)


def _route(route: Manifest, services: set[str]) -> Iterator[TimeLimit]:
    for index, each in enumerate(route.entries("spec.rules")):
        if services & {text(backend, "name") for backend in entries(each, "backendRefs")}:
            for field in ("request", "backendRequest"):
                told = mapping(each, "timeouts").get(field)
                if isinstance(told, str):
                    at = route.at(("spec", "rules", index, "timeouts", field))
                    yield TimeLimit("answer", f"{route} ({field})", seconds(told) or None, "set", at)


def _aibrix(environment: Environment) -> Iterator[TimeLimit]:
    for application in environment.applications:
        for values in release_values(application, environment.repository):
            if "aibrix" not in (values.source.chart, *values.source.repository.removesuffix(".git").split("/")[-1:]):
                continue
            for name, path, default, silence in AIBRIX_LIMITS:
                told = values.get(path)
                source, limit = "AIBrix's default", float(default)
                if told is not None:
                    source, limit = "set", told if isinstance(told, int) else seconds(told) or 0
                yield TimeLimit("answer", name, limit or None, source, values.at(path), silence=silence)
            kind = ("gateway", "envoyProxy", "service", "type")
            if values.get(kind) == "LoadBalancer":
                name = "load balancer of AIBrix's gateway, in silence"
                yield TimeLimit("answer", name, NLB_IDLE_SECONDS, "AWS", values.at(kind), silence=True)
