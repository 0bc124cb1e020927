"""Lines of Argo CD's RBAC that give nobody anything."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from modelyard.catalog import argocd_rbac
from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of
from modelyard.view import ChartValues, Environment

_CHART = "argo-cd"
_EFFECTS = ("allow", "deny")
_WORDS = 6
# https://argo-cd.readthedocs.io/en/stable/operator-manual/rbac/#application-specific-policy, read 2026-12-01
_OF_PROJECTS = frozenset({"applications", "applicationsets", "exec", "logs"})


@rule("argocd/ineffective-permission", error, since="0.3.0")
def ineffective_permission(environment: Environment) -> Iterator[Finding | NotChecked]:
    """People keep what Argo CD gives by default: a line with an unknown word or role matches no request."""
    for values in environment.chart_values:
        rbac = values.get("configs.rbac", {}) if values.source.chart == _CHART else {}
        lines = [
            (str(key), [word.strip() for word in line.split(",")])
            for key, text in (rbac.items() if isinstance(rbac, dict) else ())
            if str(key).startswith("policy.") and str(key).endswith(".csv") and isinstance(text, str)
            for line in text.splitlines()
            if line.strip() and not line.strip().startswith("#")
        ]
        roles = {words[1] for _, words in lines if words[0] == "p" and len(words) > 1} | argocd_rbac("roles")
        roles |= {words[1] for _, words in lines if words[0] == "g" and len(words) > 1}
        for key, words in lines:
            yield from _of_line(values, key, words, roles)
        default = rbac.get("policy.default") if isinstance(rbac, dict) else None
        if isinstance(default, str) and default.startswith("role:") and default not in roles:
            yield _finding(values, "policy.default", default, f"the default role {default} has no line", default, roles)


def _of_line(values: ChartValues, key: str, words: list[str], roles: set[str]) -> Iterator[Finding]:
    line = ", ".join(words)
    if words[0] == "g" and len(words) > 2:
        if words[2].startswith("role:") and words[2] not in roles:
            yield _finding(values, key, words[2], f"{line}: the role {words[2]} has no line", words[2], roles)
        return
    if words[0] != "p" or len(words) != _WORDS:
        yield Finding(
            at=values.at(("configs", "rbac", key)),
            message=f"{key} has the line {line}, which Argo CD refuses: it is neither p with five words nor g with two",
            fix="write p, ROLE, RESOURCE, ACTION, OBJECT, allow, or g, SUBJECT, ROLE",
        )
        return
    resources, actions = argocd_rbac("resources"), argocd_rbac("actions")
    if not any(fnmatchcase(each, words[2]) for each in resources):
        yield _finding(values, key, words[2], f"{line}: there is no resource {words[2]}", words[2], resources)
    action = words[3].partition("/")[0]
    if not any(fnmatchcase(each, action) for each in actions):
        yield _finding(values, key, words[3], f"{line}: there is no action {words[3]}", action, actions)
    if resources & {words[2]} & _OF_PROJECTS and not set("/*?[{") & set(words[4]):
        yield Finding(
            at=values.at(("configs", "rbac", key)),
            message=f"{key} gives nothing by {line}: objects of {words[2]} are PROJECT/NAME, and {words[4]} is neither",
            fix=f"write {words[4]}/*",
        )
    if words[5] not in _EFFECTS:
        yield _finding(values, key, words[5], f"{line}: {words[5]} is neither allow nor deny", words[5], _EFFECTS)


def _finding(values: ChartValues, key: str, word: str, said: str, wrong: str, known: object) -> Finding:
    names = {str(each) for each in known} if isinstance(known, set | frozenset | tuple) else set()
    near = nearest(wrong, names)
    return Finding(
        at=values.at(("configs", "rbac", key)),
        message=f"{key} gives nothing by {said}",
        fix=f"write {near} instead of {word}" if near else f"write one of {one_of(names, 12)}",
    )
