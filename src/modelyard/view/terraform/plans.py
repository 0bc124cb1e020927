"""Plans of Terraform, as `terraform show -json` prints them: what is only known when Terraform has asked AWS.

What a provider marks as sensitive is left out where the plan is read, so that no value of it can be shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from modelyard.findings import UserError
from modelyard.repository.json import MalformedJSON, parsed
from modelyard.repository.limits import content_of
from modelyard.view.terraform.blocks import Block, Terraform

FORMAT = "1"
"""Major version of the format that is read; minor versions only add to it."""

_LARGEST = 512 * 1024 * 1024
_MOST_VALUES = 20_000_000
_ADDRESS = re.compile(r"((?:module\.[\w-]+\.)*)(data\.)?([\w-]+)\.([\w-]+)")
_KEY = re.compile(r"\[(?:\"[^\"]*\"|\d+)\]")


@dataclass(frozen=True)
class TerraformPlan:
    """One plan.

    Attributes:
        name: The file, as it was given.
        variables: The variables that it was made with, without those that are sensitive.
        values: By address of a resource or data source, what is known of it; sensitive values left out.
        made: Addresses of the resources that there are after an apply.
    """

    name: str
    variables: Mapping[str, Any]
    values: Mapping[str, Mapping[str, Any]]
    made: frozenset[str]


def read_plan(path: Path) -> TerraformPlan:
    """Return the plan in a file.

    Raises:
        UserError: The file cannot be read, is no plan, or is one of a format or state that is not understood.
    """
    content = _content(path)
    fix = "write it by terraform plan -out=plan.tfplan and terraform show -json plan.tfplan > plan.json"
    if not isinstance(content, dict) or "format_version" not in content:
        raise UserError(f"{path} is no plan of Terraform: it has no format_version", fix=fix)
    version = str(content["format_version"])
    if version.partition(".")[0] != FORMAT:
        raise UserError(
            f"{path} is of format {version}; plans of format {FORMAT}.x are read",
            fix="show the plan with a Terraform whose format is read, or update modelyard",
        )
    if "resource_changes" not in content and "planned_values" not in content:
        raise UserError(f"{path} is a state of Terraform, not a plan", fix=fix)
    if content.get("errored") is True:
        raise UserError(
            f"{path} is a plan that ended with errors, and is not whole", fix="mend the errors, and plan again"
        )
    try:
        return _plan(path, content)
    except (AttributeError, KeyError, TypeError) as fault:
        raise UserError(
            f"{path} is no plan of Terraform: it has another shape ({type(fault).__name__})", fix=fix
        ) from fault


def _content(path: Path) -> Any:
    raw = content_of(path, most=_LARGEST, fix="name the output of terraform show -json", pipes=True)
    if raw.startswith(b"PK"):
        raise UserError(
            f"{path} is a plan in Terraform's own format", fix=f"terraform show -json {path} > plan.json, and name that"
        )
    try:
        return parsed(raw, str(path), most=_LARGEST, values=_MOST_VALUES)
    except MalformedJSON as error:
        raise UserError(error.message, fix="name the output of terraform show -json", at=error.at) from None


def _plan(path: Path, content: dict[str, Any]) -> TerraformPlan:
    declared = content.get("configuration", {}).get("root_module", {}).get("variables", {})
    variables = {
        name: each.get("value")
        for name, each in content.get("variables", {}).items()
        if not declared.get(name, {}).get("sensitive")
    }
    values: dict[str, Mapping[str, Any]] = {}
    prior = content.get("prior_state", {}).get("values", {})
    for each in _resources(prior.get("root_module", {})):
        if each["mode"] == "data":
            values[each["address"]] = _open(each.get("values"), each.get("sensitive_values")) or {}
    made = set()
    for each in content.get("resource_changes", ()):
        change = each["change"]
        if change["actions"] == ["delete"] or change["actions"] == ["forget"]:
            continue
        values[each["address"]] = _open(change.get("after"), change.get("after_sensitive")) or {}
        if each["mode"] == "managed":
            made.add(each["address"])
    return TerraformPlan(str(path), variables, values, frozenset(made))


def _resources(module: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from module.get("resources", ())
    for inner in module.get("child_modules", ()):
        yield from _resources(inner)


def _open(value: Any, sensitive: Any) -> Any:
    """Return a value without what is sensitive in it."""
    if sensitive is True:
        return None
    if isinstance(value, dict):
        marks = sensitive if isinstance(sensitive, dict) else {}
        return {key: _open(each, marks.get(key)) for key, each in value.items()}
    if isinstance(value, list):
        of_items = sensitive if isinstance(sensitive, list) else []
        return [_open(each, of_items[index] if index < len(of_items) else None) for index, each in enumerate(value)]
    return value


def planned(terraform: Terraform, plan: TerraformPlan) -> Terraform:
    """Return a configuration with what a plan knows of it; lines stay those of the files."""
    identities = {block.id for block in terraform.blocks if block.id}
    by_address = {block.address: block for block in terraform.blocks}
    written = {_KEY.sub("", block.address): block for block in terraform.blocks}
    blocks = [block for block in terraform.blocks if block.mode not in ("resource", "data")]
    for address, values in plan.values.items():
        block = by_address.get(address) or written.get(_KEY.sub("", address)) or _found(terraform, address)
        if block is None:
            continue
        own = dict(block.values) if address == block.address else {"id": f"{block.id}@{address}"}
        blocks.append(replace(block, address=address, values=_merged(own, values, identities)))
    # Data sources that a plan has no need to ask are in none.
    blocks.extend(block for block in terraform.blocks if block.mode == "data" and block.address not in plan.values)
    return replace(terraform, blocks=tuple(blocks))


def _found(terraform: Terraform, address: str) -> Block | None:
    """Return a block that the reader of the files made nothing of, found by its first line; None where it is not."""
    match = _ADDRESS.fullmatch(_KEY.sub("", address))
    if match is None:
        return None
    module, data, type_, name = match.groups()
    folders = {
        block.file.rpartition("/")[0] for block in terraform.blocks if _KEY.sub("", block.module) == module.rstrip(".")
    }
    mode = "data" if data else "resource"
    header = re.compile(rf'^{mode}\s+"{re.escape(type_)}"\s+"{re.escape(name)}"\s*\{{.*?^\}}', re.MULTILINE | re.DOTALL)
    for file, content in terraform.texts():
        if file.rpartition("/")[0] in (folders or {terraform.folder}):
            block = header.search(content)
            if block is not None:
                first = content.count("\n", 0, block.start()) + 1
                last = first + block[0].count("\n")
                return Block(terraform.files, mode, type_, address, file, first, last, {"id": address})
    return None


def _merged(own: dict[str, Any], planned: Mapping[str, Any], identities: set[str]) -> dict[str, Any]:
    """Return values with those of the plan over them; what stands for another block goes on to stand for it.

    What the plan has without a value is sensitive, or not set; what is not known yet is not in it at all.
    """
    made = dict(own)
    for name, value in planned.items():
        before = own.get(name)
        stands = isinstance(before, str) and before in identities
        if name == "id" or (stands and value is not None):
            continue
        made[name] = _with_lines(before, value) if isinstance(value, list) else value
    arn = planned.get("arn")
    if isinstance(arn, str):
        made["arn"] = arn
    return made


def _with_lines(before: Any, value: list[Any]) -> Any:
    """Return nested blocks with the lines of those in the files, where there are as many."""
    former = before if isinstance(before, list) else [before]
    if len(former) != len(value) or not all(isinstance(each, dict) for each in (*former, *value)):
        return value
    return [
        {
            **new,
            **{key: old[key] for key in ("__lines__", "id") if key in old},
            # Resources that are named by what stands for them stay so: their ARNs may not be known yet.
            **{key: each for key, each in old.items() if isinstance(each, list) and not new.get(key)},
        }
        for old, new in zip(former, value, strict=True)
    ]


def environment_of(plan: TerraformPlan, given: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the folder of the environment whose plan it is.

    Args:
        plan: The plan.
        given: By folder, the variables that the environment sets.

    Raises:
        UserError: It is of none of them, or was made with other values than the environment's file has now.
    """
    name = plan.variables.get("cluster_name")
    known = {folder: each["cluster_name"] for folder, each in given.items() if each.get("cluster_name")}
    folder = next((each for each, cluster in known.items() if cluster == name), "")
    if not folder and not known and len(given) == 1:
        folder = next(iter(given))
    if not folder:
        clusters = ", ".join(sorted(map(str, known.values()))) or "none that is known"
        raise UserError(
            f"{plan.name} is a plan for the cluster {name or 'of no name'}; the clusters here are {clusters}",
            fix="give the plan of an environment that is checked",
        )
    other = sorted(
        key
        for key, value in given[folder].items()
        if key in plan.variables and not _has_objects(value) and _said(plan.variables[key]) != _said(value)
    )
    if other:
        raise UserError(
            f"{plan.name} was made with other values of {', '.join(other)} than {folder}/terraform.tfvars has",
            fix="make the plan again",
        )
    return folder


def _has_objects(value: Any) -> bool:
    """Return whether a plan may say a value otherwise: it fills in what objects leave out."""
    return isinstance(value, dict) or (isinstance(value, list) and any(_has_objects(each) for each in value))


def _said(value: Any) -> Any:
    if isinstance(value, list):
        return [_said(each) for each in value]
    return str(value).lower() if isinstance(value, bool) else str(value)
