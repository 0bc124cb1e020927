"""Which Secrets an environment has, and who makes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from modelyard.catalog import chart_secrets
from modelyard.cluster.shapes import listed, mapping, text
from modelyard.cluster.things import Thing

EXTERNAL_SECRETS_GROUP = "external-secrets.io"


@dataclass(frozen=True)
class SecretSource:
    """What makes a Secret.

    Attributes:
        thing: The Secret itself, the ExternalSecret, SealedSecret or Certificate behind it, or what of a chart makes
            it at run time.
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
        elif thing.resource.chart:
            yield from _made_at_run_time(thing)


def _made_at_run_time(thing: Thing) -> Iterator[SecretSource]:
    """Yield the Secrets that a hook, a Job or an operator of a chart makes, where it is asked to."""
    for each in chart_secrets().get(thing.resource.chart.split()[0], ()):
        if not each.made_by(thing.kind, thing.name):
            continue
        containers = thing.entries("spec.template.spec.containers")
        if not each.argument or any(each.argument in listed(container, "args") for container in containers):
            yield SecretSource(thing, each.name, keys=each.keys)


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
