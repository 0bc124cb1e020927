"""What Karpenter refuses of a NodePool when it reads it: the pool is not Ready, and its pods stay Pending.

`RuntimeValidate` in pkg/apis/v1/nodepool_validation.go and `validateTaints` and `ValidateRequirement` in
nodeclaim_validation.go of sigs.k8s.io/karpenter 1.14.1; what the definition refuses by its own rules is left to that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelyard.view.shapes import listed, mapping, numbered, text
from modelyard.view.validation.checks import Check, Refused, is_label_value

_SPEC = ("spec", "template", "spec")


def _node_pool(value: dict[str, Any]) -> Iterator[Refused]:
    spec = mapping(value, *_SPEC)
    yield from _taints(spec)
    for index, requirement in numbered(spec, "requirements"):
        at = (*_SPEC, "requirements", index, "values")
        key, values = text(requirement, "key"), [str(each) for each in listed(requirement, "values")]
        for each in values:
            if not is_label_value(each):
                yield Refused(at, f"a requirement on {key} lists {each}, which no label can be")


def _taints(spec: dict[str, Any]) -> Iterator[Refused]:
    """Yield taints that are there twice, in either list."""
    seen: set[tuple[str, str]] = set()
    for field in ("taints", "startupTaints"):
        for index, taint in numbered(spec, field):
            name = (text(taint, "key"), text(taint, "effect"))
            if name in seen:
                yield Refused(
                    (*_SPEC, field, index),
                    f"its nodes have the taint {name[0]}:{name[1]} twice, and Karpenter takes no pool with that: "
                    "its pods stay Pending",
                    "remove the second",
                )
            seen.add(name)


KARPENTER_CHECKS: Mapping[tuple[str, str], Check] = {("karpenter.sh", "NodePool"): _node_pool}
