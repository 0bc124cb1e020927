"""Tools of mise.toml that the environment's Terraform or cluster does not go with."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, UserError, error, warning
from modelyard.repository.toml import parsed
from modelyard.rules import rule
from modelyard.view import Environment, LineAddress
from modelyard.view.terraform.arguments import expressions_of

_FILE = "mise.toml"
_CONSTRAINT = re.compile(r"\s{0,9}(>=|<=|!=|~>|>|<|=)?\s{0,9}v?(\d{1,9}(?:\.\d{1,9}){0,2})\s{0,9}")
_VERSION = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?")
_SKEW = 1


@rule("environment/tool-mismatch", error, since="0.3.0")
def tool_mismatch(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A Terraform outside of required_version refuses to run, and a far kubectl misses or mangles fields."""
    files = environment.repository.files
    try:
        tools = parsed(files.text(_FILE)).get("tools") if files.is_file(_FILE) else {}
    except UserError:
        return
    tools = tools if isinstance(tools, dict) else {}
    pinned = {name: str(value) for name, value in tools.items() if isinstance(value, str | float | int)}
    terraform = environment.terraform
    version = _parsed(pinned.get("terraform", ""))
    required = [
        (f"{file}:{line}", constraint)
        for file, text in (terraform.texts() if terraform is not None else ())
        for line, constraint in expressions_of(text, "required_version")
        if version and not _meets(version, constraint)
    ]
    if required:
        yield Finding(
            at=LineAddress(files, _FILE, sought=("terraform", pinned["terraform"])),
            message=f"mise installs terraform {pinned['terraform']}, and {required[0][0]} requires {required[0][1]}",
            fix="pin a version that the constraint allows",
        )
    cluster, kubectl = _parsed(str(environment.facts.get("kubernetes") or "")), _parsed(pinned.get("kubectl", ""))
    if cluster and kubectl and (cluster[0] != kubectl[0] or abs(cluster[1] - kubectl[1]) > _SKEW):
        yield Finding(
            at=LineAddress(files, _FILE, sought=("kubectl", pinned["kubectl"])),
            message=f"mise installs kubectl {pinned['kubectl']}, and {environment} runs Kubernetes "
            f"{environment.facts.get('kubernetes')}: they may be one minor version apart",
            fix=f"pin kubectl {environment.facts.get('kubernetes')}",
            severity=warning,
        )


def _parsed(text: str) -> tuple[int, int, int] | None:
    found = _VERSION.fullmatch(text.strip())
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


def _meets(version: tuple[int, int, int], constraint: str) -> bool:
    """Return whether a version meets every part of a constraint; a part that cannot be read is met."""
    for part in constraint.split(","):
        found = _CONSTRAINT.fullmatch(part)
        if found is None:
            continue
        numbers = [int(each) for each in found[2].split(".")]
        other = (*numbers, 0, 0)[:3]
        sign = found[1] or "="
        if sign == "~>":
            upper = (*numbers[:-2], numbers[-2] + 1, 0, 0)[:3] if len(numbers) > 1 else (numbers[0] + 1, 0, 0)
            met = tuple(other) <= version < tuple(upper)
        else:
            met = {
                ">=": version >= other,
                "<=": version <= other,
                ">": version > other,
                "<": version < other,
                "!=": version != other,
                "=": version == other,
            }[sign]
        if not met:
            return False
    return True
