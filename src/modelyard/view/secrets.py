"""Which Secrets an environment has, and who makes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from modelyard.catalog import chart_secrets
from modelyard.view.manifests import Manifest
from modelyard.view.shapes import listed, mapping, text

EXTERNAL_SECRETS_GROUP = "external-secrets.io"


@dataclass(frozen=True)
class SecretSource:
    """What makes a Secret.

    Attributes:
        manifest: The Secret itself, the ExternalSecret, SealedSecret or Certificate behind it, or what of a chart makes
            it at run time.
        name: The Secret's name.
        everywhere: Whether it may be made in any namespace.
        keys: The keys that it holds; None where they are only known to the provider.
    """

    manifest: Manifest
    name: str
    everywhere: bool = False
    keys: frozenset[str] | None = None


def secret_sources(manifests: Iterable[Manifest]) -> Iterator[SecretSource]:
    """Yield what makes Secrets among resources."""
    for manifest in manifests:
        if manifest.group == "" and manifest.kind == "Secret":
            keys = {*manifest.mapping("data"), *manifest.mapping("stringData")}
            yield SecretSource(manifest, manifest.name, keys=frozenset(keys))
        elif manifest.group == EXTERNAL_SECRETS_GROUP and manifest.kind == "ExternalSecret":
            name = str(manifest.get("spec.target.name", manifest.name))
            yield SecretSource(manifest, name, keys=_external_keys(manifest, ("spec",)))
        elif manifest.group == EXTERNAL_SECRETS_GROUP and manifest.kind == "ClusterExternalSecret":
            spec = ("spec", "externalSecretSpec")
            name = manifest.get((*spec, "target", "name")) or manifest.get("spec.externalSecretName", manifest.name)
            yield SecretSource(manifest, str(name), everywhere=True, keys=_external_keys(manifest, spec))
        elif manifest.group == "bitnami.com" and manifest.kind == "SealedSecret":
            keys = {*manifest.mapping("spec.encryptedData"), *manifest.mapping("spec.template.data")}
            yield SecretSource(
                manifest, str(manifest.get("spec.template.metadata.name", manifest.name)), keys=frozenset(keys)
            )
        elif manifest.group == "cert-manager.io" and manifest.kind == "Certificate":
            yield SecretSource(manifest, str(manifest.get("spec.secretName", "")))
        elif manifest.resource.chart:
            yield from _made_at_run_time(manifest)


def _made_at_run_time(manifest: Manifest) -> Iterator[SecretSource]:
    """Yield the Secrets that a hook, a Job or an operator of a chart makes, where it is asked to."""
    for each in chart_secrets().get(manifest.resource.chart.split()[0], ()):
        if not each.made_by(manifest.kind, manifest.name):
            continue
        containers = manifest.entries("spec.template.spec.containers")
        if not each.argument or any(each.argument in listed(container, "args") for container in containers):
            yield SecretSource(manifest, each.name, keys=each.keys)


def _external_keys(manifest: Manifest, spec: tuple[str, ...]) -> frozenset[str] | None:
    template = manifest.mapping((*spec, "target", "template"))
    if template.get("templateFrom"):
        return None
    templated = mapping(template, "data")
    if templated and template.get("mergePolicy") != "Merge":
        return frozenset(templated)
    if manifest.get((*spec, "dataFrom")):
        return None
    keys = {text(each, "secretKey") for each in manifest.entries((*spec, "data"))} - {""}
    return frozenset({*keys, *templated})
