"""Write down what arguments the current AWS provider of Terraform takes, for the resource types of terraform/.

Releases of the provider cannot be run everywhere, but bindings of the CDK for Terraform are generated from the schema
that each release prints, and lie in package indexes. Their JavaScript is read, never run.

Usage: python scripts/terraform_provider_schema.py [--check] [--wheel FILE]
"""

from __future__ import annotations

import argparse
import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "tests/terraform/provider-6.json"
PACKAGE, VERSION = "cdktn-provider-aws", "25.8.1"

_CLASS = re.compile(r"^class (\w+) extends .*?^\}", re.MULTILINE | re.DOTALL)
_FUNCTION = re.compile(r"^function (\w+)ToHclTerraform\(.*?^\}", re.MULTILINE | re.DOTALL)
_FLAGS = re.compile(r"// (\w+) - computed: (\w+), optional: (\w+), required: (\w+)")
_ENTRY = re.compile(
    r'^\s+(\w+): \{\s+value: (.*?),\s+isBlock: \w+,\s+type: "(\w+)",\s+storageClassType: "(\w+)",\s+\}',
    re.MULTILINE | re.DOTALL,
)
_ONLY_READ = re.compile(r'new (\w+?)(?:List|OutputReference)\(this, "(\w+)"')
_NESTED = re.compile(r"(\w+)ToHclTerraform")
_TYPE = re.compile(r'tfResourceType = "(\w+)"')
_SCALARS = {"string": "string", "number": "number", "boolean": "bool"}
_COLLECTIONS = {"list": "list of ", "set": "set of ", "map": "map of "}

Schema = dict[str, Any]
"""Arguments by name: what one is ("string", "set of string", …) and whether it is required, optional or only read
("required string"); a block is an object with its `block` ("required list") and the arguments in it."""


class Bindings:
    """One module of the bindings: a resource or a data source."""

    def __init__(self, text: str) -> None:
        self._classes = {found[1]: found[0] for found in _CLASS.finditer(text)}
        self._functions = {found[1]: found[0] for found in _FUNCTION.finditer(text)}
        (self._top,) = [name for name, body in self._classes.items() if _TYPE.search(body)] or [
            found[1] for found in re.finditer(r'^(\w+)\.tfResourceType = "', text, re.MULTILINE)
        ]

    def schema(self) -> Schema:
        """Arguments of the resource."""
        return self._arguments(self._classes[self._top], self._classes[self._top])

    def _arguments(self, flags: str, entries: str) -> Schema:
        needs = {name: _need(*said) for name, *said in _FLAGS.findall(flags)}
        arguments: Schema = {name: need for name, need in needs.items() if need == "read"}
        for inner, name in _ONLY_READ.findall(flags):
            if needs.get(name) == "read":
                arguments[name] = {"block": "read"} | self._arguments(self._classes[f"{inner}OutputReference"], "")
        for name, value, kind, stored in _ENTRY.findall(entries):
            need = needs[name]
            scalar = _SCALARS.get(stored.removesuffix("List").removesuffix("Map"))
            nested = _NESTED.findall(value)[0]
            if scalar is not None:
                arguments[name] = f"{need} {_COLLECTIONS.get(kind, '')}{scalar}"
            elif nested not in self._functions:
                arguments[name] = f"{need} any"  # collections in collections
            else:
                inner = self._classes.get(f"{nested[0].upper()}{nested[1:]}OutputReference", "")
                arguments[name] = {"block": f"{need} {kind}"} | self._arguments(inner, self._functions[nested])
        return arguments


def _need(computed: str, optional: str, required: str) -> str:
    if required == "true":
        return "required"
    if optional == "true":
        return "optional read" if computed == "true" else "optional"
    return "read"


def used_types() -> tuple[set[str], set[str]]:
    """Types of resources and of data sources of the AWS provider that terraform/ has."""
    found = [
        match
        for path in ROOT.glob("terraform/**/*.tf")
        for match in re.findall(r'^(resource|data) "(aws_\w+)"', path.read_text(), re.MULTILINE)
    ]
    return {name for kind, name in found if kind == "resource"}, {name for kind, name in found if kind == "data"}


def read(wheel: Path) -> Iterator[tuple[str, str, Schema]]:
    """Kind, type and arguments of each resource and data source in use; raises SystemExit for one that is not there."""
    resources, data_sources = used_types()
    wanted = {
        f"package/lib/{name.removeprefix('aws_').replace('_', '-')}/index.js": ("resource", name) for name in resources
    }
    wanted |= {f"package/lib/data-{name.replace('_', '-')}/index.js": ("data", name) for name in data_sources}
    with ZipFile(wheel) as opened:
        (archive,) = [name for name in opened.namelist() if name.endswith(".jsii.tgz")]
        packed = opened.read(archive)
    with tarfile.open(fileobj=io.BytesIO(packed)) as files:
        for member in files:
            if member.name in wanted and (file := files.extractfile(member)) is not None:
                kind, name = wanted.pop(member.name)
                yield kind, name, Bindings(file.read().decode()).schema()
    if wanted:
        raise SystemExit(f"{wheel.name} has no {', '.join(sorted(name for _, name in wanted.values()))}")


def provider_version(wheel: Path) -> str:
    """The version of the provider that bindings were generated from."""
    with ZipFile(wheel) as opened:
        (metadata,) = [name for name in opened.namelist() if name.endswith(".dist-info/METADATA")]
        said = re.search(r"hashicorp/aws provider version (\S+)", opened.read(metadata).decode())
    if said is None:
        raise SystemExit(f"{wheel.name} does not say which version of the provider it was made from")
    return said[1]


def record(wheel: Path) -> str:
    """The text of the file."""
    schemas: dict[str, dict[str, Schema]] = {"resource": {}, "data": {}}
    for kind, name, schema in read(wheel):
        schemas[kind][name] = schema
    package, version = wheel.name.split("-")[:2]
    source = {"provider": provider_version(wheel), "package": f"{package.replace('_', '-')} {version}, from PyPI"}
    return json.dumps({"source": source, **schemas}, indent=1, sort_keys=True) + "\n"


def main() -> None:
    """Writes the file, or says whether it is current."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the file is not current")
    parser.add_argument("--wheel", type=Path, help="a wheel that is here already")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wheel = options.wheel
        if wheel is None:
            argv = [
                sys.executable,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "--dest",
                folder,
                f"{PACKAGE}=={VERSION}",
            ]
            subprocess.run(argv, check=True)
            (wheel,) = Path(folder).glob("*.whl")
        text = record(wheel)
    if options.check:
        sys.exit(
            0 if TARGET.read_text() == text else f"{TARGET.relative_to(ROOT)} is not current; run this without --check"
        )
    TARGET.write_text(text)


if __name__ == "__main__":
    main()
