"""What the reader of Terraform leaves open, worked out from the same files: blocks of `for_each`, and single values.

The reader gives up on a resource whose `for_each` names anything that a data source tells, and cuts a text off where
such a part stands. Which partition a region is in is known without asking AWS.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from modelyard.view.terraform.blocks import Block
from modelyard.view.terraform.operators import UNKNOWN, UnknownIdentity
from modelyard.view.terraform.syntax import parsed, walked
from modelyard.view.terraform.tokens import Unknown, attributes, literals

_LINES = "__lines__"
_META = frozenset({"for_each", "count", "depends_on", "provider", "providers", "source", "lifecycle"})
# By the beginning of a region's name.
_PARTITIONS = (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov"), ("us-iso-", "aws-iso"), ("us-isob-", "aws-iso-b"))
# What an expression may ask of a resource that only AWS knows, and that stands for the resource itself.
_IDENTITIES = frozenset({"arn", "id", "json", "key_id", "minified_json", "url"})
_MODULE = re.compile(r"^(.*?)\.?module\.([\w-]+)(?:\[[^\]]*\])?$")


def completed(blocks: tuple[Block, ...], given: Mapping[str, Any]) -> tuple[Block, ...]:
    """Return the blocks, those of an open `for_each` once for each key, with what could be worked out filled in.

    Args:
        blocks: As the reader gave them.
        given: The variables that the environment sets.
    """
    return tuple(_Completion(blocks, given).blocks())


class _Completion:
    """The scope of all modules.

    Args:
        blocks: As the reader gave them.
        given: The variables that the environment sets.
    """

    def __init__(self, blocks: tuple[Block, ...], given: Mapping[str, Any]) -> None:
        self._blocks = blocks
        self._given = given
        self._named: dict[tuple[str, str, str], list[Block]] = defaultdict(list)
        for block in blocks:
            self._named[block.module, block.mode, block.address].append(block)
        self._by_resource: dict[str, list[Block]] = defaultdict(list)
        for block in blocks:
            if block.mode in ("resource", "data"):
                self._by_resource[block.resource].append(block)
        self._sources: dict[tuple[str, int], dict[str, str]] = {}
        self._locals: dict[str, dict[str, tuple[Block, str]]] = defaultdict(dict)
        for block in blocks:
            if block.mode == "locals":
                for name, source in self._attributes(block).items():
                    self._locals[block.module][name] = (block, source)
        self._known: dict[tuple[str, str, str], Any] = {}
        self._asked: set[tuple[str, str, str]] = set()
        self._eaches: dict[str, Mapping[str, Any]] = {}

    def blocks(self) -> Iterator[Block]:
        """Yield every block as it is known now."""
        for block in self._blocks:
            if block.mode in ("resource", "data", "module", "output"):
                for instance in self._instances(block):
                    yield self._filled(instance)
            else:
                yield block

    def _attributes(self, block: Block) -> dict[str, str]:
        key = (block.file, block.first)
        if key not in self._sources:
            self._sources[key] = dict(attributes(block.source))
        return self._sources[key]

    def _instances(self, block: Block) -> list[Block]:
        """Return what an open `for_each` makes; the block itself where it has none, or its keys are not known."""
        source = self._attributes(block).get("for_each")
        if source is None or block.mode == "module":
            return [block]
        try:
            keys = _by_key(self._evaluated(block.module, source, {}))
        except Unknown:
            return [block]
        self._eaches[block.resource] = keys
        if block.address.endswith("]"):
            return [block]
        return [
            replace(block, address=f'{block.address}["{key}"]', values={**block.values, "id": f"{block.id}[{key}]"})
            for key in keys
        ]

    def _filled(self, block: Block) -> Block:
        bound = self._bound(block)
        values = dict(block.values)
        for name, source in self._attributes(block).items():
            if name not in _META:
                self._fill(values, name, source, block.module, bound)
        for name, value in list(values.items()):
            nested = value if isinstance(value, list) else [value]
            if any(isinstance(each, dict) and _LINES in each for each in nested):
                made = [self._nested(block, each, bound) if isinstance(each, dict) else each for each in nested]
                values[name] = made if isinstance(value, list) else made[0]
        return replace(block, values=values)

    def _bound(self, block: Block) -> dict[str, Any]:
        keys = self._eaches.get(block.resource)
        if keys is None or block.key not in keys:
            return {}
        return {"each": {"key": block.key, "value": keys[block.key]}}

    def _nested(self, block: Block, value: dict[str, Any], bound: Mapping[str, Any]) -> dict[str, Any]:
        if _LINES not in value:
            return value
        first, last = value[_LINES]
        key = (block.file, -first)
        if key not in self._sources:
            lines = block.files.text(block.file).splitlines()[first - 1 : last]
            self._sources[key] = dict(attributes("\n".join(lines)))
        made = dict(value)
        for name, source in self._sources[key].items():
            self._fill(made, name, source, block.module, bound)
        return made

    def _fill(self, values: dict[str, Any], name: str, source: str, module: str, bound: Mapping[str, Any]) -> None:
        value = values.get(name)
        if not (_is_open(value) or _is_cut(value, source)):
            return
        try:
            values[name] = _plain(self._evaluated(module, source, bound))
        except Unknown:
            values[name] = None if _is_cut(value, source) else value

    def _evaluated(self, module: str, source: str, bound: Mapping[str, Any]) -> Any:
        return parsed(source)(_Scope(self, module), bound)

    def reference(self, module: str, root: str, steps: tuple[Any, ...]) -> Any:
        """Return what a reference of a module's expression stands for.

        Raises:
            Unknown: It is not known before Terraform runs.
        """
        if root in ("local", "var"):
            return walked(self._once(module, root, str(steps[0])), steps[1:])
        if root == "module":
            return self._output(module, steps)
        if root == "data":
            if steps[0] == "aws_partition" and steps[-1] in ("partition", "id"):
                return self._partition()
            return self._attribute(module, f"data.{steps[0]}.{steps[1]}", steps[2:])
        if not steps:
            raise Unknown
        return self._attribute(module, f"{root}.{steps[0]}", steps[1:])

    def _once(self, module: str, root: str, name: str) -> Any:
        key = (module, root, name)
        if key not in self._known:
            if key in self._asked:
                raise Unknown  # it names itself
            self._asked.add(key)
            try:
                self._known[key] = self._local(module, name) if root == "local" else self._variable(module, name)
            except Unknown:
                self._known[key] = UNKNOWN
        value = self._known[key]
        if value is UNKNOWN:
            raise Unknown
        return value

    def _local(self, module: str, name: str) -> Any:
        if name not in self._locals[module]:
            return UNKNOWN
        block, source = self._locals[module][name]
        try:
            return self._evaluated(module, source, {})
        except Unknown:
            value = block.values.get(name)
            return UNKNOWN if literals(source) else _marked(value)

    def _variable(self, module: str, name: str) -> Any:
        found = _MODULE.match(module)
        if found is not None:
            call = next((each for each in self._blocks if each.mode == "module" and each.address == module), None)
            source = self._attributes(call).get(name) if call is not None else None
            if call is not None and source is not None:
                try:
                    return self._evaluated(found[1], source, {})
                except Unknown:
                    return UNKNOWN if literals(source) else _marked(call.values.get(name))
        elif name in self._given:
            return self._given[name]
        address = f"{module}.variable.{name}" if module else f"variable.{name}"
        for block in self._named.get((module, "variable", address), ()):
            source = self._attributes(block).get("default")
            return UNKNOWN if source is None else self._evaluated(module, source, {})
        return UNKNOWN

    def _output(self, module: str, steps: tuple[Any, ...]) -> Any:
        name, *rest = steps
        index = ""
        if rest and isinstance(rest[0], int):
            index = f"[{rest.pop(0)}]"
        if not rest:
            raise Unknown
        inner = f"{module}.module.{name}{index}" if module else f"module.{name}{index}"
        for block in self._named.get((inner, "output", f"{inner}.output.{rest[0]}"), ()):
            return walked(self._evaluated(inner, self._attributes(block).get("value", ""), {}), tuple(rest[1:]))
        raise Unknown

    def _attribute(self, module: str, resource: str, steps: tuple[Any, ...]) -> Any:
        """Return an attribute of a resource; what stands for the resource where only AWS knows it."""
        address = f"{module}.{resource}" if module else resource
        key = ""
        if len(steps) > 1 and not isinstance(steps[0], str):
            key, steps = f"[{steps[0]}]", steps[1:]
        elif len(steps) > 1 and (f'{address}["{steps[0]}"]' in self._addresses(address)):
            key, steps = f'["{steps[0]}"]', steps[1:]
        for block in self._by_resource.get(address, ()):
            for instance in self._instances(block):
                if instance.address != f"{address}{key}" or not steps:
                    continue
                value = instance.values.get(steps[0])
                source = self._attributes(block).get(str(steps[0]))
                if source is not None and (value is None or _is_cut(value, source)):
                    return walked(self._evaluated(module, source, self._bound(instance)), steps[1:])
                if value is not None:
                    return walked(_marked(value), steps[1:])
                if steps[0] in _IDENTITIES:
                    return UnknownIdentity(instance.id)
        raise Unknown

    def _addresses(self, resource: str) -> set[str]:
        return {each.address for block in self._by_resource.get(resource, ()) for each in self._instances(block)}

    def _partition(self) -> str:
        regions = {block.text("region") for block in self._blocks if block.mode == "provider"} - {""}
        starts = {next((name for start, name in _PARTITIONS if region.startswith(start)), "aws") for region in regions}
        if len(starts) != 1:
            raise Unknown
        return starts.pop()


class _Scope:
    """The scope of one module."""

    def __init__(self, completion: _Completion, module: str) -> None:
        self._completion, self._module = completion, module

    def lookup(self, root: str, steps: tuple[Any, ...], bound: Mapping[str, Any]) -> Any:
        if root in bound:
            return walked(bound[root], steps)
        return self._completion.reference(self._module, root, steps)


def _by_key(value: Any) -> Mapping[str, Any]:
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return {each: each for each in value}
    raise Unknown


def _is_open(value: Any) -> bool:
    return value is None or value == [] or (isinstance(value, list) and any(not each for each in value))


def _is_cut(value: Any, source: str) -> bool:
    """Return whether the reader ended texts where an interpolation stands that it could not evaluate."""
    if isinstance(value, list):
        return "${" in source and any(isinstance(each, str) and each.endswith(":") for each in value)
    fixed = literals(source)
    if not fixed or not isinstance(value, str):
        return False
    return re.fullmatch(".*".join(map(re.escape, fixed)), value, re.DOTALL) is None


def _marked(value: Any) -> Any:
    """Return a value of the reader, in which null is what it could not evaluate."""
    if value is None:
        return UNKNOWN
    if isinstance(value, dict):
        return {key: _marked(each) for key, each in value.items()}
    return [_marked(each) for each in value] if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    if value is UNKNOWN:
        return None
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, UnknownIdentity):
        return str(value)
    return [_plain(each) for each in value] if isinstance(value, list) else value
