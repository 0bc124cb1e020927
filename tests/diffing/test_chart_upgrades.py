"""What a new version of a chart with definitions means, as a comparison says it before anything is merged."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from modelyard.findings import Severity
from modelyard.tooling import find
from tests.charts import archive, cached
from tests.diffing.conftest import Changed

NAME = "karpenter-crd"
APPLICATION = "environments/dev/applications/karpenter-crd.yaml"
pytestmark = pytest.mark.skipif(
    find("modelyard-render") is None, reason="run `modelyard tools install modelyard-render`"
)


def definition(*versions: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "nodeoverlays.karpenter.sh"},
        "spec": {
            "group": "karpenter.sh",
            "scope": "Cluster",
            "names": {"kind": "NodeOverlay", "plural": "nodeoverlays", "singular": "nodeoverlay"},
            "versions": list(versions),
        },
    }


def version(name: str, fields: list[str], *, required: list[str] | None = None, stored: bool = True) -> dict[str, Any]:
    spec = {"type": "object", "properties": {each: {"type": "string"} for each in fields}, "required": required or []}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
    return {"name": name, "served": True, "storage": stored, "schema": schema}


def deployment(app: str) -> dict[str, Any]:
    labels = {"app": app}
    containers = [{"name": "c", "image": "example.com/c:1.0.0"}]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "hook", "namespace": "kube-system"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
        },
    }


def offer(changed: Changed, release: str, *objects: dict[str, Any]) -> None:
    """Put a version of the chart into the cache, and lock it."""
    files = {f"templates/{number}.yaml": yaml.safe_dump(each) for number, each in enumerate(objects)}
    digest = cached(archive(NAME, release, files=files))
    lock = {
        "version": 1,
        "charts": [{"repository": "public.ecr.aws/karpenter", "name": NAME, "version": release, "digest": digest}],
    }
    (changed.root / "charts.lock").write_text(json.dumps(lock))


@pytest.mark.slow
def test_an_upgrade_says_what_objects_lose_and_what_the_api_server_refuses(changed: Changed) -> None:
    offer(changed, "1.14.1", definition(version("v1alpha1", ["weight", "price"])), deployment("old"))
    changed.commit("with-chart")
    changed.replace(APPLICATION, "targetRevision: 1.14.1", "targetRevision: 1.15.0")
    offer(
        changed,
        "1.15.0",
        definition(version("v1", ["weight", "capacity"], required=["capacity"])),
        deployment("new"),
    )
    dev = changed.dev("with-chart")
    (upgraded,) = [each for each in dev.applications if each.name == NAME]
    said = {(each.topic, each.severity): each.message for each in upgraded.hazards}
    assert "version v1alpha1 goes, in which objects are stored" in said["definitions", Severity.ERROR]
    assert "spec.selector cannot be changed" in said["immutable", Severity.ERROR]
    # The same version with another schema.
    changed.commit("upgraded")
    changed.replace(APPLICATION, "targetRevision: 1.15.0", "targetRevision: 1.16.0")
    offer(
        changed,
        "1.16.0",
        definition(version("v1", ["capacity", "zone"], required=["capacity", "zone"])),
        deployment("new"),
    )
    (upgraded,) = [each for each in changed.dev("upgraded").applications if each.name == NAME]
    messages = [each.message for each in upgraded.hazards]
    assert any("spec.weight goes, and objects lose what they set there" in each for each in messages)
    assert any("spec.zone must be set from now on" in each for each in messages)
    # And back: the old version lacks what is stored by now.
    back = [each for each in changed.dev("upgraded..with-chart").applications if each.name == NAME]
    assert any("version v1 goes, in which objects are stored" in each.message for each in back[0].hazards)
