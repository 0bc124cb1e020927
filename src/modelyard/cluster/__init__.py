"""The typed view of one environment: workloads, pools, services, applications, and who names whom."""

from modelyard.cluster.applications import Application, Source, own_folder, sources
from modelyard.cluster.environment import Environment
from modelyard.cluster.models import Model, version_in
from modelyard.cluster.pools import Pool, Taint, tolerates
from modelyard.cluster.settings import EngineSettings, Setting, engine_settings
from modelyard.cluster.things import Thing, things
from modelyard.cluster.workloads import ACCELERATORS, Container, PodTemplate, Workload, workload

__all__ = [
    "ACCELERATORS",
    "Application",
    "Container",
    "EngineSettings",
    "Environment",
    "Model",
    "PodTemplate",
    "Pool",
    "Setting",
    "Source",
    "Taint",
    "Thing",
    "Workload",
    "engine_settings",
    "own_folder",
    "sources",
    "things",
    "tolerates",
    "version_in",
    "workload",
]
