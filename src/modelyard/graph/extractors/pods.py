"""Pods: accounts, classes, volumes, variables, and the nodes that they ask for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from modelyard.graph.edges import Choice, Definition, End, Lookup, ObjectRef, Reference
from modelyard.graph.extractors.context import Context
from modelyard.graph.extractors.registry import of
from modelyard.rendering import Path, written
from modelyard.view.manifests import Manifest
from modelyard.view.nodes import NodeRequirement, admits, alternatives
from modelyard.view.pools import Pool, tolerates
from modelyard.view.shapes import mapping, numbered, text
from modelyard.view.workloads import POD_KINDS, Container, PodTemplate, workload

# Charts that bring runtime classes among others.
_BRING_RUNTIME_CLASSES = ("gpu-operator", "nvidia-device-plugin")


@of(*POD_KINDS)
def pods(manifest: Manifest, context: Context) -> Iterator[Definition | Reference]:
    """Yield what pods define (labels and ports) and whom they name."""
    found = workload(manifest)
    for template in found.templates if found else ():
        namespace = context.namespace(manifest)
        labels = (*template.path, "metadata", "labels")
        yield Definition(context.end(manifest, labels), template.labels, selected_as="Pod")
        for path, name in _ports(template):
            yield Definition(context.end(manifest, path, part=f"port {name}"))
        yield from _classes(template, context, namespace)
        for index, volume in numbered(template.spec, "volumes"):
            yield from _volume(template, context, namespace, index, volume)
        for container in template.containers:
            yield from _variables(container, context, namespace)
        for index, each in numbered(template.spec, "imagePullSecrets"):
            path = (*template.spec_path, "imagePullSecrets", index, "name")
            yield _named(
                template, context, "pulls images with", path, ObjectRef("Secret", text(each, "name"), namespace)
            )
        yield from _placement(template, context)


def _ports(template: PodTemplate) -> Iterator[tuple[Path, str]]:
    for container in template.containers:
        for index, port in numbered(container.value, "ports"):
            path: Path = (*container.path, "ports", index)
            for field in ("name", "containerPort"):
                if text(port, field):
                    yield (*path, field), text(port, field)


def _named(
    template: PodTemplate | Container, context: Context, relation: str, path: Path, node: ObjectRef, **others: Any
) -> Reference:
    return Reference(relation, context.end(template.manifest, path), node, **others)


def _classes(template: PodTemplate, context: Context, namespace: str) -> Iterator[Reference]:
    spec, path = template.spec, template.spec_path
    account = text(spec, "serviceAccountName") or text(spec, "serviceAccount")
    if account and account != "default":
        node = ObjectRef("ServiceAccount", account, namespace)
        yield _named(template, context, "runs as", (*path, "serviceAccountName"), node)
    priority = text(spec, "priorityClassName")
    if priority:
        yield _named(
            template, context, "has priority", (*path, "priorityClassName"), ObjectRef("PriorityClass", priority)
        )
    runtime = text(spec, "runtimeClassName")
    if runtime:
        charts = {source.chart for each in context.environment.applications for source in each.sources}
        bringing = sorted(charts.intersection(_BRING_RUNTIME_CLASSES))
        yield _named(
            template,
            context,
            "runs under",
            (*path, "runtimeClassName"),
            ObjectRef("RuntimeClass", runtime),
            elsewhere=f"chart {bringing[0]}" if bringing else "",
        )


def _volume(
    template: PodTemplate, context: Context, namespace: str, index: int, volume: dict[str, Any]
) -> Iterator[Reference]:
    path: Path = (*template.spec_path, "volumes", index)
    claim = text(mapping(volume, "persistentVolumeClaim"), "claimName")
    if claim:
        node = ObjectRef("PersistentVolumeClaim", claim, namespace)
        yield _named(template, context, "mounts", (*path, "persistentVolumeClaim", "claimName"), node)
    holders = [(volume, path)]
    holders.extend((each, (*path, "projected", "sources", n)) for n, each in numbered(volume, "projected", "sources"))
    for holder, at in holders:
        for field, kind, name_field in (("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName")):
            source = mapping(holder, field)
            name_field = name_field if holder is volume else "name"
            name = text(source, name_field)
            if not name:
                continue
            optional = source.get("optional") is True
            node = ObjectRef(kind, name, namespace)
            yield _named(template, context, "mounts", (*at, field, name_field), node, optional=optional)
            for number, item in numbered(source, "items"):
                part = node._replace(part=text(item, "key"))
                yield _named(template, context, "mounts", (*at, field, "items", number, "key"), part, optional=optional)


def _variables(container: Container, context: Context, namespace: str) -> Iterator[Reference]:
    for index, each in numbered(container.value, "env"):
        value = mapping(each, "valueFrom")
        for field, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
            source = mapping(value, field)
            if text(source, "name"):
                node = ObjectRef(kind, text(source, "name"), namespace, text(source, "key"))
                yield _named(
                    container,
                    context,
                    "reads",
                    (*container.path, "env", index, "valueFrom", field, "key"),
                    node,
                    optional=source.get("optional") is True,
                    slot=f"{text(each, 'name')} of {written(container.path)}",
                )
    for index, each in numbered(container.value, "envFrom"):
        for field, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
            source = mapping(each, field)
            if text(source, "name"):
                path = (*container.path, "envFrom", index, field, "name")
                node = ObjectRef(kind, text(source, "name"), namespace)
                yield _named(container, context, "reads", path, node, optional=source.get("optional") is True)


def _placement(template: PodTemplate, context: Context) -> Iterator[Reference]:
    pools = context.environment.pools
    elsewhere = "" if pools else "a node group"
    groups = alternatives(template)
    for demand in dict.fromkeys(each for group in groups for each in group):
        yield Reference(
            "needs nodes with",
            context.end(template.manifest, (*template.spec_path, *demand.path)),
            _pools_with(demand, pools),
            optional=len(groups) > 1,  # one of the alternatives is enough
            elsewhere=elsewhere,
        )
    for index, toleration in numbered(template.spec, "tolerations"):
        path = (*template.spec_path, "tolerations", index)
        end = context.end(template.manifest, path)
        yield Reference("tolerates", end, _pools_tainted(toleration, pools), optional=True, elsewhere=elsewhere)


def _pools_with(demand: NodeRequirement, pools: Iterable[Pool]) -> Choice:
    def choose(_: Lookup) -> Iterator[End]:
        return (End(ObjectRef("NodePool", pool.name), pool.manifest) for pool in pools if admits(pool, demand))

    return Choice(ObjectRef("node label", str(demand)), choose)


def _pools_tainted(toleration: dict[str, Any], pools: Iterable[Pool]) -> Choice:
    key, value, effect = (text(toleration, field) for field in ("key", "value", "effect"))

    def choose(_: Lookup) -> Iterator[End]:
        for pool in pools:
            for number, taint in enumerate(pool.taints):
                if tolerates([toleration], taint):
                    yield End(
                        ObjectRef("NodePool", pool.name), pool.manifest, ("spec", "template", "spec", "taints", number)
                    )

    written = f"{key or 'any'}{f'={value}' if value else ''}{f':{effect}' if effect else ''}"
    return Choice(ObjectRef("taint", written), choose)
