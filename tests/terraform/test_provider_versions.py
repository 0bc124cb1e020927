"""Every argument that the root sets and every attribute that it reads, held against both majors of the AWS provider.

5.100 is asked itself. 6 cannot be run here, so the schema of one of its releases is kept, by a script of
scripts/ (terraform_provider_schema.py).
"""

import json
import re
import runpy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hcl2
import pytest

from tests.terraform.configuration import HERE, REPOSITORY, ROOT, Configuration

KEPT: dict[str, Any] = json.loads((HERE / "provider-6.json").read_text())
SECTIONS = {"resource": "resource_schemas", "data": "data_source_schemas"}
META = {"connection", "count", "depends_on", "dynamic", "for_each", "lifecycle", "provider", "provisioner"}
# object.attribute, as far as one name is read from one resource: aws_vpc.this.id, data.aws_x.y["z"].attribute
READ = re.compile(r"(?<![\w.])(data\.)?(aws_\w+)\.\w+(?:\[[^][]*\])?\.(\w+)((?:\[[^][]*\])?\.\w+)?")
# for subnet in aws_subnet.private : … subnet.id, and each.value.id below for_each = aws_subnet.private
LOOP = re.compile(r"for (?:\w+, )?(\w+) in (aws_\w+)\.\w+ :(.*)")
EACH = re.compile(r'^resource "aws_\w+" "\w+" \{\n  for_each += (aws_\w+)\.\w+$(.*?)^\}', re.MULTILINE | re.DOTALL)


# What the two majors say of an argument that is set here, and why it is the same for this configuration.
_BUCKET_KEY = "aws_s3_bucket_server_side_encryption_configuration.rule"
_IS_SET = "it is set here, so nothing is left to be read"
DIFFERENCES = {
    f"aws_eks_cluster.{name}.enabled": ("optional bool", "optional read bool", _IS_SET)
    for name in ("compute_config", "kubernetes_network_config.elastic_load_balancing", "storage_config.block_storage")
} | {
    "aws_instance.user_data": (
        "optional read string",
        "optional string",
        "6 keeps the text itself, which is no secret",
    ),
    "aws_nat_gateway.subnet_id": (
        "required string",
        "optional string",
        "6 has gateways of a region; these are of a zone",
    ),
    f"{_BUCKET_KEY}.apply_server_side_encryption_by_default.kms_master_key_id": (
        "optional string",
        "optional read string",
        _IS_SET,
    ),
    f"{_BUCKET_KEY}.bucket_key_enabled": (
        "optional bool",
        "optional read bool",
        _IS_SET,
    ),
    "aws_subnet.cidr_block": ("optional string", "optional read string", _IS_SET),
}


@dataclass(frozen=True)
class Body:
    """What one block sets, and where it stands: a resource itself has the path ()."""

    kind: str
    type: str
    path: tuple[str, ...]
    attributes: frozenset[str]
    blocks: frozenset[str]


def _bodies(kind: str, of: str, path: tuple[str, ...], body: dict[str, Any]) -> Iterator[Body]:
    attributes, blocks = set(), set()
    dynamic = {
        label.strip('"'): inner["content"]
        for it in body.get("dynamic", [])
        for label, inner in it.items()
        if label[:2] != "__"
    }
    for name, value in (body | dynamic).items():
        if name.startswith("__") or (not path and name in META) or name == "dynamic":
            continue
        if isinstance(value, list) and value and isinstance(value[0], dict) and value[0].get("__is_block__"):
            blocks.add(name)
            for inner in value:
                yield from _bodies(kind, of, (*path, name), inner)
        else:
            attributes.add(name)
    yield Body(kind, of, path, frozenset(attributes), frozenset(blocks))


def _set() -> Iterator[Body]:
    for path in sorted(ROOT.rglob("*.tf")):
        parsed = hcl2.loads(path.read_text())
        for kind in SECTIONS:
            for it in parsed.get(kind, []):
                for of, named in it.items():
                    for name, body in named.items():
                        if of.strip('"').startswith("aws_") and not name.startswith("__"):
                            yield from _bodies(kind, of.strip('"'), (), body)


def _read() -> set[tuple[str, str, tuple[str, ...]]]:
    found: set[tuple[str, str, tuple[str, ...]]] = set()
    for path in sorted(ROOT.rglob("*.tf")):
        text = path.read_text()
        for data, of, name, further in READ.findall(text):
            rest = (further.rpartition(".")[2],) if further.startswith("[") else ()
            found.add(("data" if data else "resource", of, (name, *rest)))
        for variable, of, scope in LOOP.findall(text):
            found |= {("resource", of, (name,)) for name in re.findall(rf"(?<![\w.]){variable}\.(\w+)", scope)}
        for of, scope in EACH.findall(text):
            found |= {("resource", of, (name,)) for name in re.findall(r"each\.value\.(\w+)", scope)}
    return found


SET = list(_set())
TYPES = sorted({(it.kind, it.type) for it in SET})


def _within(schema: dict[str, Any], path: tuple[str, ...]) -> Any:
    for name in path:
        schema = schema[name]
    return schema


def _said(known: Any) -> str:
    return "not there" if known is None else known if isinstance(known, str) else "a block"


def _problems(schema: dict[str, Any], bodies: list[Body]) -> Iterator[str]:
    for it in bodies:
        known = {name: said for name, said in _within(schema, it.path).items() if it.path == () or name != "block"}
        for name in sorted(it.attributes):
            if not isinstance(known.get(name), str) or known[name] == "read":
                yield f"{'.'.join((*it.path, name))} is set, and is {_said(known.get(name))}"
        for name in sorted(it.blocks):
            if not isinstance(known.get(name), dict) or known[name]["block"] == "read":
                yield f"{'.'.join((*it.path, name))} is a block here, and is {_said(known.get(name))}"
        for name, said in sorted(known.items()):
            need = said if isinstance(said, str) else said["block"]
            if need.startswith("required ") and name not in it.attributes | it.blocks:
                yield f"{'.'.join((*it.path, name))} is required, and is not set"


@pytest.mark.parametrize("kind, of", TYPES, ids=[of if kind == "resource" else f"data.{of}" for kind, of in TYPES])
def test_what_is_set_is_taken_by_provider_6(kind: str, of: str) -> None:
    bodies = [it for it in SET if (it.kind, it.type) == (kind, of)]
    assert of in KEPT[kind], "run: python scripts/terraform_provider_schema.py"
    assert list(_problems(KEPT[kind][of], bodies)) == []


def test_what_is_read_is_there_in_provider_6() -> None:
    read = _read()
    assert len(read) > 40
    missing = set()
    for kind, of, path in read:
        try:
            _within(KEPT[kind][of], path)
        except (KeyError, TypeError):
            missing.add((kind, of, ".".join(path)))
    assert missing == set()


def test_the_kept_schema_is_of_the_types_in_use_and_of_the_bindings_that_are_pinned() -> None:
    assert {(kind, of) for kind in SECTIONS for of in KEPT[kind]} == set(TYPES), (
        "run: python scripts/terraform_provider_schema.py"
    )
    script = runpy.run_path(str(REPOSITORY / "scripts/terraform_provider_schema.py"))
    assert KEPT["source"]["package"] == f"{script['PACKAGE']} {script['VERSION']}, from PyPI"
    low, high = re.search(r'version = ">= ([\d.]+), < ([\d.]+)"', (ROOT / "versions.tf").read_text()).groups()  # type: ignore[union-attr]
    assert _number(low) <= _number(KEPT["source"]["provider"]) < _number(high)


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def test_what_is_set_has_one_type_in_both_majors(root: Configuration, tmp_path: Path) -> None:
    """A type or a block that differs would have one configuration mean two things."""
    # The root without its backend, which is asked for before anything is printed.
    (tmp_path / "versions.tf").write_text((ROOT / "modules/network/versions.tf").read_text())
    alone = Configuration(tmp_path)
    assert alone.initialise().returncode == 0
    printed = alone.run("providers", "schema", "-json")
    assert printed.returncode == 0, printed.stderr
    (provider,) = json.loads(printed.stdout)["provider_schemas"].values()
    compared, differences = 0, {}
    for it in SET:
        five: Any = provider[SECTIONS[it.kind]][it.type]["block"]
        for name in it.path:
            five = five["block_types"][name]["block"]
        six = _within(KEPT[it.kind][it.type], it.path)
        for name in sorted(it.attributes | it.blocks):
            compared += 1
            before, now = _of_5(five, name), six[name] if isinstance(six[name], str) else six[name]["block"]
            if before != now:
                differences[".".join((it.type, *it.path, name))] = (before, now)
    assert compared > 500
    assert {name: (before, now) for name, (before, now, _) in DIFFERENCES.items()} == differences


def _of_5(block: dict[str, Any], name: str) -> str:
    if name in block.get("block_types", {}):
        found = block["block_types"][name]
        return f"{'required' if found.get('min_items') else 'optional'} {found['nesting_mode']}"
    found = block["attributes"][name]
    need = "required" if found.get("required") else "optional read" if found.get("computed") else "optional"
    kind = found["type"]
    return f"{need} {kind if isinstance(kind, str) else f'{kind[0]} of {kind[1]}'}"


def test_a_change_of_the_schema_would_be_noticed() -> None:
    schema = {
        "name": "required string",
        "vpc": "read",
        "old": "optional string",
        "was": {"block": "optional list", "a": "required string"},
    }
    bodies = [
        Body("resource", "aws_x", (), frozenset({"vpc", "gone", "was"}), frozenset({"old"})),
        Body("resource", "aws_x", ("was",), frozenset(), frozenset()),
    ]
    assert list(_problems(schema, bodies)) == [
        "gone is set, and is not there",
        "vpc is set, and is read",
        "was is set, and is a block",
        "old is a block here, and is optional string",
        "name is required, and is not set",
        "was.a is required, and is not set",
    ]
