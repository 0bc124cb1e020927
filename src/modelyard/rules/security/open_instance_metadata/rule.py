"""Nodes whose credentials any request can fetch."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, to_set, warning
from modelyard.rules import rule
from modelyard.view import Environment


@rule("security/open-instance-metadata", warning, since="0.1.0")
def open_instance_metadata(environment: Environment) -> Iterator[Finding | NotChecked]:
    """With optional tokens, or more than one hop, pods can get the node role's credentials from instance metadata."""
    for manifest in environment.of_kind("EC2NodeClass"):
        options = manifest.mapping("spec.metadataOptions")
        tokens, hops = options.get("httpTokens", "required"), options.get("httpPutResponseHopLimit", 1)
        if tokens != "required":
            at = manifest.at("spec.metadataOptions.httpTokens")
            yield Finding(
                at=at,
                message=f"nodes of {manifest} answer metadata requests without a token (httpTokens {tokens})",
                fix="httpTokens: required",
                edits=(to_set(at, "required"),),
            )
        if isinstance(hops, int) and hops > 1 and options.get("httpEndpoint", "enabled") == "enabled":
            at = manifest.at("spec.metadataOptions.httpPutResponseHopLimit")
            yield Finding(
                at=at,
                message=f"pods on nodes of {manifest} reach the node's credentials (httpPutResponseHopLimit {hops})",
                fix="set httpPutResponseHopLimit: 1; pods get credentials from EKS Pod Identity",
                edits=(to_set(at, 1),),
            )
