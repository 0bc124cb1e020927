"""What is planned for: a model as an environment serves it, with the facts that its speed follows from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelyard.catalog import ModelShape
from modelyard.findings import UserError
from modelyard.placement import Placement, placement_by_template
from modelyard.sizing import device_resource, known_model, variables
from modelyard.sizing.engine_defaults import parsed_version
from modelyard.view import Environment, ServedModel, is_location, title_of

WHOLE_GPU = "nvidia.com/gpu"


@dataclass(frozen=True, slots=True)
class Subject:
    """A model that can be planned for.

    Attributes:
        environment: The environment.
        model: The model as served.
        shape: Its shape.
        version: The engine's version.
        placement: Where its pods can run.
        flags: Flags of the engine by name.
        variables: Environment variables of the engine.
        notes: What the estimate leaves out of account, in sentences without a final stop.
    """

    environment: Environment
    model: ServedModel
    shape: ModelShape
    version: str
    placement: Placement
    flags: Mapping[str, Any]
    variables: Mapping[str, str]
    notes: tuple[str, ...] = ()

    @property
    def parsed_version(self) -> tuple[int, ...] | None:
        """Return the engine's version as numbers."""
        return parsed_version(self.version)

    @property
    def region(self) -> str:
        """Return the region of the environment; empty where it names none."""
        return str(self.environment.facts.get("region") or "")

    @property
    def folder(self) -> str:
        """Return the model's folder in the repository."""
        return f"environments/{self.environment.name}/models/{self.model.application.name}"


def subject_of(environment: Environment, name: str) -> Subject:
    """Return a model of an environment with what its speed follows from.

    Raises:
        UserError: There is no such model, or nothing is estimated for it; the message says why.
    """
    model = next((each for each in environment.models if each.name == name), None)
    if model is None:
        names = ", ".join(each.name for each in environment.models) or "none"
        raise UserError(
            f"{environment.name} has no model {name}",
            fix=f"models there: {names}; add one with modelyard model add, and plan then",
        )
    reason, fix = not_estimated(environment, model)
    if reason:
        raise UserError(f"{name} in {environment.name} is not estimated: {reason}", fix=fix)
    found = subject_or_none(environment, model)
    if found is None:
        raise UserError(f"{name} in {environment.name} is not estimated", fix="modelyard fit says what is missing")
    return found


def subject_or_none(environment: Environment, model: ServedModel) -> Subject | None:
    """Return a model with what its speed follows from; None where nothing is estimated for it."""
    if not_estimated(environment, model)[0]:
        return None
    entry = known_model(model.container.manifest.repository.files, model.settings.model_id)
    if entry is None or entry.shape is None or model.engine_version is None:
        return None
    notes = []
    if entry.shape.encoder_parameters != 0:
        notes.append("images are not estimated: prompts are counted as text")
    return Subject(
        environment,
        model,
        entry.shape,
        model.engine_version,
        placement_by_template(environment)[model.template],
        dict(model.settings),
        variables(model),
        tuple(notes),
    )


def not_estimated(environment: Environment, model: ServedModel) -> tuple[str, str]:
    """Return why nothing is estimated for a model, and what to do; both empty where something is."""
    settings = model.settings
    if model.engine.core != "vllm" or not model.engine.is_sized:
        return f"the speed of {model.engine.title} is not modelled, that of vLLM is", ""
    asked = device_resource(model.container)
    if asked is None:
        return "its container asks for no GPU", ""
    if not asked[0].startswith("nvidia.com/"):
        return "vLLM on Neuron has no published measurements", "measure it with `vllm bench serve`"
    if asked[0] != WHOLE_GPU:
        return f"it runs on {asked[0]}, and shares of a GPU are not modelled", "plan it on whole GPUs"
    if settings.problem:
        return settings.problem, ""
    if not settings.model or is_location(settings.model_id):
        return "which model it serves is not said", "modelyard fit says what to do"
    flags = dict(settings)
    for flag, what in _UNMODELLED.items():
        if flags.get(flag) not in (None, False, "", 1, "1"):
            return f"{what} is not modelled ({flag} is set)", "leave it out to plan without"
    if model.workload.kind not in ("Deployment", "StatefulSet"):
        return f"it runs over several nodes or groups of pods ({model.workload.kind}), which is not modelled", ""
    try:
        entry = known_model(model.container.manifest.repository.files, settings.model_id)
    except UserError as error:
        return error.message, error.fix
    if entry is None or entry.shape is None:
        return (
            f"the shape of {settings.model_id} is not in the catalogue",
            f"modelyard catalog add {settings.model_id} --config config.json",
        )
    if entry.shape.encodes_only or entry.family in ("embedding", "audio"):
        return "it generates no text, and only that is modelled", ""
    if entry.shape.unknown_weights:
        return f"its weights are not known: {', '.join(entry.shape.unknown_weights)}", ""
    if model.engine_version is None or parsed_version(model.engine_version) is None:
        return (
            f"the version of {title_of(model.engine.core)} is not known",
            "name it under engine-versions in modelyard.yaml",
        )
    placement = placement_by_template(environment)[model.template]
    if placement.unknown:
        return f"it is not known where its pods run: {placement.unknown}", "modelyard place says more"
    return "", ""


_UNMODELLED = {
    "speculative-config": "speculative decoding",
    "enable-lora": "a model with LoRA adapters",
    "kv-transfer-config": "prefill and decode apart, or a cache that is moved,",
    "pipeline-parallel-size": "pipeline parallelism",
    "data-parallel-size": "data parallelism",
    "decode-context-parallel-size": "context parallelism",
    "cpu-offload-gb": "weights in the pod's memory",
    "enforce-eager": "running without CUDA graphs",
}
"""Flags whose effect on speed is not modelled, and what they switch on."""
