"""Network policies that keep pods from the rights that they were given."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rendering import Path
from modelyard.rules import rule
from modelyard.view import (
    Environment,
    Isolation,
    Manifest,
    association,
    called_service,
    entries,
    isolations,
    mapping,
    numbered,
)

AGENT = "169.254.170.23"
"""Where the EKS Pod Identity Agent answers on every node."""

_AGENT_PORT, _HTTPS = 80, 443
_LINK_LOCAL = "169.254."


@rule("network/cloud-access-denied", error, since="0.1.0")
def cloud_access_denied(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Pods that cannot reach the Pod Identity agent or AWS cannot use the permissions of their role."""
    terraform = environment.terraform
    blocks = terraform.resources("aws_eks_pod_identity_association") if terraform is not None else ()
    given = {association(block) for block in blocks}
    for isolation in isolations(environment, "Egress").values():
        template = isolation.template
        account = str(template.spec.get("serviceAccountName") or "default")
        if (environment.namespace_of(template.manifest), account) not in given or template.spec.get("hostNetwork"):
            continue
        agent, cloud = isolation.admits(_AGENT_PORT, address=AGENT), isolation.admits(_HTTPS)
        calls = called_service(template)
        if not agent and (calls or _means_agent(isolation)):
            policy, path = _nearest(isolation, _AGENT_PORT)
            yield Finding(
                at=policy.at(path),
                message=f"{template} run as {account}, which has a role, but no network policy allows egress to the "
                f"Pod Identity agent at {AGENT}:{_AGENT_PORT}",
                fix=f"allow egress to {AGENT}/32, port {_AGENT_PORT}",
            )
        if not cloud and calls:
            policy, path = _nearest(isolation, _HTTPS)
            yield Finding(
                at=policy.at(path),
                message=f"{template} run as {account}, which has a role, but no network policy allows egress to "
                f"{calls} on port {_HTTPS}",
                fix=f"allow egress to port {_HTTPS} of AWS's addresses",
            )


def _means_agent(isolation: Isolation) -> bool:
    """Return whether a policy lets out to a link-local address: nothing else is asked there than the agent."""
    return any(
        str(mapping(peer, "ipBlock").get("cidr", "")).startswith(_LINK_LOCAL)
        for policy in isolation.policies
        for rule_ in policy.entries("spec.egress")
        for peer in entries(rule_, "to")
    )


def _nearest(isolation: Isolation, port: int) -> tuple[Manifest, Path]:
    """Return the policy, and the place in it, that is probably meant for a connection."""
    fallback: tuple[Manifest, Path] | None = None
    for policy in isolation.policies:
        for index, rule_ in numbered(policy.value, "spec", "egress"):
            addresses = {
                number: str(mapping(peer, "ipBlock").get("cidr", ""))
                for number, peer in numbered(rule_, "to")
                if "ipBlock" in peer
            }
            blocks = list(addresses)
            ports = [each.get("port") for each in entries(rule_, "ports")]
            local = any(address.startswith(_LINK_LOCAL) for address in addresses.values())
            if blocks and ports == [port]:
                return policy, ("spec", "egress", index, "to", blocks[0], "ipBlock", "cidr")
            if blocks and ports and local == (port == _AGENT_PORT):
                fallback = policy, ("spec", "egress", index, "ports", 0, "port")
    if fallback is not None:
        return fallback
    named = [each for each in isolation.policies if each.has("spec.egress")]
    policy = (named or list(isolation.policies))[0]
    return policy, ("spec", "egress") if policy.has("spec.egress") else ("spec", "podSelector")
