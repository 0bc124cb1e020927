"""Secrets that pods need and nobody makes."""

from collections.abc import Iterator
from typing import Any

from modelyard.catalog import chart_secrets
from modelyard.findings import Address, Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of
from modelyard.view import Environment, PodTemplate, SecretSource, listed, mapping, numbered, text


@rule("secrets/unknown-secret", error, since="0.1.0", absence="object")
def unknown_secret(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A container whose Secret, or key of a Secret, does not exist never starts."""
    for namespace, templates in environment.pods_by_namespace.items():
        sources: dict[str, list[SecretSource]] = {}
        for source in environment.secret_sources:
            if source.everywhere or environment.namespace_of(source.manifest) == namespace:
                sources.setdefault(source.name, []).append(source)
        for template in templates:
            for name, key, at in _references(template):
                yield from _judge(environment, namespace, template, sources, name, key, at)


def _judge(
    environment: Environment,
    namespace: str,
    template: PodTemplate,
    sources: dict[str, list[SecretSource]],
    name: str,
    key: str,
    at: tuple[Address, Address],
) -> Iterator[Finding | NotChecked]:
    made = sources.get(name, [])
    keys: set[str] = set()
    for source in made:
        if source.keys is None:
            return
        keys |= source.keys
    if not made:
        elsewhere = environment.unrendered_in(namespace)
        if elsewhere:
            yield NotChecked(template, f"{elsewhere} may create Secret {name}")
            return
        if _may_make_secrets(environment, namespace, template):
            chart = template.manifest.resource.chart
            yield NotChecked(template, f"chart {chart} may create Secrets, and {name} may be one of them")
            return
        yield Finding(
            at=at[0],
            message=f"{template} need Secret {name}, which nothing creates in namespace {namespace}",
            fix=f"use {nearest(name, sources) or one_of(sources)}, or add an ExternalSecret that creates it",
        )
    elif key and key not in keys:
        yield Finding(
            at=at[1],
            message=f"{template} need the key {key} of Secret {name}, but {made[0].manifest} creates {one_of(keys)}",
            fix=f"use the key {nearest(key, keys) or one_of(keys)}",
        )


def _may_make_secrets(environment: Environment, namespace: str, template: PodTemplate) -> bool:
    """Return whether a chart of which nobody knows what it makes lets an account of its own make Secrets there."""
    chart = template.manifest.resource.chart
    if not chart or chart.split()[0] in chart_secrets():
        return False
    application = environment.application_by_name.get(template.manifest.application)
    for manifest in application.resources if application is not None else ():
        reaches = manifest.kind == "ClusterRole" or (
            manifest.kind == "Role" and environment.namespace_of(manifest) == namespace
        )
        if reaches and any(_lets_make_secrets(each) for each in manifest.entries("rules")):
            return True
    return False


def _lets_make_secrets(rights: dict[str, Any]) -> bool:
    groups, resources, verbs = (set(listed(rights, field)) for field in ("apiGroups", "resources", "verbs"))
    return bool({"", "*"} & groups and {"secrets", "*"} & resources and {"create", "*"} & verbs)


def _references(template: PodTemplate) -> Iterator[tuple[str, str, tuple[Address, Address]]]:
    """Yield each Secret, and key where one is named, that a pod cannot start without, with the address of both."""
    for container in template.containers:
        for index, each in numbered(container.value, "env"):
            reference = mapping(each, "valueFrom", "secretKeyRef")
            if reference.get("name") and not reference.get("optional"):
                path: tuple[str | int, ...] = ("env", index, "valueFrom", "secretKeyRef")
                at = (container.at(*path, "name"), container.at(*path, "key"))
                yield str(reference["name"]), str(reference.get("key") or ""), at
        for index, each in numbered(container.value, "envFrom"):
            reference = mapping(each, "secretRef")
            if reference.get("name") and not reference.get("optional"):
                place = container.at("envFrom", index, "secretRef", "name")
                yield str(reference["name"]), "", (place, place)
    if "headGroupSpec" in template.path:
        manifest = template.manifest
        base = (*template.path[: template.path.index("headGroupSpec")], "gcsFaultToleranceOptions")
        for field in ("redisUsername", "redisPassword"):
            below = (*base, field, "valueFrom", "secretKeyRef")
            reference = manifest.mapping(below)
            if reference.get("name") and not reference.get("optional"):
                ends = (manifest.at((*below, "name")), manifest.at((*below, "key")))
                yield str(reference["name"]), str(reference.get("key") or ""), ends
    for index, each in numbered(template.spec, "imagePullSecrets"):
        if text(each, "name"):
            place = template.at("imagePullSecrets", index, "name")
            yield text(each, "name"), "", (place, place)
    for index, volume in numbered(template.spec, "volumes"):
        secret = mapping(volume, "secret")
        if secret.get("secretName") and not secret.get("optional"):
            name = str(secret["secretName"])
            place = template.at("volumes", index, "secret", "secretName")
            yield name, "", (place, place)
            for number, item in numbered(secret, "items"):
                yield (
                    name,
                    str(item.get("key") or ""),
                    (place, template.at("volumes", index, "secret", "items", number, "key")),
                )
