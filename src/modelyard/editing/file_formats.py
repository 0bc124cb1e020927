"""The files that people edit, field by field; their JSON Schemas are written from here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from modelyard.catalog import LONGEST_NAME, UNPREFERRED, Flag, engine, setting_meanings
from modelyard.repository.settings import Settings
from modelyard.view import title_of

Name = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]*[a-z0-9])?$")]


def _kebab(name: str) -> str:
    return name.replace("_", "-")


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=_kebab, populate_by_name=True)


class EnvironmentFile(BaseModel):
    """Facts of one environment; facts of your own may stand beside these."""

    model_config = ConfigDict(extra="allow")

    name: Name = Field(description="Name of the environment: its folder in environments/.")
    account: str = Field(pattern=r"^[0-9]{12}$", description="AWS account of 12 digits, in quotes.")
    region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$", description="AWS region, such as us-west-2.")
    zones: list[str] = Field(min_length=2, max_length=6, description="Availability zones of the cluster.")
    cluster: Name = Field(description="Name of the EKS cluster; roles, queues and buckets are called after it.")
    kubernetes: Literal["1.35", "1.36"] = Field(description="Kubernetes version of the cluster, in quotes.")
    repository: str = Field(description="Git URL of this repository, as Argo CD reads it.")
    revision: str = Field("main", description="Branch, tag or commit that the Applications follow.")
    protected: bool | None = Field(
        None,
        description="Whether `modelyard env remove` asks for --yes; when absent, names that begin with prod are.",
    )


class ComponentsOfFeature(_File):
    """What the kustomization of a model holds as well."""

    patches: list[dict[str, Any]] = Field(default_factory=list, description="Entries of its `patches`.")
    replacements: list[dict[str, Any]] = Field(default_factory=list, description="Entries of its `replacements`.")


class EngineFile(_File):
    """One engine: the base that overlays for it build on."""

    description: str = Field(description="What it runs, on which devices, one sentence without a final stop.")
    engine: Name = Field(
        description="Whose flags its settings are, by the name in Modelyard's catalogue, such as vllm."
    )
    version: str | None = Field(None, description="Version of that engine in the image, where the image's tag is none.")
    version_of: str | None = Field(None, description="What the image's tag names, for which that version was read.")
    accelerator: Literal["gpu", "neuron", "cpu"] = Field(description="Kind of its devices.")
    workload: str = Field(description="Kind of the workload that runs it.")
    container: str = Field(description="Name of its container.")
    settings: str = Field(description="Name of the settings file of an overlay.")
    images: list[str] = Field(min_length=1, description="Names of its images, which versions/ tags.")
    port: int = Field(ge=1, le=65535, description="Port of its API.")
    metrics: str = Field(description="Path of its metrics.")
    health: str | None = Field(None, description="Path of its health, where it is another than /health.")
    provides: list[Name] = Field(description="What is true of it, in words of bases/serving/capabilities.yaml.")
    preference: int = Field(
        UNPREFERRED, description="Place among engines that serve a model equally well; the lowest is tried first."
    )
    longest_name: int = Field(LONGEST_NAME, description="Most characters of a model's name.")
    frameworks: list[str] = Field(
        default_factory=list, description="What inference-charts calls what it replaces; for `modelyard import`."
    )
    needs: list[Name] = Field(description="Platform components.")
    environment: ComponentsOfFeature | None = Field(None, description="What the model's kustomization holds as well.")


class FeatureFile(_File):
    """One feature: a Kustomize Component that a model may switch on."""

    description: str = Field(description="What it does, one sentence without a final stop.")
    requires: list[str] = Field(
        description="What an engine must have: words of bases/serving/capabilities.yaml, a kind of device, an image."
    )
    workloads: list[str] = Field(
        default_factory=list, description="Kinds of workload that it changes or copies from; absent for none."
    )
    needs: list[Name] = Field(description="Platform components, and features that must be on beside it.")
    excludes: list[Name] = Field(description="Features that cannot be on beside it.")
    images: list[str] = Field(default_factory=list, description="Names of the images that it brings.")
    assumes: list[str] = Field(
        default_factory=list, description="What must be there that no folder of this repository brings."
    )
    follows: Literal["addresses", "nodes", "replicas", "storage", "zones"] | None = Field(
        None, description="What of an environment it follows, so that `modelyard promote` leaves it where it is."
    )
    asks: dict[str, str] = Field(
        default_factory=dict,
        description="What only a person knows, by name, with an example; `modelyard feature on --value NAME=VALUE`.",
    )
    environment: ComponentsOfFeature | None = Field(None, description="What the model's kustomization holds as well.")


class ChartOfComponent(_File):
    """The chart of a component."""

    name: str = Field(description="Name of the chart in its repository.")
    repository: str = Field(description="Address of the chart repository; without a scheme for an OCI registry.")
    path: str | None = Field(None, description="Folder of the chart, where the repository is one of Git.")
    version: str = Field(description="Version of the chart.")
    app_version: str = Field(description="Version of what it installs.")
    source: str = Field(description="Where the version was read.")
    values_read_at: str | None = Field(None, description="Version whose values were read, where it is another.")
    release: str | None = Field(None, description="Name of the Helm release; the component's when absent.")
    skip_crds: bool = Field(False, description="Whether another component brings its definitions.")


class OutputOfTerraform(_File):
    """An output of Terraform, and where an environment keeps it."""

    output: str = Field(description="Name of the output; dots lead to its fields.")
    file: str = Field("kustomization.yaml", description="File in the component's folder of the environment.")
    literal: str | None = Field(None, description="Literal of the ConfigMap terraform-outputs.")
    path: str | None = Field(None, description="Keys to a value of the file, with dots between.")


class ComponentFile(_File):
    """One component of the platform."""

    description: str = Field(description="What it does, one sentence without a final stop.")
    namespace: str = Field(description="Where its Application delivers what names no namespace.")
    namespaces: list[str] = Field(default_factory=list, description="Further namespaces that its objects go to.")
    install: Literal["always", "default", "choice"] = Field("choice", description="Which environments have it.")
    chart: ChartOfComponent | None = Field(None, description="Its chart; absent where it is manifests alone.")
    version: str | None = Field(None, description="Version of what the manifests run.")
    source: str | None = Field(None, description="Where that version was read.")
    needs: list[Name] = Field(default_factory=list, description="Components that come before it.")
    after: list[Name] = Field(default_factory=list, description="Components that come before it where they are there.")
    excludes: list[Name] = Field(default_factory=list, description="Components that cannot be there as well.")
    stands_for: list[Name] = Field(
        default_factory=list, description="Components in whose place it is for engines that need them."
    )
    answers: dict[str, str | bool] = Field(
        default_factory=dict, description="What an environment must answer to have it, by question."
    )
    pools: dict[Name, dict[str, str | bool]] = Field(
        default_factory=dict,
        description="Node pools that it can bring, each with what an environment must answer to have it.",
    )
    secrets: dict[str, str] = Field(
        default_factory=dict,
        description="What it reads from AWS Secrets Manager: what each holds, by the last part of the secret's name.",
    )
    terraform_outputs: list[OutputOfTerraform] = Field(
        default_factory=list, description="What `modelyard env sync` writes into an environment's files."
    )


class OverlayFile(_File):
    """What an overlay serves."""

    description: str = Field(description="What it serves, one sentence without a final stop.")
    model: str = Field(description="Id of the model, such as Qwen/Qwen3-32B.")
    revision: str | None = Field(
        None, pattern="^[0-9a-f]{40}$", description="Commit of the model's repository that is served, where known."
    )
    engine: Name = Field(description="Folder of bases/serving.")
    accelerator: Literal["gpu", "neuron", "cpu"] = Field(description="Kind of its devices.")
    devices: int = Field(ge=0, description="Devices of one replica, over all its nodes.")
    nodes: int | None = Field(None, ge=1, description="Nodes of one replica, where it spans several.")
    task: str = Field(description="What callers ask of it, such as generate or embed.")
    license: str = Field(description="Licence of the model.")
    gated: bool = Field(description="Whether the model's repository asks for consent.")
    weights_gb: float = Field(gt=0, description="Size of the weights in 10^9 bytes; the start-up budget follows.")
    gb_per_second: float | None = Field(None, gt=0, description="Download that the budget counts on.")
    compile_seconds: int | None = Field(None, ge=0, description="Time for compiling that the budget counts on.")
    karpenter_choice: str | None = Field(None, description="Choice of bases/platform/karpenter that brings its pool.")
    unsure: str | None = Field(None, description="What is not known, and why it is offered all the same.")
    requires: list[Name] = Field(description="Features that must be on.")
    assumes: list[str] = Field(default_factory=list, description="What must be there that nothing here brings.")
    sources: list[str] = Field(description="Where the facts were read.")
    unverified: list[str] = Field(description="Fields that no source showed.")


FILES: Mapping[str, type[BaseModel]] = {
    "modelyard": Settings,
    "environment": EnvironmentFile,
    "engine": EngineFile,
    "feature": FeatureFile,
    "component": ComponentFile,
    "overlay": OverlayFile,
}
"""The formats by the name of their schema."""


def schema_of(name: str) -> dict[str, Any]:
    """Return the JSON Schema of a format."""
    made = TypeAdapter(FILES[name]).json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


def settings_schema(version: str, name: str = "vllm") -> dict[str, Any]:
    """Return the JSON Schema of an engine's settings file for a version of which the catalogue has the flags.

    Raises:
        KeyError: The catalogue does not have the version.
    """
    known = engine(name, version)
    if known is None:
        raise KeyError(version)
    properties: dict[str, Any] = {}
    for long, flag in sorted(known.flags.items()):
        properties[long] = _flag_schema(flag.type, flag.choices, flag.default)
        if flag.known and "enum" not in properties[long]:
            properties[long]["examples"] = list(flag.known)
        if flag.type == "boolean":
            properties[f"no-{long}"] = {"type": "boolean"}
    for long, values in (
        ("tool-call-parser", known.tool_call_parsers),
        ("reasoning-parser", known.reasoning_parsers),
    ):
        if values and long in properties:
            properties[long] = {"anyOf": [{"enum": list(values)}, {"type": "string"}]}
    for long, shape in properties.items():
        shape["description"] = _meaning(long, name, version, known.flags)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Settings of {title_of(name)} {version}",
        "description": f"Flags of `vllm serve`, read by --config. Source: {known.source}",
        "type": "object",
        "properties": properties,
        "patternProperties": {r"^[a-z][a-z0-9-]*\.": True},
        "additionalProperties": False,
    }


def _meaning(long: str, name: str, version: str, flags: Mapping[str, Flag]) -> str:
    """Return what an editor shows beside a setting."""
    flag = flags.get(long)
    if flag is None:
        return f"Switches {long.removeprefix('no-')} off."
    default = "" if flag.default is None else f" Default: {flag.default}."
    meaning = setting_meanings(name).get(long, "")
    return f"{meaning}{' ' if meaning else ''}--{long} of {title_of(name)} {version}.{default}"


def _flag_schema(type: str, choices: tuple[Any, ...], default: Any) -> dict[str, Any]:
    shapes: Mapping[str, dict[str, Any]] = {
        "boolean": {"type": "boolean"},
        "int": {"type": "integer"},
        "human-int": {
            "anyOf": [{"type": "integer"}, {"type": "string", "pattern": r"^(auto|-?[0-9]+(\.[0-9]+)?[kKmMgG]?)$"}]
        },
        "float": {"type": "number"},
        "list": {"type": ["array", "string"]},
        "json": {"type": ["object", "string", "array"]},
        "boolean-or-string": {"type": ["boolean", "string", "object"]},
    }
    made = dict(shapes.get(type, {"type": ["string", "number"]}))
    if choices:
        made = {"enum": [*choices]} if type != "list" else {"type": ["array", "string"]}
    if default is not None:
        made["default"] = default
    return made
