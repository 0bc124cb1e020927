"""Which Secrets an environment has, and who makes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from modelyard.cluster.shapes import mapping, text
from modelyard.cluster.things import Thing

EXTERNAL_SECRETS_GROUP = "external-secrets.io"


@dataclass(frozen=True)
class SecretSource:
    """What makes a Secret.

    Attributes:
        thing: The Secret itself, or the ExternalSecret, SealedSecret or Certificate behind it.
        name: The Secret's name.
        everywhere: Whether it may be made in any namespace.
        keys: The keys that it holds; None where they are only known to the provider.
    """

    thing: Thing
    name: str
    everywhere: bool = False
    keys: frozenset[str] | None = None


def secret_sources(things: Iterable[Thing]) -> Iterator[SecretSource]:
    """Yield what makes Secrets among resources."""
    for thing in things:
        if thing.group == "" and thing.kind == "Secret":
            keys = {*thing.mapping("data"), *thing.mapping("stringData")}
            yield SecretSource(thing, thing.name, keys=frozenset(keys))
        elif thing.group == EXTERNAL_SECRETS_GROUP and thing.kind == "ExternalSecret":
            name = str(thing.get("spec.target.name", thing.name))
            yield SecretSource(thing, name, keys=_external_keys(thing, ("spec",)))
        elif thing.group == EXTERNAL_SECRETS_GROUP and thing.kind == "ClusterExternalSecret":
            spec = ("spec", "externalSecretSpec")
            name = thing.get((*spec, "target", "name")) or thing.get("spec.externalSecretName", thing.name)
            yield SecretSource(thing, str(name), everywhere=True, keys=_external_keys(thing, spec))
        elif thing.group == "bitnami.com" and thing.kind == "SealedSecret":
            keys = {*thing.mapping("spec.encryptedData"), *thing.mapping("spec.template.data")}
            yield SecretSource(thing, str(thing.get("spec.template.metadata.name", thing.name)), keys=frozenset(keys))
        elif thing.group == "cert-manager.io" and thing.kind == "Certificate":
            yield SecretSource(thing, str(thing.get("spec.secretName", "")))


def _external_keys(thing: Thing, spec: tuple[str, ...]) -> frozenset[str] | None:
    template = thing.mapping((*spec, "target", "template"))
    if template.get("templateFrom"):
        return None
    templated = mapping(template, "data")
    if templated and template.get("mergePolicy") != "Merge":
        return frozenset(templated)
    if thing.get((*spec, "dataFrom")):
        return None
    keys = {text(each, "secretKey") for each in thing.entries((*spec, "data"))} - {""}
    return frozenset({*keys, *templated})
