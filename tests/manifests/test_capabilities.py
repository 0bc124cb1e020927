"""Features require, engines provide: the words of both, and the kinds of workload that features change."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from modelyard.catalog import EngineBase, engine_base_from_mapping, feature_from_mapping
from tests.manifests.composition import BASES, WORKLOADS, engine_facts, feature_facts, load
from tests.manifests.features import ENGINE_BASES, FEATURES, KNOWN

MEANINGS = load(BASES / "serving" / "capabilities.yaml")
OF_ITSELF = {word for base in ENGINE_BASES.values() for word in (base.accelerator, *base.images)}


def patched_workloads(feature: str) -> set[str]:
    """Return the kinds of workload that a feature patches, itself or in a model's kustomization, or copies from."""
    own = load(BASES / "features" / feature / "kustomization.yaml")
    beside = feature_facts(feature).get("environment", {}).get("patches", [])
    changed = {str(patch["target"].get("kind")) for patch in [*own.get("patches", []), *beside]}
    copied = {str(each["source"]["kind"]) for each in own.get("replacements", [])}
    return (changed | copied) & set(WORKLOADS)


def test_every_word_has_a_meaning_and_is_used() -> None:
    provided = {word for base in ENGINE_BASES.values() for word in base.provides}
    required = {word for feature in KNOWN.values() for word in feature.requires} - OF_ITSELF
    assert required <= provided == set(MEANINGS)
    assert set(MEANINGS) - required == set(), "a word that nothing requires decides nothing"
    assert list(MEANINGS) == sorted(MEANINGS)
    assert not [word for word, meaning in MEANINGS.items() if meaning.endswith(".")]


def test_a_feature_says_which_workloads_it_changes() -> None:
    said = {name: set(KNOWN[name].workloads) for name in FEATURES}
    assert said == {name: patched_workloads(name) for name in FEATURES}


def test_no_feature_names_an_engine() -> None:
    assert [name for name in FEATURES if "engines" in feature_facts(name)] == []
    assert [name for name in FEATURES if not KNOWN[name].engines] == [], "a feature that is for no engine"


def test_an_engine_gets_the_features_whose_requirements_it_meets() -> None:
    """A ninth engine that takes arguments on GPUs, and has no cache that could be bounded."""
    facts = {**engine_facts("vllm"), "provides": ["engine-args", "hugging-face", "openai-api", "service-endpoint"]}
    engines: dict[str, EngineBase] = {**ENGINE_BASES, "toy": engine_base_from_mapping("toy", facts)}
    features = [name for name in FEATURES if "toy" in feature_from_mapping(name, feature_facts(name), engines).engines]
    assert features == [
        "batch-inference",
        "hf-token",
        "image-prefetch",
        "load-test",
        "same-zone",
        "scale-to-zero",
        "smoke-test",
        "spot",
        "spread-zones",
        "weights-efs",
    ]


def test_a_workload_of_another_kind_gets_what_changes_no_workload() -> None:
    facts = {**engine_facts("vllm"), "workload": "StatefulSet"}
    engines = {**ENGINE_BASES, "toy": engine_base_from_mapping("toy", yaml.safe_load(yaml.safe_dump(facts)))}
    features = [name for name in FEATURES if "toy" in feature_from_mapping(name, feature_facts(name), engines).engines]
    assert features == ["image-prefetch", "load-test", "public-endpoint", "smoke-test", "weights-copy"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("engine", None),
        ("workload", ""),
        ("provides", "gpu"),
        ("images", [1]),
        ("environment", 7),
        ("environment", "text"),
        ("preference", True),
        ("longest-name", "47"),
    ],
)
def test_an_engine_that_says_something_else_is_refused(key: str, value: Any) -> None:
    facts = {**engine_facts("vllm"), key: value}
    with pytest.raises(ValueError, match=f"{key} of engine broken is "):
        engine_base_from_mapping("broken", facts)


@pytest.mark.parametrize("key", ["environment", "asks"])
def test_a_feature_that_says_something_else_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="of feature broken should be mappings"):
        feature_from_mapping("broken", {**feature_facts("hf-token"), key: "text"}, ENGINE_BASES)
