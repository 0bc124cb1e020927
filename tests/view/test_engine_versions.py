"""Which version of an engine a model runs, by its image, and what a model in Triton is told."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from modelyard.view import version_in
from tests.repositories.edits import apply_edits
from tests.view.test_models import served

MODEL_JSON = "overlays/llama-3-2-1b-instruct-triton-vllm-gpu/model.json"
VERSIONS = "environments/dev/versions/kustomization.yaml"


@pytest.mark.parametrize(
    ("tag", "version"),
    [
        ("v0.33.0", "0.33.0"),
        ("0.24.0.1.1.0-neuronx-py313-sdk2.32.0-ubuntu24.04", "0.24.0"),
        ("0.16.0-neuronx-py312-sdk2.31.1-ubuntu24.04", "0.16.0"),
        ("0.27.1-gpu-py312-cu130-ubuntu22.04-ec2", "0.27.1"),
        ("26.07-vllm-python-py3", None),
        ("latest", None),
    ],
)
def test_a_version_is_read_from_a_tag(tag: str, version: str | None) -> None:
    assert version_in(tag) == version


@pytest.fixture
def other_engines(bases: Mapping[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(bases["other-engines"], tmp_path / "other-engines", symlinks=True))


def test_a_model_in_triton_is_read_from_its_model_repository(other_engines: Path) -> None:
    model = served(other_engines, "triton")
    assert (model.settings.model, model.settings.tensor_parallel_size) == ("meta-llama/Llama-3.2-1B-Instruct", 1)
    assert model.settings.file == MODEL_JSON and not model.settings.problem
    assert model.engine_version == "0.24.0", "what the base says of this Triton"


def test_of_another_triton_the_version_of_the_engine_is_unknown(other_engines: Path) -> None:
    apply_edits(other_engines, {"replace": {VERSIONS: {"26.07-vllm-python-py3": "26.09-vllm-python-py3"}}})
    assert served(other_engines, "triton").engine_version is None


def test_a_model_repository_that_is_no_mapping_is_a_gap(other_engines: Path) -> None:
    (other_engines / MODEL_JSON).write_text("[]\n")
    assert served(other_engines, "triton").settings.problem == f"{MODEL_JSON} is not a mapping"
