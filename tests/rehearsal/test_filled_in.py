"""What a definition fills into lists keeps Argo CD from ever seeing an object as synced."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from modelyard.rehearsal.filled_in import filled_in
from modelyard.schemas import SchemaBundle

DEFINITION: dict[str, Any] = {
    "spec": {
        "versions": [
            {
                "name": "v1",
                "schema": {
                    "openAPIV3Schema": {
                        "properties": {
                            "spec": {
                                "properties": {
                                    "plain": {"type": "array", "items": {"type": "object"}},
                                    "keyed": {
                                        "type": "array",
                                        "x-kubernetes-list-type": "map",
                                        "x-kubernetes-list-map-keys": ["name"],
                                        "items": {"properties": {"inner": {"type": "array"}}},
                                    },
                                    "ports": {
                                        "type": "array",
                                        "x-kubernetes-list-type": "map",
                                        "x-kubernetes-list-map-keys": ["port", "protocol"],
                                        "items": {"type": "object"},
                                    },
                                }
                            }
                        }
                    }
                },
            }
        ]
    }
}


def found(sent: dict[str, Any], answered: dict[str, Any]) -> list[tuple[str | int, ...]]:
    """Return the places for two specs."""
    return list(
        filled_in(DEFINITION, {"apiVersion": "a.example/v1", "spec": sent}, {"spec": answered, "status": {"plain": 1}})
    )


@pytest.mark.parametrize(
    ("sent", "answered", "expected"),
    [
        ({"plain": [{"a": 1}]}, {"plain": [{"a": 1, "b": 2}]}, [("spec", "plain", 0, "b")]),
        ({"plain": [{"a": {"x": 1}}]}, {"plain": [{"a": {"x": 1, "y": 2}}]}, [("spec", "plain", 0, "a", "y")]),
        ({"plain": [{"a": 1}]}, {"plain": [{"a": 1}]}, []),
        ({"plain": [{"a": 1}]}, {"plain": [{"a": 1}], "other": 3}, []),
        ({"keyed": [{"name": "a"}]}, {"keyed": [{"name": "b", "c": 1}, {"name": "a", "c": 1}]}, []),
        (
            {"keyed": [{"name": "a", "inner": [{"x": 1}]}]},
            {"keyed": [{"name": "a", "inner": [{"x": 1, "y": 2}]}]},
            [("spec", "keyed", 0, "inner", 0, "y")],
        ),
        ({"ports": [{"port": 1}]}, {"ports": [{"port": 1, "protocol": "TCP"}]}, [("spec", "ports", 0, "protocol")]),
        ({"ports": [{"port": 1, "protocol": "TCP"}]}, {"ports": [{"port": 1, "protocol": "TCP", "name": "a"}]}, []),
    ],
)
def test_only_lists_without_keys_and_keys_count(
    sent: dict[str, Any], answered: dict[str, Any], expected: list[tuple[str | int, ...]]
) -> None:
    assert found(sent, answered) == expected


def test_a_monitor_without_an_action() -> None:
    definition = SchemaBundle().definition("monitoring.coreos.com/v1", "ServiceMonitor")
    assert definition is not None
    rule = {"sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "node"}
    sent = {
        "apiVersion": "monitoring.coreos.com/v1",
        "spec": {"selector": {}, "endpoints": [{"port": "metrics", "relabelings": [rule]}]},
    }
    answered = copy.deepcopy(sent)
    answered["spec"]["endpoints"][0]["relabelings"][0]["action"] = "replace"  # type: ignore[index]
    assert list(filled_in(definition, sent, answered)) == [("spec", "endpoints", 0, "relabelings", 0, "action")]
