"""The typed view of one environment: workloads, pools, services, applications, and who names whom."""

from modelyard.cluster.answers import how_to_bring, how_to_bring_pool, recorded_answers
from modelyard.cluster.application_sets import UntoldError, made_by
from modelyard.cluster.applications import Application, Source, own_folder, sources
from modelyard.cluster.environment import Environment
from modelyard.cluster.expressions import Expression, Selector, dashboards, expressions
from modelyard.cluster.generators import GitGenerator, git_generators
from modelyard.cluster.graph.edges import Edge, End, Node, State
from modelyard.cluster.graph.index import Graph
from modelyard.cluster.isolation import Isolation, isolations
from modelyard.cluster.labels import Labelled, differing, selects, set_by_manifests, written_labels
from modelyard.cluster.models import VERSION_LABEL, Model, version_in
from modelyard.cluster.nodes import (
    OF_AUTO_MODE,
    NodeRequirement,
    admits,
    alternatives,
    pool_requirements,
    requirements,
    selected_pools,
)
from modelyard.cluster.overlays import overlay_facts
from modelyard.cluster.pools import AUTO_MODE, NODE_CLASSES, Pool, Taint, tolerates
from modelyard.cluster.projects import Project
from modelyard.cluster.quantities import quantity, seconds
from modelyard.cluster.ray import ServeApplication, serve_applications
from modelyard.cluster.scopes import NATIVE_GROUPS, is_namespaced
from modelyard.cluster.secrets import SecretSource
from modelyard.cluster.services import Service
from modelyard.cluster.settings import EngineSettings, Setting, engine_settings, is_location
from modelyard.cluster.shapes import entries, listed, mapping, numbered, text
from modelyard.cluster.terraform import Block, LineAddress, Terraform, TerraformReader, association
from modelyard.cluster.things import Thing, things
from modelyard.cluster.triton import runs_triton
from modelyard.cluster.values import ChartValues
from modelyard.cluster.waves import IGNORED_HEALTH, Requirement, Waves
from modelyard.cluster.workflows import Workflow, every_workflow, workflows
from modelyard.cluster.workloads import ACCELERATORS, Container, PodTemplate, Workload, called_service, workload

__all__ = [
    "ACCELERATORS",
    "AUTO_MODE",
    "IGNORED_HEALTH",
    "NATIVE_GROUPS",
    "NODE_CLASSES",
    "OF_AUTO_MODE",
    "VERSION_LABEL",
    "Application",
    "Block",
    "ChartValues",
    "Container",
    "Edge",
    "End",
    "EngineSettings",
    "Environment",
    "Expression",
    "GitGenerator",
    "Graph",
    "Isolation",
    "Labelled",
    "LineAddress",
    "Model",
    "Node",
    "NodeRequirement",
    "PodTemplate",
    "Pool",
    "Project",
    "Requirement",
    "SecretSource",
    "Selector",
    "ServeApplication",
    "Service",
    "Setting",
    "Source",
    "State",
    "Taint",
    "Terraform",
    "TerraformReader",
    "Thing",
    "UntoldError",
    "Waves",
    "Workflow",
    "Workload",
    "admits",
    "alternatives",
    "association",
    "called_service",
    "dashboards",
    "differing",
    "engine_settings",
    "entries",
    "every_workflow",
    "expressions",
    "git_generators",
    "how_to_bring",
    "how_to_bring_pool",
    "is_location",
    "is_namespaced",
    "isolations",
    "listed",
    "made_by",
    "mapping",
    "numbered",
    "overlay_facts",
    "own_folder",
    "pool_requirements",
    "quantity",
    "recorded_answers",
    "requirements",
    "runs_triton",
    "seconds",
    "selected_pools",
    "selects",
    "serve_applications",
    "set_by_manifests",
    "sources",
    "text",
    "things",
    "tolerates",
    "version_in",
    "workflows",
    "workload",
    "written_labels",
]
