"""What a feature needs of an environment."""

from __future__ import annotations

from modelyard.catalog import Feature, feature_problems

FEATURES = {
    "neuron-scheduler": Feature("neuron-scheduler", "x", ("vllm-neuron",), needs=("neuron-scheduler",)),
    "api-key": Feature("api-key", "x", ("vllm-neuron",)),
    "public-endpoint": Feature("public-endpoint", "x", ("vllm-neuron",), needs=("api-key",)),
}


def test_a_feature_does_not_meet_the_need_for_the_component_of_its_name() -> None:
    chosen = ["neuron-scheduler"]
    assert feature_problems(chosen, FEATURES, "vllm-neuron", ["karpenter"]) == [
        "neuron-scheduler needs neuron-scheduler in the environment"
    ]
    assert feature_problems(chosen, FEATURES, "vllm-neuron", ["neuron-scheduler"]) == []


def test_a_feature_meets_the_need_of_another() -> None:
    assert feature_problems(["public-endpoint"], FEATURES, "vllm-neuron", []) == [
        "public-endpoint needs the feature api-key"
    ]
    assert feature_problems(["api-key", "public-endpoint"], FEATURES, "vllm-neuron", []) == []
