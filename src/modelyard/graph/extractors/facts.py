"""What is said outside of rendered resources: by the environment's facts, charts' values and Terraform."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.findings import Address
from modelyard.graph.edges import Definition, End, ObjectRef, Reference
from modelyard.graph.extractors.aws import aws
from modelyard.graph.extractors.context import Context
from modelyard.rendering import Path
from modelyard.repository import FileAddress
from modelyard.view.environment import Environment
from modelyard.view.terraform import Terraform

# Where charts that work on one cluster are told its name.
CLUSTER_NAMES = {
    "karpenter": "settings.clusterName",
    "aws-load-balancer-controller": "clusterName",
    "aws-cloudwatch-metrics": "clusterName",
}


_VARIABLE = "cluster_name"


class _Facts:
    """The file with an environment's facts as an end."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def at(self, path: Path = ()) -> FileAddress:
        return FileAddress(self._environment.repository.files, self._environment.folder.facts_file, path)


def facts(environment: Environment, context: Context) -> Iterator[Definition | Reference]:
    """Yield the cluster's name wherever it is said, Karpenter's queue, and what Terraform makes."""
    name = environment.facts.get("cluster")
    if isinstance(name, str) and name:
        yield Definition(End(ObjectRef("cluster", name), _Facts(environment), ("cluster",)))
        yield from _clusters(environment)
    unread = "" if environment.terraform is not None else "Terraform"
    for values in environment.chart_values:
        source = ObjectRef("chart values", values.source.chart, values.application.name)
        path = CLUSTER_NAMES.get(values.source.chart)
        said = values.get(path) if path else None
        if path and isinstance(said, str) and said:
            end = End(source, values, tuple(path.split(".")))
            yield Reference("works on", end, ObjectRef("cluster", said), elsewhere="" if name else environment.name)
        queue = values.get("settings.interruptionQueue") if values.source.chart == "karpenter" else None
        if isinstance(queue, str) and queue:
            end = End(source, values, ("settings", "interruptionQueue"))
            yield Reference("listens to", end, ObjectRef("aws_sqs_queue", queue), elsewhere=unread)
    if environment.terraform is not None:
        yield from aws(environment.terraform, context)


class _Variables:
    """The file with an environment's variables of Terraform as an end."""

    def __init__(self, terraform: Terraform) -> None:
        self._terraform = terraform

    def at(self, path: Path = ()) -> Address:
        return self._terraform.variable_at(str(path[0]))


def _clusters(environment: Environment) -> Iterator[Reference]:
    """Yield the cluster's name in Terraform's variables, and in what Karpenter tags its nodes with."""
    terraform = environment.terraform
    said = terraform.given.get(_VARIABLE) if terraform is not None else None
    if terraform is not None and isinstance(said, str) and said:
        source = ObjectRef("Terraform variables", terraform.variables_file)
        yield Reference("works on", End(source, _Variables(terraform), (_VARIABLE,)), ObjectRef("cluster", said))
    for manifest in environment.of_kind("EC2NodeClass"):
        for key, value in manifest.mapping("spec.tags").items():
            if str(key).endswith("/cluster") and isinstance(value, str) and value:
                source = ObjectRef(manifest.kind, manifest.name)
                yield Reference("tags for", End(source, manifest, ("spec", "tags", key)), ObjectRef("cluster", value))
