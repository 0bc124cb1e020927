"""The models of the catalogue: one folder each, found by their id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from modelyard.catalog.encoders import Encoder
from modelyard.catalog.families import task_of
from modelyard.catalog.loading import DATA, kebab, read_yaml
from modelyard.catalog.model_configs import named_scheme, shape_from_config
from modelyard.catalog.recurrences import Recurrence
from modelyard.catalog.shapes import Experts, LatentAttention, LayerGroup, ModelShape, Quantization
from modelyard.catalog.shipped import shipped
from modelyard.catalog.weight_parts import PartWeights
from modelyard.findings import At, Place, UserError


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model, with what was read and what is only believed.

    Attributes:
        id: Repository on Hugging Face, such as `Qwen/Qwen3-1.7B`.
        family: `llm`, `vlm`, `embedding`, `audio` or `diffusion`.
        license: SPDX-like name.
        gated: Whether the repository asks for consent, and how (`manual`, `auto`); None where unknown.
        parameters_billion: Parameters as published, in 10^9.
        active_parameters_billion: Parameters that one token uses.
        shape: What memory follows from; None for pipelines that vLLM does not serve.
        weights_gib: Weights as an engine loaded them or as the files weigh, in GiB; None where nobody told.
        components_billion: Parameters of each part of a pipeline, in 10^9.
        vllm: Whether the pinned vLLM has the architecture; None where unknown.
        tool_call_parser: vLLM's parser that suits the model.
        reasoning_parser: vLLM's reasoning parser that suits the model.
        chat_template: Where the chat template is.
        neuron: Whether AWS names it for vLLM on Neuron, in words.
        notes: What a reader should know.
        sources: Where the verified fields were read.
        unverified: Fields that no source showed; shown as such.
    """

    id: str
    family: str
    license: str
    gated: bool | str | None = None
    parameters_billion: float | None = None
    active_parameters_billion: float | None = None
    shape: ModelShape | None = None
    weights_gib: float | None = None
    components_billion: Mapping[str, float] | None = None
    vllm: bool | None = None
    tool_call_parser: str | None = None
    reasoning_parser: str | None = None
    chat_template: str | None = None
    neuron: str | None = None
    notes: tuple[str, ...] = ()
    sources: tuple[str, ...]
    unverified: tuple[str, ...] = ()

    def is_verified(self, field: str) -> bool:
        """Tell whether a source showed the field (its name in the data file, such as `tool-call-parser`)."""
        return field not in self.unverified


def folder_name(model_id: str) -> str:
    """Return the folder of a model: its id with the slash replaced, which file systems can hold."""
    return model_id.replace("/", "--")


def model_from_mapping(raw: Mapping[str, Any]) -> Model:
    """Return the entry that a `model.yaml` describes.

    Raises:
        pydantic.ValidationError: A field is unknown, missing or of the wrong type.
    """
    return cast(Model, _adapter().validate_python(raw))


def model_to_mapping(entry: Model) -> dict[str, Any]:
    """Return what `model.yaml` holds for an entry, defaults left out."""
    dumped = _adapter().dump_python(entry, mode="json", by_alias=True, exclude_defaults=True)
    return cast(dict[str, Any], dumped)


@cache
def _adapter() -> Any:
    # Pydantic is imported here so that commands that need no model start without it.
    from pydantic import ConfigDict, TypeAdapter

    config = ConfigDict(extra="forbid", alias_generator=kebab)
    parts = (LayerGroup, Experts, LatentAttention, Quantization, PartWeights, Recurrence, Encoder, ModelShape, Model)
    for part in parts:
        setattr(part, "__pydantic_config__", config)  # noqa: B010 - the classes do not depend on pydantic
    return TypeAdapter(Model)


def model_from_file(path: Path) -> Model:
    """Return the entry in one `model.yaml` of somebody's own.

    Raises:
        pydantic.ValidationError: A field is unknown, missing or of the wrong type.
    """
    return model_from_mapping(read_yaml(path))


def _shipped(path: Path) -> Model:
    return cast(Model, shipped(Model, read_yaml(path)))


@cache
def model(model_id: str) -> Model | None:
    """Return a model by its id, or None when the catalogue does not have it."""
    path = DATA / "models" / folder_name(model_id) / "model.yaml"
    # A file system that ignores case finds the folder of another spelling; ids do not.
    if not path.is_file():
        return None
    found = _shipped(path)
    return found if found.id == model_id else None


def models_in(folder: Path) -> Mapping[str, Model]:
    """Return the models of a folder that has one folder with a `model.yaml` each, by id.

    Raises:
        UserError: A file is no model; the message names the file and each field.
    """
    found = {}
    for path in sorted(folder.glob("*/model.yaml")):
        entry = _checked(path)
        found[entry.id] = entry
    return MappingProxyType(found)


def _checked(path: Path) -> Model:
    from pydantic import ValidationError
    from yaml import YAMLError

    place = At(Place(str(path)))
    try:
        return model_from_file(path)
    except ValidationError as cause:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in cause.errors()[:5])
        raise UserError(
            f"{path.name} is no model: {wrong}", fix="write it with modelyard catalog add", at=place
        ) from None
    except (YAMLError, UnicodeDecodeError):
        raise UserError(f"{path.name} is not YAML", fix="write it with modelyard catalog add", at=place) from None


def model_from_config(model_id: str, config: Mapping[str, Any], source: str) -> Model:
    """Return an entry for a model from its `config.json`; what the config does not tell is listed as unverified.

    Args:
        model_id: Its repository.
        config: The parsed `config.json`.
        source: Where it was read, with the revision.

    Raises:
        UserError: The config is no transformer's.
    """
    shape = shape_from_config(config)
    named = named_scheme(model_id)
    if named and shape.quantization is None and not shape.unknown_weights:
        # Checkpoints of ModelOpt may say it in hf_quant_config.json only, which vLLM reads as well.
        unread = (
            f"quantisation {named} (in the name; neither config.json nor an hf_quant_config.json beside it says how)"
        )
        shape = replace(shape, unmodelled=(*shape.unmodelled, unread))
    return Model(
        id=model_id,
        family=_family(shape),
        license="unknown",
        parameters_billion=round(shape.parameters / 1e9, 3),
        shape=shape,
        sources=(source,),
        unverified=("license", "parameters-billion"),
    )


def _family(shape: ModelShape) -> str:
    if shape.encoder_positions:
        return "audio"
    if task_of(shape.architecture) == "embed":
        return "embedding"
    return "llm" if shape.encoder_parameters == 0 else "vlm"


def model_text(entry: Model) -> str:
    """Return the text of an entry's `model.yaml`."""
    from io import StringIO

    from ruamel.yaml import YAML

    writer = YAML()
    writer.indent(mapping=2, sequence=4, offset=2)
    writer.width = 120
    out = StringIO()
    writer.dump(model_to_mapping(entry), out)
    return out.getvalue()


@cache
def models() -> Mapping[str, Model]:
    """Return every model of the catalogue by its id."""
    found = (_shipped(path) for path in sorted((DATA / "models").glob("*/model.yaml")))
    return MappingProxyType({entry.id: entry for entry in found})


def shape_from_mapping(raw: Mapping[str, Any]) -> ModelShape:
    """Return the shape that a data file of the package describes, as the `shape` part of a `model.yaml`."""
    return cast(ModelShape, shipped(ModelShape, raw))
