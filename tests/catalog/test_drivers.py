"""Drivers of node images against what the images of engines need."""

from __future__ import annotations

import pytest

from modelyard import catalog
from modelyard.catalog import Driver


@pytest.mark.parametrize(
    ("alias", "kind", "version", "newer"),
    [
        ("bottlerocket@v1.64.0", "neuron", "2.26.10.0", False),
        ("bottlerocket@v1.65.0", "neuron", "2.29.0.0", True),
        ("bottlerocket@v1.70.0", "neuron", "2.29.0.0", True),  # drivers do not go back
        ("bottlerocket@v1.64.0", "nvidia", "580.95.05", True),
        ("al2023@v20260714", "neuron", "2.29.0.0", False),
        ("al2023@v20260505", "nvidia", "580.126.09", False),
    ],
)
def test_the_driver_of_a_node_image(alias: str, kind: str, version: str, newer: bool) -> None:
    assert catalog.node_driver(alias, kind) == Driver(kind, version, newer)


@pytest.mark.parametrize(
    "alias", ["bottlerocket@v1.40.0", "bottlerocket@latest", "al2023@v20990101", "al2@v20260714", ""]
)
def test_a_driver_that_was_not_read_is_unknown(alias: str) -> None:
    assert catalog.node_driver(alias, "neuron" if "v1.40" in alias else "nvidia") is None


@pytest.mark.parametrize(
    ("sdk", "alias", "wanted"),
    [
        ("2.28", "bottlerocket@v1.64.0", ""),
        ("2.28", "bottlerocket@v1.65.0", "need runtime 2.33"),
        ("2.30", "bottlerocket@v1.64.0", "needs driver 2.27"),
        ("2.30", "bottlerocket@v1.65.0", "need runtime 2.33"),
        ("2.31", "bottlerocket@v1.64.0", "needs driver 2.27"),
        ("2.31", "bottlerocket@v1.65.0", ""),
        ("2.32", "al2023@v20260714", ""),
        ("2.30", "al2023@v20260610", ""),
    ],
)
def test_runtime_and_driver_refuse_each_other_in_both_directions(sdk: str, alias: str, wanted: str) -> None:
    driver = catalog.node_driver(alias, "neuron")
    assert driver is not None
    said = catalog.neuron_refusal(sdk, driver)
    assert said is not None and (wanted in said if wanted else said == "")


def test_what_is_not_known_of_neuron_is_not_said() -> None:
    assert catalog.neuron_refusal("2.99", Driver("neuron", "2.29.0.0")) is None
    assert catalog.neuron_refusal("2.31", Driver("neuron", "2.20.0.0", or_newer=True)) is None
    assert catalog.neuron_sdk("0.16.0-neuronx-py312-sdk2.31.1-ubuntu24.04") == "2.31"
    assert catalog.neuron_sdk("v0.33.0") is None
    assert catalog.neuron_families("0.16.0") == ("inf2", "trn1", "trn2", "trn3")
    assert catalog.neuron_families("0.24.0") == ("trn2", "trn3")
    assert catalog.neuron_families("0.1.0") == ()


@pytest.mark.parametrize(
    ("image", "tag", "vllm", "cuda"),
    [
        ("vllm/vllm-openai", "v0.33.0", "0.33.0", 13),
        ("vllm/vllm-openai", "v0.16.0", "0.16.0", 12),
        ("vllm/vllm-openai", "v0.24.0-cu129", "0.24.0", 12),
        ("rayproject/ray-llm", "2.56.0-py312-cu130", None, 13),
        ("mirror.example.com/vllm/vllm-openai", "v0.20.0", "0.20.0", 13),
        ("nvcr.io/nvidia/tritonserver", "26.07-vllm-python-py3", None, None),
        ("vllm/vllm-openai", "v0.6.2", "0.6.2", None),
    ],
)
def test_cuda_of_an_image(image: str, tag: str, vllm: str | None, cuda: int | None) -> None:
    assert catalog.cuda_of(image, tag, vllm) == cuda


def test_a_branch_of_a_driver_is_older_than_the_next_and_not_than_its_own() -> None:
    assert Driver("nvidia", "535").older_than("580.65.06") is True
    assert Driver("nvidia", "580").older_than("580.65.06") is None
    assert Driver("nvidia", "580").older_than("525.60.13") is False
    assert Driver("nvidia", "580.159.03").older_than("580.65.06") is False
