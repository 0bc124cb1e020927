"""Admission webhooks that are called and do not answer."""

from __future__ import annotations

from collections.abc import Iterable

from modelyard.rehearsal.api import ServedKind, object_path
from modelyard.rehearsal.control_plane import ControlPlane

_KIND = ServedKind("validatingwebhookconfigurations", False)
_API_VERSION = "admissionregistration.k8s.io/v1"


def silence(plane: ControlPlane, groups: Iterable[str]) -> None:
    """Have the API server ask a webhook about every object of some groups that nobody serves."""
    for group in groups:
        configuration = {
            "apiVersion": _API_VERSION,
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": _name(group)},
            "webhooks": [
                {
                    "name": f"rehearsal.{group}",
                    "admissionReviewVersions": ["v1"],
                    "sideEffects": "None",
                    "failurePolicy": "Fail",
                    "timeoutSeconds": 1,
                    "clientConfig": {"service": {"namespace": "nowhere", "name": "nobody", "path": "/validate"}},
                    "rules": [
                        {
                            "apiGroups": [group],
                            "apiVersions": ["*"],
                            "resources": ["*"],
                            "operations": ["CREATE", "UPDATE"],
                        }
                    ],
                }
            ],
        }
        plane.api.request("POST", object_path(_KIND, _API_VERSION, ""), configuration)


def answer(plane: ControlPlane, groups: Iterable[str]) -> None:
    """Have the API server ask nobody any more."""
    for group in groups:
        plane.api.request("DELETE", object_path(_KIND, _API_VERSION, "", _name(group)))


def _name(group: str) -> str:
    return f"rehearsal-{group.replace('.', '-')}"
