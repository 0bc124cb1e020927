"""Selectors by labels that no operator puts on pods."""

from collections.abc import Iterator
from typing import Any

from modelyard.findings import Finding, NotChecked, error
from modelyard.rendering import Path
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of
from modelyard.view import Environment, listed, numbered

# Labels that operators put on the pods that they make, by domain: ray-operator/controllers/ray/utils/constant.go of
# KubeRay 1.7.0; api/leaderworkerset/v1/leaderworkerset_types.go of kubernetes-sigs/lws@060ab4da; pkg/apis/batch and
# pkg/apis/apps (types.go) of Kubernetes 1.35.
_LABELS = {
    "ray.io": frozenset(
        {
            "ray.io/cluster",
            "ray.io/group",
            "ray.io/headless-worker-svc",
            "ray.io/identifier",
            "ray.io/is-ray-node",
            "ray.io/node-type",
            "ray.io/originated-from-cr-name",
            "ray.io/originated-from-crd",
            "ray.io/priority-class-name",
            "ray.io/replica-host-index",
            "ray.io/serve",
            "ray.io/worker-group-replica-index",
            "ray.io/worker-group-replica-name",
        }
    ),
    "leaderworkerset.sigs.k8s.io": frozenset(
        f"leaderworkerset.sigs.k8s.io/{name}"
        for name in (
            "group-index",
            "group-key",
            "name",
            "subgroup-index",
            "subgroup-key",
            "template-revision-hash",
            "worker-index",
        )
    ),
    "batch.kubernetes.io": frozenset(
        {
            "batch.kubernetes.io/controller-uid",
            "batch.kubernetes.io/job-completion-index",
            "batch.kubernetes.io/job-name",
        }
    ),
}


@rule("network/unknown-operator-label", error, since="0.3.0")
def unknown_operator_label(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A selector by a label that the operator does not set chooses no pod: traffic is denied, or nothing is spread."""
    own = _own(environment)
    for manifest in environment.resources:
        if not environment.is_ours(manifest):
            continue
        for path, key in _keys(manifest.value, ()):
            known = _LABELS.get(key.partition("/")[0])
            if known is None or key in known or key in own:
                continue
            yield Finding(
                at=manifest.at(path),
                message=f"{manifest} selects pods by {key}, which nothing puts on pods",
                fix=f"write {nearest(key, known) or one_of(known)}",
            )


def _own(environment: Environment) -> set[str]:
    """Return the labels that manifests give to their pods themselves."""
    return {
        str(key) for workload in environment.workloads for template in workload.templates for key in template.labels
    }


def _keys(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the keys of selectors, wherever they stand."""
    if isinstance(value, dict):
        for key, each in value.items():
            here = (*path, str(key))
            if key == "matchLabels" and isinstance(each, dict):
                yield from (((*here, str(label)), str(label)) for label in each)
            elif key == "matchExpressions":
                yield from (((*here, index, "key"), str(item.get("key"))) for index, item in numbered(value, key))
            elif key in ("matchLabelKeys", "mismatchLabelKeys"):
                yield from (((*here, index), str(label)) for index, label in enumerate(listed(value, key)))
            elif here == ("spec", "selector") and isinstance(each, dict) and value.get("ports"):
                yield from (((*here, str(label)), str(label)) for label in each)
            else:
                yield from _keys(each, here)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _keys(each, (*path, index))
