"""Network-policy peers that the environment's own labels were written into."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rendering import Path, Sources
from modelyard.rendering.paths import counterpart
from modelyard.repository import Repository
from modelyard.rules import rule
from modelyard.view import Application, Environment, Manifest, mapping, numbered


@rule("kustomize/selector-in-policy-peer", error, since="0.1.0")
def selector_in_policy_peer(environment: Environment) -> Iterator[Finding | NotChecked]:
    """`includeSelectors` adds a model's labels to the peers of its NetworkPolicies, which then match no other pod."""
    for application in environment.applications:
        if application.repository is None or application.target is None:
            continue
        pairs = _selector_labels(application.repository, application.target)
        if not pairs:
            continue
        for manifest in application.own_resources:
            if manifest.kind == "NetworkPolicy":
                yield from _peers(manifest, pairs, application)


def _selector_labels(repository: Repository, target: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for layer in repository.kustomizations.tree(target).layers:
        common = layer.content.get("commonLabels")
        listed = [each for each in layer.entries("labels") if isinstance(each, dict) and each.get("includeSelectors")]
        for pairs in [common, *(each.get("pairs") for each in listed)]:
            if isinstance(pairs, dict):
                found.update({str(key): str(value) for key, value in pairs.items()})
    return found


def _peers(manifest: Manifest, pairs: dict[str, str], application: Application) -> Iterator[Finding]:
    for direction, field in (("ingress", "from"), ("egress", "to")):
        for number, entry in enumerate(manifest.entries(("spec", direction))):
            for index, peer in numbered(entry, field):
                for selector in ("podSelector", "namespaceSelector"):
                    path = ("spec", direction, number, field, index, selector, "matchLabels")
                    labels = mapping(peer, selector, "matchLabels")
                    for key in sorted(labels):
                        if str(labels[key]) == pairs.get(key) and not _written(manifest, (*path, key)):
                            yield Finding(
                                at=manifest.at(path, key=True),
                                message=f"{manifest} of {application} allows only peers with {key}={labels[key]}: "
                                f"includeSelectors added the model's own label to {selector}.matchLabels",
                                fix="write the peer with matchExpressions, which Kustomize does not change",
                            )


def _written(manifest: Manifest, path: Path) -> bool:
    """Return whether the policy's own text names the label, so that somebody meant it."""
    node = Sources(manifest.repository, manifest.target, manifest.resource).origin_node
    return node is not None and counterpart(node, path, manifest.value) is not None
