"""Every overlay fits the devices that it asks for, by the project's own arithmetic, wherever its pods can land."""

from __future__ import annotations

import re

import pytest

from modelyard.catalog import Device, device, model
from modelyard.sizing import (
    Assessment,
    FitVerdict,
    NeuronBudget,
    assess,
    effective_settings,
    neuron_budget,
    pipeline_budget,
)
from tests.manifests.composition import OVERLAYS, engine_pod, engine_version, names, settings, shipped
from tests.manifests.test_overlays import FLAGGED, devices, facts, types_that_hold

NAMES = names(OVERLAYS)
GPU = [name for name in FLAGGED if facts(name)["accelerator"] == "gpu"]
NEURON = [name for name in FLAGGED if facts(name)["accelerator"] == "neuron"]


def comment(overlay: str) -> str:
    """What devices.yaml says before the patch."""
    lines = (OVERLAYS / overlay / "devices.yaml").read_text().splitlines()
    return " ".join(line.removeprefix("#") for line in lines if line.startswith("#"))


def kinds_of_device(overlay: str) -> dict[str, Device]:
    """Devices of every instance type that takes the pods, by name."""
    found = {}
    for kind in types_that_hold(engine_pod(shipped(OVERLAYS / overlay))):
        assert kind.accelerator is not None
        known = device(kind.accelerator.name)
        assert known is not None, f"{kind.accelerator.name} is not in the catalogue"
        found[known.name] = known
    return found


def assessments(overlay: str) -> dict[str, Assessment]:
    told, known = settings(shipped(OVERLAYS / overlay)), model(facts(overlay)["model"])
    assert known is not None and known.shape is not None
    return {
        name: assess(told, engine_version(overlay), known.shape, each)
        for name, each in kinds_of_device(overlay).items()
    }


@pytest.mark.parametrize("overlay", [name for name in GPU if "unsure" not in facts(name)])
def test_the_model_fits_every_gpu_that_it_can_land_on(overlay: str) -> None:
    found = assessments(overlay)
    assert found
    for name, assessment in found.items():
        assert assessment.verdict in (FitVerdict.FITS, FitVerdict.TIGHT), f"{name}: {assessment.reasons}"
        assert not assessment.settings.problems
        ranks = devices(engine_pod(shipped(OVERLAYS / overlay))["containers"][0]) * facts(overlay).get("nodes", 1)
        assert assessment.settings.devices == ranks


@pytest.mark.parametrize("overlay", [name for name in GPU if "unsure" in facts(name)])
def test_an_overlay_says_why_its_fit_is_not_known(overlay: str) -> None:
    reason = facts(overlay)["unsure"]
    known = model(facts(overlay)["model"])
    assert known is not None
    if known.components_billion:
        for each in kinds_of_device(overlay).values():
            pipeline = pipeline_budget(known, each)
            assert pipeline is not None and pipeline.verdict is FitVerdict.UNSURE, "not even the weights fit"
            assert sum(pipeline.components_gib.values()) == pytest.approx(known.weights_gib, rel=0.02)
        return
    for name, assessment in assessments(overlay).items():
        assert assessment.verdict is FitVerdict.UNSURE, f"{name}: it is known, so the overlay need not say it"
        assert reason in assessment.budget.not_modelled
        assert assessment.budget.kv_available_gib > assessment.budget.kv_request_gib + assessment.budget.weights_gib / 2


@pytest.mark.parametrize("overlay", [name for name in GPU if "for the cache" in comment(name)])
def test_the_figures_in_the_comment_are_the_arithmetic_s(overlay: str) -> None:
    budget = min(assessments(overlay).values(), key=lambda each: each.budget.kv_available_gib).budget
    told = " ".join(comment(overlay).split())
    (kept,) = re.findall(r"(?:keeps|has) ([\d.]+) GiB (?:left )?for the cache", told)
    (needed,) = re.findall(r"(?:one|full) request(?: of the whole context)? needs ([\d.]+) GiB", told)
    assert float(kept) == pytest.approx(budget.kv_available_gib, abs=1.0)
    assert float(needed) == pytest.approx(budget.kv_request_gib, abs=0.1)
    for weights in re.findall(r"each(?: GPU)? holds ([\d.]+) GiB of weights", told, re.IGNORECASE):
        assert float(weights) == pytest.approx(budget.weights_gib, abs=0.3)


def neuron(overlay: str, known: Device) -> NeuronBudget:
    told, found = settings(shipped(OVERLAYS / overlay)), model(facts(overlay)["model"])
    assert found is not None and found.shape is not None
    return neuron_budget(found.shape, effective_settings(told, engine_version(overlay), found.shape, known), known)


@pytest.mark.parametrize("overlay", NEURON)
def test_the_model_fits_every_neuron_device_that_it_can_land_on(overlay: str) -> None:
    found = kinds_of_device(overlay)
    assert len(found) == 1, "what is compiled for one device does not run on another"
    for known in found.values():
        budget = neuron(overlay, known)
        assert budget.verdict is FitVerdict.FITS, budget.reasons
        assert budget.devices == facts(overlay)["devices"]
        told = " ".join(comment(overlay).split())
        (weights,) = re.findall(r"holds ([\d.]+) GiB of weights", told)
        (cache,) = re.findall(r"reserves ([\d.]+) GiB", told)
        assert float(weights) == pytest.approx(budget.weights_gib, abs=0.1)
        assert float(cache) == pytest.approx(budget.kv_gib, abs=0.1)


def test_a_model_that_does_not_fit_would_be_found() -> None:
    known, small = model("openai/gpt-oss-120b"), device("L4")
    assert known is not None and known.shape is not None and small is not None
    told = settings(shipped(OVERLAYS / "gpt-oss-120b-vllm-gpu"))
    assert assess(told, "0.33.0", known.shape, small).verdict not in (FitVerdict.FITS, FitVerdict.TIGHT)
