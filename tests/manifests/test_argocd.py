"""Argo CD's settings: who may do what, and who is told."""

from __future__ import annotations

import fnmatch
import re

import pytest
import yaml

from tests.manifests.composition import BASES, load, one, shipped

VALUES = load(BASES / "platform/argocd/values.yaml")
POLICY = [
    [field.strip() for field in line.split(",")]
    for line in VALUES["configs"]["rbac"]["policy.csv"].splitlines()
    if line.strip() and not line.startswith("#")
]


def allowed(role: str, resource: str, action: str, manifest: str) -> bool:
    """Decide as Argo CD's model does (assets/model.conf): a line allows it and none denies it, fields being globs."""
    effects = {
        line[5]
        for line in POLICY
        if line[:2] == ["p", f"role:{role}"]
        and all(
            fnmatch.fnmatchcase(asked, glob)
            for asked, glob in zip((resource, action, manifest), line[2:5], strict=True)
        )
    }
    return effects == {"allow"}


@pytest.mark.parametrize(
    ("role", "resource", "action", "target", "expected"),
    [
        ("platform", "applications", "sync", "platform/karpenter", True),
        # Git says what there is: whoever may change an Application, or override Git, may run anything.
        *(
            ("platform", "applications", verb, "models/chat", False)
            for verb in ("create", "delete", "override", "update")
        ),
        ("platform", "applications", "action/apps/StatefulSet/restart", "platform/opensearch", True),
        ("model-owner", "applications", "action/apps/Deployment/restart", "models/chat", True),
        ("model-owner", "applications", "action/apps/Deployment/restart", "platform/karpenter", False),
        ("model-owner", "applications", "override", "models/chat", False),
        ("platform", "clusters", "get", "https://kubernetes.default.svc", True),
        ("platform", "clusters", "update", "https://kubernetes.default.svc", False),
        ("platform", "exec", "create", "models/chat", False),
        ("platform", "projects", "update", "models", False),
        ("model-owner", "applications", "get", "platform/karpenter", True),
        ("model-owner", "applications", "sync", "models/chat", True),
        ("model-owner", "applications", "sync", "platform/karpenter", False),
        ("model-owner", "applications", "delete", "models/chat", False),
        ("model-owner", "logs", "get", "models/chat", True),
        ("model-owner", "logs", "get", "platform/argocd", False),
        ("reader", "applications", "get", "models/chat", True),
        ("reader", "applications", "sync", "models/chat", False),
        ("reader", "logs", "get", "models/chat", False),
        ("reader", "repositories", "get", "https://github.com/acme/my-platform.git", False),
        ("stranger", "applications", "get", "models/chat", False),
    ],
)
def test_roles(role: str, resource: str, action: str, target: str, expected: bool) -> None:
    assert allowed(role, resource, action, target) is expected


def test_every_line_of_the_policy_is_whole() -> None:
    assert len(POLICY) > 8
    assert all(len(line) == 6 and line[0] == "p" and line[5] in {"allow", "deny"} for line in POLICY)


def test_exclusions_leave_out_nothing_that_is_shipped() -> None:
    """Argo CD neither applies nor shows an excluded kind: one that a base holds would never arrive."""
    excluded = yaml.safe_load(VALUES["configs"]["cm"]["resource.exclusions"])
    assert len(excluded) > 5
    for component in sorted((BASES / "platform").glob("*/kustomization.yaml")):
        for resource in shipped(component.parent):
            group = resource["apiVersion"].rpartition("/")[0]
            for entry in excluded:
                hit = any(fnmatch.fnmatchcase(group, glob) for glob in entry["apiGroups"]) and any(
                    fnmatch.fnmatchcase(resource["kind"], glob) for glob in entry["kinds"]
                )
                assert not hit, f"{component.parent.name}: {resource['kind']} {resource['metadata']['name']}"


def test_notifications_fit_together() -> None:
    told = VALUES["notifications"]
    triggers = {name.removeprefix("trigger."): yaml.safe_load(text) for name, text in told["triggers"].items()}
    templates = {name.removeprefix("template.") for name in told["templates"]}
    assert triggers and {each for steps in triggers.values() for step in steps for each in step["send"]} == templates
    assert all(step["when"] and step["oncePer"] for steps in triggers.values() for step in steps)
    for text in told["templates"].values():
        assert set(yaml.safe_load(text)) == {"message"}
    secret = one(shipped(BASES / "platform/argocd-notifications"), "ExternalSecret")
    assert secret["spec"]["target"]["name"] == "argocd-notifications-secret", "the controller reads no other"
    keys = {each["secretKey"] for each in secret["spec"]["data"]}
    assert set(re.findall(r"\$([\w-]+)", "".join(told["notifiers"].values()))) == keys
    assert told["enabled"] is False and told["secret"]["create"] is False
