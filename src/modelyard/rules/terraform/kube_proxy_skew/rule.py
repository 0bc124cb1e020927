"""kube-proxy of a version that does not go with the control plane."""

from collections.abc import Iterator

from modelyard.catalog import minor_version, oldest_kube_proxy
from modelyard.findings import Finding, error
from modelyard.rules import rule
from modelyard.view import Environment, text

_VARIABLE, _ADDON = "addon_versions", "kube-proxy"


@rule("terraform/kube-proxy-skew", error, since="0.1.0")
def kube_proxy_skew(environment: Environment) -> Iterator[Finding]:
    """kube-proxy must not be newer than the API server, and not much older."""
    terraform = environment.terraform
    if terraform is None:
        return
    pinned = text(terraform.given.get(_VARIABLE), _ADDON)
    proxy, server = minor_version(pinned), minor_version(str(environment.facts.get("kubernetes") or ""))
    if proxy is None or server is None or oldest_kube_proxy(server) <= proxy <= server:
        return
    older = "newer than" if proxy > server else "too old for"
    yield Finding(
        at=terraform.variable_at(_VARIABLE),
        message=f"kube-proxy {pinned} is {older} the control plane's Kubernetes 1.{server}; it works with "
        f"1.{oldest_kube_proxy(server)} to 1.{server}",
        fix=f"pin a version of 1.{server}, or leave {_ADDON} out: EKS then chooses",
    )
