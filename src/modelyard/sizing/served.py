"""Whether the models of an environment fit the devices that their pods can land on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from modelyard.catalog import Device, ModelShape
from modelyard.findings import UserError
from modelyard.placement import Placement, Sharing, placement_by_template, plugin_configurations
from modelyard.rendering import split_image
from modelyard.repository import derived
from modelyard.repository.json import MalformedJSON, parsed
from modelyard.sizing.changes import Change, changes_that_fit
from modelyard.sizing.cpu_serving import unsized
from modelyard.sizing.eligible_devices import EligibleDevice, device_resource, eligible_devices, unknown_devices
from modelyard.sizing.engine_defaults import parsed_version
from modelyard.sizing.fit import Assessment, FitVerdict, assess
from modelyard.sizing.measured import MeasuredBudget
from modelyard.sizing.measurements import Measurement, measured_for, measurements
from modelyard.sizing.neuron import NeuronBudget, neuron_budget
from modelyard.sizing.pipelines import component_sizes_gib
from modelyard.sizing.settings import effective_settings
from modelyard.sizing.team_models import known_model
from modelyard.view import Environment, Pool, ServedModel, entries, is_location, title_of

NAMING = frozenset({"served-model-name"})
"""Flags that only name a deployment: by them, deployments that are alike would be assessed each for itself."""
_WORST_FIRST = (FitVerdict.DOES_NOT_FIT, FitVerdict.UNSURE, FitVerdict.TIGHT, FitVerdict.FITS)


@dataclass(frozen=True, slots=True)
class DeviceFit:
    """How a model fits one kind of device.

    Attributes:
        eligible: The device, and the instance types that have it.
        assessment: The budget of a rank with its verdict.
    """

    eligible: EligibleDevice
    assessment: Assessment


@dataclass(frozen=True, slots=True)
class CoreFit:
    """How a model fits the NeuronCores of one kind of device.

    Attributes:
        eligible: The device, and the instance types that have it.
        budget: The budget of a core with its verdict.
    """

    eligible: EligibleDevice
    budget: NeuronBudget


@dataclass(frozen=True, slots=True)
class Fit:
    """How a model of an environment fits.

    Attributes:
        model: The model as served.
        shape: Its shape; None when it is not known.
        devices: Every kind of GPU that its pods can land on, the one that fits worst first.
        cores: The same for Neuron devices.
        gap: Why nothing could be said; empty when something could.
        fix: What would make it checkable.
    """

    model: ServedModel
    shape: ModelShape | None = None
    devices: tuple[DeviceFit, ...] = ()
    cores: tuple[CoreFit, ...] = ()
    gap: str = ""
    fix: str = ""

    @property
    def worst(self) -> DeviceFit | None:
        """Return the GPU on which the model fits worst; None when nothing could be said, or it takes none."""
        return self.devices[0] if self.devices else None

    @property
    def verdict(self) -> FitVerdict | None:
        """Return the verdict that holds wherever the pods land; None when nothing could be said."""
        if self.cores:
            return self.cores[0].budget.verdict
        return self.devices[0].assessment.verdict if self.devices else None

    def fitting(self) -> Iterator[DeviceFit]:
        """Yield the devices on which the model fits."""
        return (each for each in self.devices if each.assessment.verdict is FitVerdict.FITS)


@derived
def fits(environment: Environment) -> tuple[Fit, ...]:
    """Return how each model of an environment fits: those that are served, then those of Jobs."""
    configurations = plugin_configurations(environment)
    placement_of = placement_by_template(environment)
    return tuple(
        fit_of(model, placement_of[model.template], environment.pools, configurations)
        for model in (*environment.models, *environment.offline_models)
    )


def fit_of(
    model: ServedModel,
    placement: Placement,
    pools: Iterable[Pool],
    configurations: Mapping[str, Any] = MappingProxyType({}),
) -> Fit:
    """Return how one model fits.

    Args:
        model: The model as served.
        placement: Where its pods can run.
        pools: The NodePools of its environment.
        configurations: Configurations of NVIDIA's device plugin by name.
    """
    files = model.container.manifest.repository.files
    settings = model.settings
    if not model.engine.is_sized:
        return Fit(model, gap=unsized(model))
    if settings.problem:
        return Fit(model, gap=settings.problem)
    if not settings.model:
        return Fit(model, gap="the engine is not told which model to load", fix="set model in its settings file")
    if is_location(settings.model_id):
        return Fit(
            model,
            gap=f"which model lies at {settings.model_id} is not said",
            fix="put its id beside the settings: literals [model=ORGANISATION/MODEL] of their configMapGenerator",
        )
    try:
        entry = known_model(files, settings.model_id)
        logs = measurements(files, settings.model_id)
    except UserError as error:
        return Fit(model, gap=error.message, fix=error.fix)
    if entry is not None and entry.components_billion:
        weights = ", ".join(f"{name} {size:.1f}" for name, size in component_sizes_gib(entry).items())
        return Fit(
            model,
            gap=f"{entry.id} is a pipeline, whose weights alone are known (GiB, 16 bits): {weights}",
            fix=f"modelyard fit --model-id {entry.id} --device DEVICE holds them against one device",
        )
    if entry is None or entry.shape is None:
        return Fit(
            model,
            gap=f"the shape of {settings.model_id} is not in the catalogue",
            fix=f"modelyard catalog add {settings.model_id} --config config.json",
        )
    version = model.engine_version
    if version is None or parsed_version(version) is None:
        image = split_image(model.container.image)[0]
        return Fit(
            model,
            entry.shape,
            gap=f"the version of {title_of(model.engine.core)} in {model.container.image or 'the image'} is not known",
            fix=f"name the version of {image} under engine-versions in modelyard.yaml",
        )
    if device_resource(model.container) is None:
        return Fit(
            model, entry.shape, gap="its container asks for no GPU and no Neuron device; others are not modelled"
        )
    if placement.unknown:
        return Fit(model, entry.shape, gap=f"it is not known where its pods run: {placement.unknown}")
    places = eligible_devices(placement, model.container, pools, configurations)
    if not places and (unknown := unknown_devices(placement)):
        return Fit(model, entry.shape, gap=f"nothing is known about {', '.join(unknown)}, on which its pods may run")
    if not places:
        return Fit(
            model, entry.shape, gap="no node with devices takes its pods", fix="modelyard place says why of each pool"
        )
    if places[0].device.kind == "neuron":
        cores = [CoreFit(place, _core_budget(model, version, entry.shape, place.device)) for place in places]
        cores.sort(key=lambda each: (_WORST_FIRST.index(each.budget.verdict), each.budget.core_gib))
        return Fit(model, entry.shape, cores=tuple(cores))
    found = [DeviceFit(place, _assessed(model, version, entry.shape, place, logs)) for place in places]
    found.sort(key=lambda each: (_WORST_FIRST.index(each.assessment.verdict), each.assessment.budget.margin_gib))
    return Fit(model, entry.shape, tuple(found))


def changes_for(fit: Fit, each: DeviceFit) -> tuple[Change, ...]:
    """Return the single changes of settings after which a model fits one device, the one that costs least first."""
    if fit.shape is None or fit.model.engine_version is None or each.assessment.verdict is FitVerdict.FITS:
        return ()
    return changes_that_fit(
        each.assessment,
        fit.model.settings,
        fit.model.engine_version,
        fit.shape,
        total_gib=each.eligible.total_gib,
        environment=variables(fit.model),
    )


def variables(model: ServedModel) -> dict[str, str]:
    """Return the environment variables of the engine's container that have a plain value."""
    return {
        str(each["name"]): str(each["value"])
        for each in entries(model.container.value, "env")
        if "name" in each and isinstance(each.get("value"), str)
    }


def _core_budget(model: ServedModel, version: str, shape: ModelShape, device: Device) -> NeuronBudget:
    settings = effective_settings(model.settings, version, shape, device, environment=variables(model))
    return neuron_budget(shape, settings, device)


def _draft(model: ServedModel) -> ModelShape | None:
    """Return the shape of what drafts tokens beside a model; None where nothing does, or where it is not known."""
    config = model.settings.get("speculative-config")
    if isinstance(config, str):
        try:
            config = parsed(config)
        except MalformedJSON:
            return None
    named = config.get("model") if isinstance(config, dict) else None
    if not isinstance(named, str) or named == model.settings.model:
        return None
    try:
        entry = known_model(model.container.manifest.repository.files, named)
    except UserError:
        return None
    return entry.shape if entry is not None else None


def _assessed(
    model: ServedModel, version: str, shape: ModelShape, place: EligibleDevice, logs: tuple[Measurement, ...]
) -> Assessment:
    flags = json.dumps({name: value for name, value in model.settings.items() if name not in NAMING}, default=str)
    told = tuple(sorted((name, value) for name, value in variables(model).items() if name.startswith("VLLM_")))
    return _assessment(flags, version, shape, place.device, place.total_gib, told, logs, place.sharing, _draft(model))


@lru_cache(maxsize=8192)
def _assessment(
    flags: str,
    version: str,
    shape: ModelShape,
    device: Device,
    total_gib: float | None,
    told: tuple[tuple[str, str], ...],
    logs: tuple[Measurement, ...],
    sharing: Sharing,
    draft: ModelShape | None,
) -> Assessment:
    """Return the assessment of one distinct deployment; many models of a repository are the same one."""
    read = json.loads(flags)
    environment = dict(told)
    measured: MeasuredBudget | None = None
    if logs:
        settings = effective_settings(
            read, version, shape, device, total_gib=total_gib, environment=environment, sharers=sharing.pods
        )
        measured = measured_for(logs, shape, settings, device, total_gib)
    return assess(
        read,
        version,
        shape,
        device,
        total_gib=total_gib,
        environment=environment,
        measured=measured,
        sharing=sharing,
        draft=draft,
    )
