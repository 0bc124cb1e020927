"""Neuron devices that the node's system keeps for root, and a container of another user that asks for them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modelyard.findings import Finding, NotChecked, error
from modelyard.placement import AL2023, BOTTLEROCKET, ami_family, placements
from modelyard.repository.toml import MalformedTOML, parsed
from modelyard.rules import rule
from modelyard.rules.wording import both
from modelyard.view import Container, Environment, PodTemplate, Pool, mapping

_NEURON = ("aws.amazon.com/neuron", "aws.amazon.com/neurondevice", "aws.amazon.com/neuroncore")
_OF_KUBERNETES, _SETTING = "kubernetes", "device-ownership-from-security-context"


@dataclass(frozen=True)
class _Asking:
    """A container that asks for Neuron devices, and the user other than root that it runs as."""

    container: Container
    template: PodTemplate
    user: str
    is_named: bool


@rule("devices/root-owned-device", error, since="0.1.0")
def root_owned_device(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A container that may not open its Neuron devices exits at start-up, on a node that looks healthy."""
    pools = {pool.name: pool for pool in environment.pools}
    asking: dict[str, list[_Asking]] = {}
    for placement in placements(environment):
        if placement.daemon:
            continue
        for container in placement.template.containers:
            user, is_named = _user(container, placement.template)
            if user and any(container.requested(name) for name in _NEURON):
                for verdict in placement.accepting:
                    found = _Asking(container, placement.template, user, is_named)
                    asking.setdefault(verdict.pool, []).append(found)
    for name, found_for in asking.items():
        yield from _judged(pools[name], found_for)


def _judged(pool: Pool, asking: list[_Asking]) -> Iterator[Finding | NotChecked]:
    node_class = pool.node_class
    if pool.auto_mode or node_class is None:
        return  # AWS's own nodes are set up by AWS; a class that is not there is told by another rule
    family = ami_family(node_class.mapping("spec"))
    if family == AL2023:
        return  # AWS asks for this setting on Bottlerocket alone
    if family != BOTTLEROCKET:
        yield NotChecked(pool, "which users may open Neuron devices on nodes of its image is not known")
        return
    owned = _owned_by_the_user(node_class.get("spec.userData"))
    if owned is None:
        return
    if not owned:
        names = sorted({str(each.container.manifest) for each in asking})
        yield Finding(
            at=node_class.at("spec.userData"),
            message=f"nodes of {pool} give Neuron devices to root alone, and {both(names)} "
            f"{'runs' if len(names) == 1 else 'run'} as {asking[0].user}",
            fix=f"set {_SETTING} = true in the table settings.{_OF_KUBERNETES} of its userData",
        )
        return
    for each in asking:
        if not each.is_named:
            yield Finding(
                at=each.template.at("securityContext"),
                message=f"{each.container} runs as {each.user}, and nodes of {pool} give Neuron devices to the user "
                "in runAsUser, which it does not have",
                fix="set runAsUser and runAsGroup in the pod's securityContext",
            )


def _user(container: Container, template: PodTemplate) -> tuple[str, bool]:
    """Return which user other than root a container runs as, and whether it is named; empty for root and unknown."""
    own: Mapping[str, Any] = mapping(container.value, "securityContext")
    pod: Mapping[str, Any] = mapping(template.spec, "securityContext")
    user = own.get("runAsUser", pod.get("runAsUser"))
    if user is not None:
        return (f"user {user}" if user != 0 else ""), True
    non_root = own.get("runAsNonRoot", pod.get("runAsNonRoot"))
    return ("the image's user, which is not root" if non_root is True else ""), False


def _owned_by_the_user(user_data: object) -> bool | None:
    """Return whether a node's devices go to the user of the pod; None where the settings cannot be read."""
    try:
        told = parsed(user_data) if isinstance(user_data, str) else {}
    except MalformedTOML:
        return None
    return mapping(told, "settings", _OF_KUBERNETES).get(_SETTING) is True
