"""Arguments and attributes that AWS's provider, or Terraform itself, does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from modelyard.catalog import LANGUAGE_BLOCKS, PROVIDER_MAJOR, TerraformArgument, terraform_arguments
from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import both, nearest
from modelyard.view import Environment, LineAddress
from modelyard.view.terraform.arguments import WrittenArgument, language_blocks, read_attributes, written_blocks
from modelyard.view.terraform.provider import takes_major

_META = frozenset({"count", "for_each", "provider", "depends_on", "lifecycle", "connection", "provisioner"})
_LITERAL = re.compile(r'["\[\d]|true\b|false\b')
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")

_Fault = tuple[int, tuple[str, ...], str, str]
"""Line, what is looked for in it, message and fix."""


@rule("terraform/unknown-argument", error, since="0.3.0")
def unknown_argument(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Terraform refuses unknown arguments, blocks without a required one, and values of other types."""
    terraform = environment.terraform
    if terraform is None:
        return
    known = takes_major(terraform, PROVIDER_MAJOR)
    if not known:
        yield NotChecked("Terraform", f"arguments are known of version {PROVIDER_MAJOR} of AWS's provider alone")
    files = environment.repository.files
    for file, text in terraform.texts():
        if not file.endswith(".tf"):
            continue
        for line, sought, message, fix in (*_of_language(text), *(_faults(text) if known else ())):
            yield Finding(at=LineAddress(files, file, line, line, sought), message=message, fix=fix)


@lru_cache(maxsize=256)  # environments share their modules
def _faults(text: str) -> tuple[_Fault, ...]:
    found: list[_Fault] = []
    for block in written_blocks(text):
        known = terraform_arguments(block.kind, block.type)
        if known is not None:
            found.extend(_of_block(block.inner, known, f"{block.type}.{block.name}", block.line, block.type, top=True))
    for read in read_attributes(text):
        known = terraform_arguments(read.kind, read.type)
        found.extend(_of_reading(read.path, known, read.type, read.line) if known is not None else ())
    return tuple(found)


@lru_cache(maxsize=256)
def _of_language(text: str) -> tuple[_Fault, ...]:
    return tuple(
        fault
        for block in language_blocks(text)
        for fault in _of_block(
            block.inner,
            LANGUAGE_BLOCKS[block.kind],
            f"{block.kind} {block.name}",
            block.line,
            f'"{block.name}"',
            by="Terraform",
        )
    )


def _of_block(
    inner: tuple[WrittenArgument, ...],
    known: Mapping[str, TerraformArgument],
    named: str,
    line: int,
    sought: str,
    *,
    top: bool = False,
    by: str = "the provider",
) -> Iterator[_Fault]:
    given = {each.name for each in inner}
    lacking = {name for name, argument in known.items() if argument.required and name not in given}
    for each in inner:
        argument = known.get(each.name)
        if argument is None:
            if not (top and each.name in _META):
                near = nearest(each.name, lacking, cutoff=0.5) or nearest(each.name, known, cutoff=0.7)
                lacking.discard(near)  # one mistake, one finding
                yield (
                    each.line,
                    (each.name,),
                    f"{named} sets {each.name}, which {by} does not know there",
                    f"write {near}" if near else f"remove it, or write the name that the documentation of {by} has",
                )
        elif argument.read_only and _LITERAL.match(each.expression):  # null may be handed on
            yield each.line, (each.name,), f"{named} sets {each.name}, which can only be read", "remove it"
        elif each.inner is not None and argument.block is None:
            yield (
                each.line,
                (each.name,),
                f"{named} writes {each.name} as a block, where {by} expects a value",
                f"write {each.name} = ...",
            )
        elif each.inner is not None and argument.block is not None:
            yield from _of_block(each.inner, argument.block, f"{named}, {each.name},", each.line, each.name, by=by)
        elif expected := _other_type(argument, each.expression):
            written = each.expression.partition("\n")[0]
            message = f"{named} sets {each.name} to {written}, where {by} expects {expected}"
            yield each.line, (written,), message, f"write {expected}"
    if lacking:
        names = both(sorted(lacking))
        yield line, (sought,), f"{named} does not set {names}, which {by} requires", f"set {names}"


def _other_type(argument: TerraformArgument, expression: str) -> str:
    """Return what is expected where a literal is of another type, as far as Terraform does not turn it into that."""
    type_ = argument.type
    if argument.block is not None or not expression:
        return ""
    text = expression[1:-1] if re.fullmatch(r'"[^"\\$%\n]*"', expression) else None
    if type_.startswith(("list of", "set of")):
        scalar = text is not None or _NUMBER.fullmatch(expression) or expression in ("true", "false")
        return f"a {type_.partition(' ')[0]}" if scalar else ""
    if type_.startswith("map of"):
        return "a map" if text is not None or _NUMBER.fullmatch(expression) else ""
    if expression.startswith("[") and expression.endswith("]") and "..." not in expression:
        return f"a {type_}" if type_ in ("string", "number", "bool") else ""
    if type_ == "number" and (expression in ("true", "false") or (text is not None and not _NUMBER.fullmatch(text))):
        return "a number"
    if type_ == "bool" and (
        _NUMBER.fullmatch(expression) or (text is not None and text not in ("true", "false", "", "0", "1"))
    ):
        return "true or false"
    return ""


def _of_reading(
    path: tuple[str, ...], known: Mapping[str, TerraformArgument], type_: str, line: int
) -> Iterator[_Fault]:
    level: Mapping[str, TerraformArgument] | None = known
    for name in path:
        if level is None:
            return
        argument = level.get(name)
        if argument is None:
            if name != "id" or level is not known:
                near = nearest(name, level, cutoff=0.6)
                yield (
                    line,
                    (f".{name}",),
                    f"{'.'.join(path)} is read of {type_}, which has no {name}",
                    f"write {near}" if near else "write an attribute that the provider's documentation has",
                )
            return
        level = argument.block
