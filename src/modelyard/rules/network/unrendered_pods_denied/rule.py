"""Policies of a whole namespace that deny what the pods of a chart need which is not rendered."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.catalog import chart_accounts, chart_ports
from modelyard.findings import Address, Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import ChartValues, Environment, Manifest, entries
from modelyard.view.isolation import Direction, types_of

_DNS = 53
_SIDES: dict[Direction, str] = {"Ingress": "ingress", "Egress": "egress"}


@rule("network/unrendered-pods-denied", error, since="0.3.0")
def unrendered_pods_denied(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A controller without names does nothing; while its webhook is out of reach, every sync of its kinds fails."""
    told: set[tuple[str, int]] = set()
    for values in environment.chart_values:
        namespace = values.application.namespace
        if not values.application.unrendered:
            continue  # the rules on rendered pods say so
        yield from _calls(environment, values, namespace, told)
        policies = _of_all(environment, namespace, "Egress")
        asks = any(_admits(policy, "Egress", _DNS, "UDP") for policy in policies)
        # The API server is known by its address: who asks for no other name may do without.
        named = values.source.chart in chart_accounts() or any(
            _admits(policy, "Egress", _DNS, "TCP") for policy in policies
        )
        if policies and named and not asks and (namespace, _DNS) not in told:
            told.add((namespace, _DNS))
            yield Finding(
                at=_nearest(policies, "Egress"),
                message=f"no network policy of namespace {namespace} lets its pods ask for names by UDP: those of "
                f"chart {values.source.chart} find no other service",
                fix="let them out to port 53, UDP and TCP, of kube-dns",
            )


def _calls(
    environment: Environment, values: ChartValues, namespace: str, told: set[tuple[str, int]]
) -> Iterator[Finding]:
    policies = _of_all(environment, namespace, "Ingress")
    for each in chart_ports().get(values.source.chart, ()) if policies else ():
        set_ = values.get(each.value) if each.value else None
        port = set_ if isinstance(set_, int) and not isinstance(set_, bool) else each.port
        if (namespace, port) in told or any(_admits(policy, "Ingress", port, "TCP") for policy in policies):
            continue
        told.add((namespace, port))
        yield Finding(
            at=_nearest(policies, "Ingress"),
            message=f"the API server calls port {port} of the pods of chart {values.source.chart}, which no network "
            f"policy of namespace {namespace} lets in",
            fix=f"let port {port} in without `from`: the API server has neither a label nor a fixed address",
        )


def _of_all(environment: Environment, namespace: str, direction: Direction) -> list[Manifest]:
    """Return the policies that choose every pod of a namespace; none where others choose some of them."""
    found = [
        policy
        for policy in environment.of_kind("NetworkPolicy", "networking.k8s.io")
        if environment.namespace_of(policy) == namespace and direction in types_of(policy)
    ]
    return found if all(not policy.mapping("spec.podSelector") for policy in found) else []


def _admits(policy: Manifest, direction: Direction, port: int, protocol: str) -> bool:
    """Return whether a policy lets a port through: in from anywhere, or out to anybody at all."""
    side = _SIDES[direction]
    for rule_ in policy.entries(f"spec.{side}"):
        peers = entries(rule_, "from") if direction == "Ingress" else []
        if peers and not any("ipBlock" in peer for peer in peers):
            continue
        ports = entries(rule_, "ports")
        if not ports:
            return True
        for each in ports:
            first, last = each.get("port"), each.get("endPort")
            if str(each.get("protocol") or "TCP") != protocol:
                continue
            if first is None or isinstance(first, str) or first == port:
                return True  # a name may be any port of pods that are not known
            if isinstance(first, int) and isinstance(last, int) and first <= port <= last:
                return True
    return False


def _nearest(policies: list[Manifest], direction: Direction) -> Address:
    side = _SIDES[direction]
    for policy in policies:
        for index, rule_ in enumerate(policy.entries(f"spec.{side}")):
            meant = (
                not entries(rule_, "from")
                if direction == "Ingress"
                else any(each.get("port") == _DNS for each in entries(rule_, "ports"))
            )
            if meant and entries(rule_, "ports"):
                return policy.at(("spec", side, index, "ports", 0, "port"))
    return policies[0].at(("spec", "podSelector"))
