"""Kinds that the repository has and that Argo CD is told to leave alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from modelyard.findings import Finding, NotChecked, UserError, error
from modelyard.repository.yaml import documents
from modelyard.rules import rule
from modelyard.view import Environment, entries, listed

_CHART = "argo-cd"
_SETTING = "resource.exclusions"


@rule("argocd/excluded-kind", error, since="0.3.0")
def excluded_kind(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Argo CD neither makes nor sees what it excludes: Applications with such resources sync without them.

    https://argo-cd.readthedocs.io/en/stable/operator-manual/declarative-setup/#resource-exclusioninclusion
    """
    kinds = Counter((each.group, each.kind) for each in environment.resources if environment.is_ours(each))
    for values in environment.chart_values:
        if values.source.chart != _CHART:
            continue
        written = values.get(("configs", "cm", _SETTING))
        for each in _exclusions(written):
            if listed(each, "clusters") not in ([], ["*"]):
                continue
            groups, names = ([str(one) for one in listed(each, key)] for key in ("apiGroups", "kinds"))
            lost = [
                (kind, group, count)
                for (group, kind), count in kinds.items()
                if any(fnmatchcase(group, one) for one in groups) and any(fnmatchcase(kind, one) for one in names)
            ]
            if lost:
                kind, group, count = max(lost, key=lambda one: one[2])
                yield Finding(
                    at=values.at(("configs", "cm", _SETTING)),
                    message=f"{_SETTING} has {kind} of {group or 'the core group'}, and the repository has {count}: "
                    "Argo CD never makes them",
                    fix=f"take {kind} out of {_SETTING}",
                )


def _exclusions(written: Any) -> list[dict[str, Any]]:
    try:
        parsed = documents(_SETTING, written) if isinstance(written, str) else [written]
    except UserError:
        return []
    return entries({"list": parsed[0] if parsed else []}, "list")
