"""Values of arguments that AWS does not take."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from ipaddress import ip_network
from typing import Any

from modelyard.catalog import TerraformArgument, terraform_arguments
from modelyard.findings import Finding, NotChecked, UserError, error
from modelyard.repository.json import parsed
from modelyard.rules import rule
from modelyard.rules.wording import either, nearest
from modelyard.view import Environment, LineAddress, Terraform
from modelyard.view.terraform.arguments import walked_arguments, written_blocks
from modelyard.view.terraform.validating import refusals

_LITERALS = re.compile(r'"([^"\\$%\n]*)"|(?<![\w."])(-?\d+(?:\.\d+)?)(?![\w."])')
_ONLY_LITERALS = re.compile(r'\[?(?:\s|,|"[^"\\$%\n]*+"|-?\d++(?:\.\d++)?+)++\]?')

_ADDON_VERSION = re.compile(r"v\d+\.\d+\.\d+-eksbuild\.\d+")

_RANGES = ("cidr_block", "cidr_blocks", "cidr_ipv4", "cidr_ipv6")
_LOWER_CASE = ("instance_type", "instance_types", "device_name")
# Forms of names, as the API reference of each service's Create call has them; read 2026-12-01.
_FORMS: Mapping[tuple[str, str], tuple[re.Pattern[str], str]] = {
    ("aws_s3_bucket", "bucket"): (
        re.compile(r"(?=.{3,63}$)[a-z0-9][a-z0-9.-]*[a-z0-9]"),
        "a name of 3 to 63 small letters, digits, dots and hyphens",
    ),
    ("aws_iam_role", "name"): (re.compile(r"[\w+=,.@-]{1,64}"), "a name of at most 64 letters, digits and +=,.@-_"),
    ("aws_iam_policy", "name"): (re.compile(r"[\w+=,.@-]{1,128}"), "a name of at most 128 letters, digits and +=,.@-_"),
    ("aws_sqs_queue", "name"): (
        re.compile(r"[\w-]{1,80}|[\w-]{1,75}\.fifo"),
        "a name of at most 80 letters, digits, - and _",
    ),
    ("aws_security_group", "name"): (
        re.compile(r"(?!sg-).{1,255}"),
        "a name of at most 255 characters that does not begin with sg-",
    ),
    ("aws_eks_cluster", "name"): (
        re.compile(r"[0-9A-Za-z][\w-]{0,99}"),
        "a name of at most 100 letters, digits, - and _",
    ),
    ("aws_cloudwatch_event_rule", "name"): (
        re.compile(r"[\w.-]{1,64}"),
        "a name of at most 64 letters, digits, ., - and _",
    ),
    ("aws_kms_alias", "name"): (
        re.compile(r"alias/(?!aws/)[\w/-]{1,250}"),
        "a name that begins with alias/ and not with alias/aws/",
    ),
    ("aws_ecr_repository", "name"): (
        re.compile(r"[a-z0-9][a-z0-9._/-]{1,255}"),
        "a name of small letters, digits and ._-/",
    ),
    ("aws_lb", "name"): (
        re.compile(r"(?!internal-)[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?"),
        "a name of at most 32 letters, digits and hyphens",
    ),
    ("aws_fsx_data_repository_association", "data_repository_path"): (
        re.compile(r"(?:s3|nfs)://.+"),
        "a path as s3://bucket/prefix",
    ),
}

_Path = tuple[str, ...]


@rule("terraform/refused-value", error, since="0.3.0")
def refused_value(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Terraform or AWS refuses a value outside of its list or bounds: the plan ends, or the apply stops half-way."""
    terraform = environment.terraform
    if terraform is None:
        return
    files = environment.repository.files
    judged: set[tuple[str, int, _Path]] = set()
    for file, text in terraform.texts():
        for first, line, path, written, faults in _literals(text) if file.endswith(".tf") else ():
            judged.add((file, first, path))
            for value, named, expected, fix in faults:
                at = LineAddress(files, file, line, line, (written if "\n" not in written else path[-1],))
                yield Finding(at=at, message=f"{named} sets {path[-1]} to {value}, which is not {expected}", fix=fix)
    found = [
        (block, refused)
        for block in terraform.of_mode("resource")
        if (known := terraform_arguments("resource", block.type)) is not None
        for refused in _of_values(block.values, known, ())
    ]
    told = (
        {str(terraform.given.get(each.name)) for each in refusals(files, terraform.folder, terraform.given)}
        if found
        else ()
    )
    yield from _loops(environment, terraform)
    yield from _forms(terraform)
    yield from _addons(terraform)
    for block, (path, value, expected, fix) in found:
        key = block.file, block.first, path
        if key not in judged and value not in told:  # terraform/refused-variable says so of the others
            judged.add(key)
            message = f"{block.resource} sets {path[-1]} to {value}, which is not {expected}"
            yield Finding(at=block.at(path), message=message, fix=fix)


def _forms(terraform: Terraform) -> Iterator[Finding]:
    """Yield names and addresses that the service refuses by their form."""
    told: set[tuple[str, int]] = set()
    for (type_, argument), (form, expected) in _FORMS.items():
        for block in terraform.resources(type_):
            value = block.text(argument)
            if (
                value
                and not terraform.named(value)
                and not form.fullmatch(value)
                and (block.file, block.first) not in told
            ):
                told.add((block.file, block.first))
                yield Finding(
                    at=block.at((argument,)),
                    message=f"{block.address} sets {argument} to {value}, which is not {expected}",
                    fix=f"write {expected}",
                )


def _loops(environment: Environment, terraform: Terraform) -> Iterator[Finding]:
    """Yield lists that a resource is made for each of: Terraform takes maps and sets."""
    for file, text in terraform.texts():
        for block in written_blocks(text) if file.endswith(".tf") and "for_each" in text else ():
            for each in block.inner:
                if each.name == "for_each" and each.expression.startswith("["):
                    yield Finding(
                        at=LineAddress(environment.repository.files, file, each.line, each.line, ("for_each",)),
                        message=f"{block.type}.{block.name} has a list for for_each, which takes a map or a set",
                        fix="write toset([…])",
                    )


def _addons(terraform: Terraform) -> Iterator[Finding]:
    """Yield versions and settings of add-ons that EKS refuses: aws/amazon-vpc-cni-k8s#2215 for numbers."""
    for block in terraform.resources("aws_eks_addon"):
        version = block.text("addon_version")
        if version and not _ADDON_VERSION.fullmatch(version):
            told = isinstance(terraform.given.get("addon_versions"), dict)
            yield Finding(
                at=terraform.variable_at("addon_versions", version) if told else block.at(("addon_version",)),
                message=f"add-on {block.text('addon_name')} has version {version}, and EKS's are as v1.20.4-eksbuild.1",
                fix=f"write v{version.removeprefix('v').partition('-')[0]}-eksbuild.1, if EKS lists it",
            )
        try:
            settings = parsed(block.text("configuration_values") or "{}")
        except UserError:
            continue
        variables = settings.get("env") if isinstance(settings, dict) else None
        for name, value in variables.items() if isinstance(variables, dict) else ():
            if not isinstance(value, str):
                file = next((each for each, text in terraform.texts() if f"{name} " in text), block.file)
                yield Finding(
                    at=LineAddress(terraform.files, file, sought=(name,)),
                    message=f"{name} of add-on {block.text('addon_name')} is {json.dumps(value)}, and EKS wants a text",
                    fix=f'write "{json.dumps(value)}" in quotes',
                )


@lru_cache(maxsize=256)  # environments share their modules
def _literals(text: str) -> tuple[tuple[int, int, _Path, str, tuple[tuple[Any, str, str, str], ...]], ...]:
    """Return what is set by literals: line of the block, own line, path, as written, and what AWS refuses of it."""
    found = []
    for block in written_blocks(text):
        known = terraform_arguments("resource", block.type) if block.kind == "resource" else None
        for path, each in walked_arguments(block.inner) if known is not None else ():
            argument = _argument(known, path)
            if argument is None or not each.expression or not _ONLY_LITERALS.fullmatch(each.expression):
                continue
            values = [text if number == "" else float(number) for text, number in _LITERALS.findall(each.expression)]
            faults = tuple(
                (_shown(value), f"{block.type}.{block.name}", *refused)
                for value in values
                if (refused := _refused(argument, value) or _malformed(path[-1], value))
            )
            found.append((block.line, each.line, path, each.expression, faults))
    return tuple(found)


def _argument(known: Mapping[str, TerraformArgument] | None, path: _Path) -> TerraformArgument | None:
    argument = None
    for name in path:
        argument = known.get(name) if known is not None else None
        known = argument.block if argument is not None else None
    return argument


def _of_values(
    values: Mapping[str, Any], known: Mapping[str, TerraformArgument], path: _Path
) -> Iterator[tuple[_Path, Any, str, str]]:
    for name, value in values.items():
        argument = known.get(name)
        for each in (value if isinstance(value, list) else [value]) if argument is not None else ():
            if argument is not None and argument.block is not None and isinstance(each, dict):
                yield from _of_values(each, argument.block, (*path, name))
            elif argument is not None and isinstance(each, str | int | float) and not isinstance(each, bool):
                refused = _refused(argument, each) or _malformed(name, each)
                yield from [((*path, name), _shown(each), *refused)] if refused else ()


def _refused(argument: TerraformArgument, value: str | float) -> tuple[str, str] | None:
    """Return what was expected instead of a value, and what to write; None for one that AWS takes."""
    if not argument.values and argument.lowest is None and argument.highest is None:
        return None
    if argument.type.endswith("number"):
        try:
            value = float(value)
        except ValueError:
            return None  # terraform/unknown-argument says so
    if argument.values:
        if value in argument.values or value == "":
            return None
        near = nearest(str(value).upper(), [str(each).upper() for each in argument.values])
        written = next((str(each) for each in argument.values if str(each).upper() == near), "")
        if isinstance(value, float) and all(isinstance(each, int | float) for each in argument.values):
            written = str(min(argument.values, key=lambda each: abs(each - value)))
        expected = f"one of {either(argument.values, most=12)}"
        return expected, f"write {written}" if written else f"write {expected}"
    low, high = argument.lowest, argument.highest
    if not isinstance(value, float) or ((low is None or value >= low) and (high is None or value <= high)):
        return None
    expected = (
        f"from {low:g} to {high:,.0f}"
        if low is not None and high is not None
        else (f"at least {low:g}" if low is not None else f"at most {high:,.0f}")
    )
    return expected, f"write a number {expected}"


def _malformed(name: str, value: str | float) -> tuple[str, str] | None:
    """Return what was expected of a value whose form the argument's name tells; None for one of that form."""
    if not isinstance(value, str) or not value:
        return None
    if name.endswith(_RANGES):
        try:
            ip_network(value, strict=False)
        except ValueError:
            return "a range of addresses such as 10.0.0.0/16", "write a range, with the length of its prefix"
    elif name in _LOWER_CASE and value != value.lower():
        return "in lower case", f"write {value.lower()}"
    return None


def _shown(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:g}" if value < 1e6 else f"{value:.0f}"
