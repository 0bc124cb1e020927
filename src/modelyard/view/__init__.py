"""The typed view of one environment: workloads, pools, services, applications."""

from modelyard.view.admission import NAMESPACE_NAME, Peer, admits_peer, namespace_labels
from modelyard.view.answers import component_about, how_to_bring, how_to_bring_pool, recorded_answers
from modelyard.view.application_sets import UnresolvableGeneratorError, generated_by
from modelyard.view.applications import Application, Source, own_folders, sources
from modelyard.view.engines import VERSION_LABEL, ServingEngine, exporters_in, metric_prefixes, title_of, version_in
from modelyard.view.environment import CLASS_OF_EKS, KUBE_SYSTEM, Environment
from modelyard.view.expressions import (
    DASHBOARD_LABEL,
    Expression,
    Selector,
    dashboard_at,
    dashboards,
    expressions,
    panels,
    queries,
)
from modelyard.view.generators import GitGenerator, git_generators
from modelyard.view.isolation import Isolation, isolations
from modelyard.view.labels import (
    OPERATOR_LABELS,
    LabelIndex,
    differing,
    selector_set_by_manifests,
    selects,
    set_by_manifests,
    written_labels,
    written_selector,
)
from modelyard.view.listeners import (
    Caller,
    Listener,
    callers,
    listener,
    port_number,
    probes,
    services_by_template,
)
from modelyard.view.manifests import Manifest, manifests
from modelyard.view.models import ServedModel
from modelyard.view.nodes import (
    OF_AUTO_MODE,
    NodeRequirement,
    admits,
    alternatives,
    pool_requirements,
    requirements,
    selected_pools,
)
from modelyard.view.overlays import overlay_facts
from modelyard.view.pools import AUTO_MODE, NODE_CLASSES, Pool, Taint, tolerates
from modelyard.view.projects import Project
from modelyard.view.quantities import quantity, seconds
from modelyard.view.ray import ServeApplication, serve_applications
from modelyard.view.result_labels import Labels, LostLabel, recorded_labels, result_labels
from modelyard.view.scopes import NATIVE_GROUPS, is_namespaced
from modelyard.view.secrets import SecretSource
from modelyard.view.services import Service
from modelyard.view.settings import DeclaredSettings, Setting, declared_settings, is_location
from modelyard.view.shapes import entries, listed, mapping, numbered, text, texts_in
from modelyard.view.terraform import Block, LineAddress, Terraform, TerraformReader, association
from modelyard.view.uploads import uploads
from modelyard.view.values import ChartValues
from modelyard.view.workflows import Workflow, every_workflow, needed_jobs, workflows
from modelyard.view.workloads import ACCELERATORS, Container, PodTemplate, Workload, called_service, workload

__all__ = [
    "ACCELERATORS",
    "AUTO_MODE",
    "CLASS_OF_EKS",
    "DASHBOARD_LABEL",
    "KUBE_SYSTEM",
    "NAMESPACE_NAME",
    "NATIVE_GROUPS",
    "NODE_CLASSES",
    "OF_AUTO_MODE",
    "OPERATOR_LABELS",
    "VERSION_LABEL",
    "Application",
    "Block",
    "Caller",
    "ChartValues",
    "Container",
    "DeclaredSettings",
    "Environment",
    "Expression",
    "GitGenerator",
    "Isolation",
    "LabelIndex",
    "Labels",
    "LineAddress",
    "Listener",
    "LostLabel",
    "Manifest",
    "NodeRequirement",
    "Peer",
    "PodTemplate",
    "Pool",
    "Project",
    "SecretSource",
    "Selector",
    "ServeApplication",
    "ServedModel",
    "Service",
    "ServingEngine",
    "Setting",
    "Source",
    "Taint",
    "Terraform",
    "TerraformReader",
    "UnresolvableGeneratorError",
    "Workflow",
    "Workload",
    "admits",
    "admits_peer",
    "alternatives",
    "association",
    "called_service",
    "callers",
    "component_about",
    "dashboard_at",
    "dashboards",
    "declared_settings",
    "differing",
    "entries",
    "every_workflow",
    "exporters_in",
    "expressions",
    "generated_by",
    "git_generators",
    "how_to_bring",
    "how_to_bring_pool",
    "is_location",
    "is_namespaced",
    "isolations",
    "listed",
    "listener",
    "manifests",
    "mapping",
    "metric_prefixes",
    "namespace_labels",
    "needed_jobs",
    "numbered",
    "overlay_facts",
    "own_folders",
    "panels",
    "pool_requirements",
    "port_number",
    "probes",
    "quantity",
    "queries",
    "recorded_answers",
    "recorded_labels",
    "requirements",
    "result_labels",
    "seconds",
    "selected_pools",
    "selector_set_by_manifests",
    "selects",
    "serve_applications",
    "services_by_template",
    "set_by_manifests",
    "sources",
    "text",
    "texts_in",
    "title_of",
    "tolerates",
    "uploads",
    "version_in",
    "workflows",
    "workload",
    "written_labels",
    "written_selector",
]
