"""The server's words, read as places and reasons."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard.rehearsal.api import Answer
from modelyard.rehearsal.objections import Objection, located, objections
from modelyard.rendering import Path

POD: dict[str, Any] = {
    "metadata": {"name": "a", "labels": {"app.kubernetes.io/name": "b"}},
    "spec": {
        "containers": [
            {"name": "other"},
            {
                "name": "vllm",
                "resources": {"limits": {"nvidia.com/gpu": 1}},
                "ports": [{"containerPort": 8000, "protocol": "TCP"}],
            },
        ],
        "finalizers": ["x", "y"],
    },
}
VLLM = ("spec", "containers", 1)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("spec.containers[1].image", (*VLLM, "image")),
        ('.spec.containers[name="vllm"].imag', (*VLLM, "imag")),
        ("spec.containers[1].resources.limits[nvidia.com/gpu]", (*VLLM, "resources", "limits", "nvidia.com/gpu")),
        (".spec.containers[1].resources.limits.nvidia.com/gpu", (*VLLM, "resources", "limits", "nvidia.com/gpu")),
        ('.spec.containers[name="vllm"].ports[containerPort=8000,protocol="TCP"].x', (*VLLM, "ports", 0, "x")),
        ("metadata.labels.app.kubernetes.io/name", ("metadata", "labels", "app.kubernetes.io/name")),
        ('.spec.finalizers[="y"]', ("spec", "finalizers", 1)),
        ('.spec.containers[name="gone"].image', ("spec", "containers")),
        ("<nil>", ()),
        ("", ()),
    ],
)
def test_places_are_found_in_the_object(text: str, path: Path) -> None:
    assert located(text, POD) == path


def refusal(message: str, causes: list[dict[str, str]] | None = None) -> list[Objection]:
    return objections(Answer(422, {"message": message, "details": {"causes": causes}}), POD)


def test_causes_come_before_the_text() -> None:
    said = refusal("Pod is invalid", [{"field": "spec.containers[1].image", "message": "Required value"}])
    assert said == [Objection((*VLLM, "image"), "Required value")]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "failed to create typed patch object (m/a; apps/v1, Kind=Deployment): .spec.replica: field not declared",
            [Objection(("spec", "replica"), "field not declared")],
        ),
        (
            "failed to create typed patch object (m/a; v1, Kind=Pod): errors:\n"
            '  .spec.containers[name="vllm"].imag: field not declared in schema\n'
            "  .spec.node: field not declared in schema",
            [
                Objection((*VLLM, "imag"), "field not declared in schema"),
                Objection(("spec", "node"), "field not declared in schema"),
            ],
        ),
        (
            'strict decoding error: unknown field "spec.limit", unknown field "metadata.nme"',
            [
                Objection(("spec", "limit"), 'unknown field "spec.limit"'),
                Objection(("metadata", "nme"), 'unknown field "metadata.nme"'),
            ],
        ),
        (
            "json: cannot unmarshal array into Go struct field ObjectMeta.name of type string",
            [Objection(("metadata", "name"), "cannot read array as string")],
        ),
        (
            'pods "a" is forbidden: violates PodSecurity "restricted:latest": privileged',
            [Objection((), 'violates PodSecurity "restricted:latest": privileged')],
        ),
    ],
)
def test_reasons_are_read_out_of_prose(message: str, expected: list[Objection]) -> None:
    assert refusal(message) == expected
