"""Facts about hardware, models and engines; typed, sourced, dated.

Everything is read from the package's data when it is first asked for. A fact that nobody showed is None or listed as
unverified, and a name that the data do not have gives None: what cannot be looked up is not checked, never guessed.
"""

from modelyard.catalog.api_resources import api_resources, api_verbs
from modelyard.catalog.argocd import argocd_options, argocd_rbac, argocd_words
from modelyard.catalog.aws_actions import aws_actions
from modelyard.catalog.aws_conditions import arn_shapes, condition_keys, condition_operators
from modelyard.catalog.aws_names import AwsName, AwsNameKind, AwsNames, aws_names
from modelyard.catalog.aws_rights import AwsRights, aws_rights
from modelyard.catalog.chart_accounts import ChartAccount, chart_accounts
from modelyard.catalog.chart_ports import ChartPort, chart_ports
from modelyard.catalog.chart_secrets import ChartSecret, chart_secrets
from modelyard.catalog.charts import Chart, ChartKey, UnknownKey, chart, chart_versions
from modelyard.catalog.components import (
    Component,
    ComponentChart,
    component_depths,
    component_from_mapping,
    component_problems,
)
from modelyard.catalog.devices import Device, device, devices
from modelyard.catalog.drivers import (
    Driver,
    cuda_capability,
    cuda_driver,
    cuda_of,
    first_image_for,
    neuron_families,
    neuron_kernel_tokens,
    neuron_refusal,
    neuron_sdk,
    node_driver,
)
from modelyard.catalog.engine_bases import LONGEST_NAME, UNPREFERRED, EngineBase, engine_base_from_mapping
from modelyard.catalog.engine_configs import ConfigField, EngineConfigs, engine_configs
from modelyard.catalog.engine_variables import engine_variables
from modelyard.catalog.engines import (
    Engine,
    Flag,
    engine,
    engine_versions,
    plugin_environment,
    setting_meanings,
    short_flags,
)
from modelyard.catalog.exporters import Exporter, Metric, exporter_of, exporters, metrics
from modelyard.catalog.features import Feature, feature_from_mapping, feature_problems
from modelyard.catalog.github import action_inputs, github_runners, renovate_managers
from modelyard.catalog.image_sizes import image_architectures, image_bytes
from modelyard.catalog.image_variants import ImageVariant, image_variants
from modelyard.catalog.instances import (
    Accelerator,
    InstanceStore,
    InstanceType,
    instance_type,
    instance_types,
    undescribed_types,
)
from modelyard.catalog.kubernetes_releases import karpenter_for, minor_version, oldest_kube_proxy
from modelyard.catalog.loading import Decoded
from modelyard.catalog.model_configs import shape_from_config
from modelyard.catalog.models import (
    Model,
    folder_name,
    model,
    model_from_config,
    model_from_mapping,
    model_text,
    model_to_mapping,
    models,
    models_in,
    shape_from_mapping,
)
from modelyard.catalog.operators import Operator, operators
from modelyard.catalog.regions import Offer, Price, PriceStatus, Region, region, regions, sources
from modelyard.catalog.removals import Removal, removal, removals
from modelyard.catalog.servers import Server, servers
from modelyard.catalog.shapes import (
    Experts,
    LatentAttention,
    LayerGroup,
    LayerKind,
    ModelShape,
    Quantization,
    QuantizedPart,
)
from modelyard.catalog.terraform_schema import LANGUAGE_BLOCKS, PROVIDER_MAJOR, TerraformArgument, terraform_arguments
from modelyard.catalog.workflow_grammar import WORKFLOW, context_properties, workflow_contexts, workflow_definition

__all__ = [
    "LANGUAGE_BLOCKS",
    "LONGEST_NAME",
    "PROVIDER_MAJOR",
    "UNPREFERRED",
    "WORKFLOW",
    "Accelerator",
    "AwsName",
    "AwsNameKind",
    "AwsNames",
    "AwsRights",
    "Chart",
    "ChartAccount",
    "ChartKey",
    "ChartPort",
    "ChartSecret",
    "Component",
    "ComponentChart",
    "ConfigField",
    "Decoded",
    "Device",
    "Driver",
    "Engine",
    "EngineBase",
    "EngineConfigs",
    "Experts",
    "Exporter",
    "Feature",
    "Flag",
    "ImageVariant",
    "InstanceStore",
    "InstanceType",
    "LatentAttention",
    "LayerGroup",
    "LayerKind",
    "Metric",
    "Model",
    "ModelShape",
    "Offer",
    "Operator",
    "Price",
    "PriceStatus",
    "Quantization",
    "QuantizedPart",
    "Region",
    "Removal",
    "Server",
    "TerraformArgument",
    "UnknownKey",
    "action_inputs",
    "api_resources",
    "api_verbs",
    "argocd_options",
    "argocd_rbac",
    "argocd_words",
    "arn_shapes",
    "aws_actions",
    "aws_names",
    "aws_rights",
    "chart",
    "chart_accounts",
    "chart_ports",
    "chart_secrets",
    "chart_versions",
    "component_depths",
    "component_from_mapping",
    "component_problems",
    "condition_keys",
    "condition_operators",
    "context_properties",
    "cuda_capability",
    "cuda_driver",
    "cuda_of",
    "device",
    "devices",
    "engine",
    "engine_base_from_mapping",
    "engine_configs",
    "engine_variables",
    "engine_versions",
    "exporter_of",
    "exporters",
    "feature_from_mapping",
    "feature_problems",
    "first_image_for",
    "folder_name",
    "github_runners",
    "image_architectures",
    "image_bytes",
    "image_variants",
    "instance_type",
    "instance_types",
    "karpenter_for",
    "metrics",
    "minor_version",
    "model",
    "model_from_config",
    "model_from_mapping",
    "model_text",
    "model_to_mapping",
    "models",
    "models_in",
    "neuron_families",
    "neuron_kernel_tokens",
    "neuron_refusal",
    "neuron_sdk",
    "node_driver",
    "oldest_kube_proxy",
    "operators",
    "plugin_environment",
    "region",
    "regions",
    "removal",
    "removals",
    "renovate_managers",
    "servers",
    "setting_meanings",
    "shape_from_config",
    "shape_from_mapping",
    "short_flags",
    "sources",
    "terraform_arguments",
    "undescribed_types",
    "workflow_contexts",
    "workflow_definition",
]
