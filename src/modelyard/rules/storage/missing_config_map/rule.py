"""ConfigMaps that pods need and nobody makes."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.graph import Edge, State, graph
from modelyard.rules import rule
from modelyard.rules.edges import is_of_chart
from modelyard.rules.wording import nearest, one_of
from modelyard.view import Environment, listed, text

# The controller manager writes it into every namespace.
_EVERYWHERE = "kube-root-ca.crt"


@rule("storage/missing-config-map", error, since="0.1.0", absence="object")
def missing_config_map(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A container whose ConfigMap, or key of a ConfigMap, does not exist never starts."""
    told = _engine_settings(environment)
    for relation in ("mounts", "reads"):
        for edge in graph(environment).of(relation):
            wanted = edge.wanted
            if wanted.kind != "ConfigMap" or edge.reference.optional or wanted.name == _EVERYWHERE:
                continue
            if is_of_chart(environment, edge):
                continue  # a chart makes what its pods mount, or tolerates its absence
            if edge.state is State.UNKNOWN:
                yield NotChecked(_pods(edge), edge.reason.replace("bring it", f"bring {wanted}"))
            elif edge.state is State.DANGLING and (edge.source.node, wanted.name) not in told:
                yield from _finding(environment, edge)


def _finding(environment: Environment, edge: Edge) -> Iterator[Finding]:
    wanted, at = edge.wanted, edge.source.at
    if at is None:
        return
    index = graph(environment).index
    known = index.names("ConfigMap", wanted.namespace)
    if wanted.name not in known:
        missing = f"ConfigMap {wanted.name}, which nothing creates in namespace {wanted.namespace}"
        names = known
    else:
        names = {
            str(key)
            for manifest in environment.of_kind("ConfigMap", "")
            if manifest.name == wanted.name and environment.namespace_of(manifest) == wanted.namespace
            for field in ("data", "binaryData")
            for key in manifest.mapping(field)
        }
        missing = f"the key {wanted.part} of ConfigMap {wanted.name}, which has {one_of(names)}"
    what = wanted.name if wanted.name not in known else wanted.part
    yield Finding(at=at, message=f"{_pods(edge)} need {missing}", fix=f"use {nearest(what, names) or one_of(names)}")


def _pods(edge: Edge) -> str:
    return f"the pods of {edge.source.node.kind} {edge.source.node.name}"


def _engine_settings(environment: Environment) -> set[tuple[object, str]]:
    """Return who mounts which ConfigMap whose absence settings/unreadable-settings tells already."""
    found: set[tuple[object, str]] = set()
    nodes = {edge.source.holder: edge.source.node for edge in graph(environment).of("mounts")}
    for model in environment.models:
        if not model.settings.problem:
            continue
        mounted = {text(each, "name") for each in listed(model.container.value, "volumeMounts")}
        for template in model.workload.templates:
            for volume in listed(template.spec, "volumes"):
                if text(volume, "name") in mounted and model.workload.manifest in nodes:
                    found.add((nodes[model.workload.manifest], text(volume, "configMap", "name")))
    return found
