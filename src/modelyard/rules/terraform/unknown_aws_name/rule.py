"""Names in IAM documents that AWS does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache

from modelyard.catalog import AwsNameKind, aws_actions, aws_names
from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import nearest
from modelyard.view import Environment, LineAddress

# Not the keys of conditions, which look alike: those stand before a colon, or are values of `variable`.
_ACTION = re.compile(r'"([a-z0-9-]+):([A-Za-z*?][A-Za-z0-9*?]*)"(?!\s*[:=])')
_CONDITION = re.compile(r"\bvariable\s*=")
_PRINCIPAL = re.compile(r'"([a-z0-9.-]+\.amazonaws\.com)"')
# One letter in a name of the usual length. The list is not complete, and many real names are alike.
_CLOSE = 0.955
_SUFFIX = ".amazonaws.com"
_PROSE = re.compile(r"\s*(?:description|error_message)\s*=")
_POLICY = re.compile(r'"((?:Amazon|AWS|Administrator|ReadOnly)\w+)"|:iam::aws:policy/([\w/+=,.@-]+)"')


@rule("terraform/unknown-aws-name", error, since="0.1.0")
def unknown_aws_name(environment: Environment) -> Iterator[Finding | NotChecked]:
    """IAM accepts an unknown action, which allows nothing; it rejects unknown policies and services."""
    terraform = environment.terraform
    for file, text in terraform.texts() if terraform is not None else ():
        for number, written, what, near in _unknown_in(text):
            yield Finding(
                at=LineAddress(environment.repository.files, file, number, number, (written,)),
                message=f"AWS has no {what} {written}",
                fix=f"use {near}" if near else "use a name of AWS's service authorization reference",
            )
    yield from _addons(environment)
    yield from _paths(environment)


@lru_cache(maxsize=1024)  # environments share their modules
def _unknown_in(text: str) -> tuple[tuple[int, str, str, str], ...]:
    """Return what a text names and AWS does not have: its line, and as `_unknown` has it."""
    return tuple(
        (number, *found)
        for number, line in enumerate(text.splitlines(), 1)
        if '"' in line and not line.lstrip().startswith(("#", "//")) and not _PROSE.match(line)
        for found in _unknown(line)
    )


def _paths(environment: Environment) -> Iterator[Finding]:
    """Yield policies that are attached without the path under which AWS has them."""
    terraform, known = environment.terraform, aws_names(AwsNameKind.MANAGED_POLICY)
    paths = {name.rpartition("/")[2]: name for name in known.names if "/" in name}
    told: set[str] = set()
    for block in terraform.resources("aws_iam_role_policy_attachment") if terraform is not None else ():
        name = block.text("policy_arn").partition(":iam::aws:policy/")[2]
        if name in paths and known.find(name) is None and name not in told and terraform is not None:
            told.add(name)
            file = next((file for file, text in terraform.texts() if f'"{name}"' in text), block.file)
            yield Finding(
                at=_quoted(environment, file, name),
                message=f"AWS has no managed policy {name}, it has {paths[name]}",
                fix=f"write {paths[name]}",
            )


def _addons(environment: Environment) -> Iterator[Finding]:
    """Yield add-ons that EKS does not offer; the list is not complete, so that only names like a known one count."""
    terraform, known = environment.terraform, aws_names(AwsNameKind.ADDON)
    for block in terraform.resources("aws_eks_addon") if terraform is not None else ():
        name = block.text("addon_name") or block.key
        if not name or known.find(name) is not None:
            continue
        near = next((each for each in known.names if each.endswith(f"-{name}")), "") or nearest(
            name, known.names, cutoff=0.85
        )
        if terraform is not None and near:
            yield Finding(
                at=_quoted(environment, block.file, name),
                message=f"AWS has no add-on {name}",
                fix=f"write {near}",
            )


def _quoted(environment: Environment, file: str, name: str) -> LineAddress:
    text = environment.repository.files.text(file)
    line = text[: text.find(f'"{name}"')].count("\n") + 1 if f'"{name}"' in text else 1
    return LineAddress(environment.repository.files, file, line, line, (name,))


def _unknown(line: str) -> Iterator[tuple[str, str, str]]:
    """Yield what a line names and AWS does not have: as written, what it is, and what is spelt most alike."""
    for service, action in () if _CONDITION.search(line) else _ACTION.findall(line):
        known = aws_actions().get(service)
        if known is not None and not _matches(action, known):
            near = nearest(action, known)
            yield f"{service}:{action}", "action", f"{service}:{near}" if near else ""
    for name in _PRINCIPAL.findall(line):
        # Endpoints of services look alike: only what is spelt almost like a principal is taken for one.
        if "identifiers" in line and (near := _principal(name)):
            yield name, "service principal", near
    for bare, pathed in _POLICY.findall(line):
        name = bare or pathed
        near = "" if _is_policy(name) else _misspelt(name.rpartition("/")[2], AwsNameKind.MANAGED_POLICY)
        if near:
            yield name, "managed policy", near


def _matches(action: str, known: frozenset[str]) -> bool:
    if "*" not in action and "?" not in action:
        return action.lower() in _lower(known)
    pattern = re.compile(re.escape(action.lower()).replace(r"\*", ".*").replace(r"\?", "."))
    return any(pattern.fullmatch(each) for each in _lower(known))


@cache
def _lower(known: frozenset[str]) -> frozenset[str]:
    return frozenset(each.lower() for each in known)


def _is_policy(name: str) -> bool:
    kinds = (AwsNameKind.MANAGED_POLICY, AwsNameKind.ACCESS_POLICY)
    return any(aws_names(kind).find(each) is not None for kind in kinds for each in (name, name.rpartition("/")[2]))


def _principal(name: str) -> str:
    """Return the principal of the same words in another order, or that is spelt almost alike; else nothing."""
    known = aws_names(AwsNameKind.SERVICE_PRINCIPAL)
    if known.find(name) is not None:
        return ""
    words = {each: sorted(re.split(r"[.-]", each)) for each in known.names}
    same = next((each for each, parts in words.items() if parts == sorted(re.split(r"[.-]", name))), "")
    shortened = (each.removesuffix(_SUFFIX) for each in known.names)
    close = nearest(name.removesuffix(_SUFFIX), shortened, cutoff=0.8)
    return same or (f"{close}{_SUFFIX}" if close else "")


def _misspelt(name: str, kind: AwsNameKind) -> str:
    """Return the known name that another is spelt almost like; nothing for a name that may only be missing here."""
    names = aws_names(kind)
    if names.find(name) is not None:
        return ""
    of_eks = name.startswith("AmazonEKS")  # few, and none of them is far from another kind of EKS's
    known = {*names.names, *aws_names(AwsNameKind.ACCESS_POLICY).names} if of_eks else names.names
    near = nearest(name, known, cutoff=0.75 if of_eks else _CLOSE)
    # A longer one that goes on is its successor, as PolicyV2 of Policy.
    return "" if near.startswith(name) and len(near) > len(name) + 1 else near
