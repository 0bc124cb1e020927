"""Blocks of Terraform with their evaluated values, and where each is written."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from modelyard.findings import Address, Place, Precision, UserError
from modelyard.repository import Files, hcl
from modelyard.view.terraform.tokens import placed_attributes

_KEY = re.compile(r"(?:\[\"([^\"]*)\"\]|\[\d+\])$")


@dataclass(frozen=True, slots=True)
class LineAddress:
    """A line of a file, found by a text when it is printed.

    Attributes:
        files: The repository's files.
        file: The file, relative to the repository.
        first: First line that is looked at, counted from 1.
        last: Last line; 0 for the end of the file.
        sought: Texts of which each is looked for after the line of the one before; those that are not found are
            passed over. Blanks around a text must stand there, and are not part of the place.
    """

    files: Files
    file: str
    first: int = 1
    last: int = 0
    sought: tuple[str, ...] = ()

    def place(self) -> Place:
        """Return the line of the last text that was found, else the first line."""
        try:
            lines = self.files.text(self.file).splitlines()
        except UserError:
            return Place(self.file)
        number, column, width = self.first, 0, 0
        position = self.first - 1
        for text in self.sought:
            for index in range(position, min(self.last or len(lines), len(lines))):
                at = lines[index].find(text)
                if at >= 0 and not lines[index].lstrip().startswith(("#", "//")):
                    before = len(text) - len(text.lstrip())
                    number, column, width, position = index + 1, at + before, len(text.strip()), index
                    break
        if number > len(lines):
            return Place(self.file)
        line = lines[number - 1]
        if not width:
            column, width = len(line) - len(line.lstrip()), len(line.strip())
        return Place(self.file, number, column + 1, column + 1 + width, Precision.EXACT, line)


@dataclass(frozen=True)
class Block:
    """One block after evaluation; of a block with `count` or `for_each`, one of what it makes.

    Attributes:
        files: The repository's files.
        mode: `resource`, `data`, `module`, `variable`, `output`, `locals`, `terraform` or `provider`.
        type: The resource's type; the mode for other blocks.
        address: Its address, such as `module.karpenter[0].aws_iam_role.node`.
        file: The file, relative to the repository.
        first: Its first line.
        last: Its last line.
        values: Attributes and nested blocks; None for what is only known when Terraform runs.
    """

    files: Files
    mode: str
    type: str
    address: str
    file: str
    first: int
    last: int
    values: Mapping[str, Any] = field(repr=False)

    @property
    def id(self) -> str:
        """Return what stands for the block in the values of others."""
        return str(self.values.get("id") or "")

    @property
    def key(self) -> str:
        """Return the key of `for_each`; empty without one."""
        found = _KEY.search(self.address)
        return (found[1] or "") if found else ""

    @property
    def resource(self) -> str:
        """Return its address without the key of `for_each`."""
        return _KEY.sub("", self.address)

    @property
    def module(self) -> str:
        """Return the address of the module that it is in; empty for the root."""
        match = re.match(r"((?:module\.[^.\[]+(?:\[[^\]]*\])?\.)*)", self.address)
        return match[1].rstrip(".") if match else ""

    def text(self, name: str) -> str:
        """Return an attribute that is text or a number; empty where it is absent, or not known."""
        value = self.values.get(name)
        return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""

    def mapping(self, name: str) -> dict[str, Any]:
        """Return an attribute that is a mapping, or one nested block; an empty one else."""
        value = self.values.get(name)
        return value if isinstance(value, dict) and "__attribute__" not in value else {}

    def nested(self, name: str) -> list[dict[str, Any]]:
        """Return the nested blocks of a name."""
        value = self.values.get(name)
        return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, dict)]

    def at(self, path: tuple[str | int, ...] = ()) -> Address:
        """Return the address of an attribute; of the block where it has none."""
        return LineAddress(self.files, self.file, self.first, self.last, tuple(str(step) for step in path))

    @cached_property
    def source(self) -> str:
        """Return the block as written."""
        return "\n".join(self.files.text(self.file).splitlines()[self.first - 1 : self.last])

    def __str__(self) -> str:
        return self.address


@dataclass(frozen=True)
class Terraform:
    """The configuration of one environment.

    Attributes:
        folder: The folder of the root module.
        variables_file: The file with the environment's variables; empty where there is none.
        blocks: All blocks.
        sources: The files that it is written in.
        files: The repository's files.
    """

    folder: str
    variables_file: str
    blocks: tuple[Block, ...]
    sources: tuple[str, ...]
    files: Files

    @cached_property
    def _by_type(self) -> Mapping[tuple[str, str], list[Block]]:
        found: dict[tuple[str, str], list[Block]] = defaultdict(list)
        for block in self.blocks:
            found[block.mode, block.type].append(block)
        return found

    @cached_property
    def _by_id(self) -> Mapping[str, Block]:
        named = {block.text("arn"): block for block in self.blocks if block.mode == "resource"}
        return {**named, **{block.id: block for block in self.blocks if block.id}}

    def resources(self, type_: str) -> list[Block]:
        """Return the resources of a type."""
        return self._by_type.get(("resource", type_), [])

    def data(self, type_: str) -> list[Block]:
        """Return the data sources of a type."""
        return self._by_type.get(("data", type_), [])

    def of_mode(self, mode: str) -> Iterator[Block]:
        """Yield the blocks of a mode."""
        return (block for block in self.blocks if block.mode == mode)

    def texts(self) -> Iterator[tuple[str, str]]:
        """Yield each file of the configuration with its text: modules and the templates beside them."""
        return ((file, self.files.text(file)) for file in self.sources)

    def named(self, reference: object) -> Block | None:
        """Return the block that an attribute's value stands for, such as a role's `arn`; None where it is not known."""
        return self._by_id.get(reference) if isinstance(reference, str) and reference else None

    def variable(self, name: str) -> Any:
        """Return the value that the environment gives to a variable of the root module, else its default."""
        if name in self.given:
            return self.given[name]
        block = next((each for each in self.of_mode("variable") if each.address == f"variable.{name}"), None)
        return block.values.get("default") if block is not None else None

    @cached_property
    def given(self) -> Mapping[str, Any]:
        """Return the variables that the environment sets; none where their file cannot be read."""
        return variables_in(self.files, self.variables_file) if self.variables_file else {}

    def variable_at(self, name: str, sought: str = "") -> Address:
        """Return where the environment sets a variable, else where the variable is declared."""
        if name in self.given:
            lines = placed_attributes(self.files.text(self.variables_file))
            first = next((line for found, _, line in lines if found == name), 1)
            return LineAddress(self.files, self.variables_file, first, sought=(name, sought) if sought else (name,))
        block = next((each for each in self.of_mode("variable") if each.address == f"variable.{name}"), None)
        return block.at(("default", sought)) if block is not None else LineAddress(self.files, self.variables_file)


def variables_in(files: Files, path: str) -> dict[str, Any]:
    """Return the variables that a file sets, as values; none where it is no file of variables."""
    try:
        return hcl.variables(path, files.text(path))
    except UserError:
        return {}


def association(block: Block) -> tuple[str, str]:
    """Return namespace and name of the service account of a Pod Identity association; empty where unknown."""
    namespace, account = block.text("namespace"), block.text("service_account")
    if not (namespace and account):
        # Where for_each holds what is known only after apply, the key of the resource tells: `namespace/name`.
        first, slash, second = block.key.partition("/")
        namespace, account = namespace or (first if slash else ""), account or second
    return namespace, account
