"""Rebuild the catalogue's record of a vLLM version: flags, environment variables, parsers.

vLLM-Omni has the flags of the vLLM that its image holds, which has its own version less the patch, and more.

The wheel is hundreds of megabytes, so only the few source files that matter are read, with HTTP range requests through
pip's own lazy wheel. They are parsed, never run.

Usage: python scripts/catalog_vllm.py [--check] [--wheel FILE] [VERSION ...]
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from zipfile import ZipFile

TARGET = Path(__file__).resolve().parent.parent / "src" / "modelyard" / "catalog" / "data" / "engines" / "vllm"
VERSIONS = ("0.16.0", "0.20.0", "0.22.0", "0.24.0", "0.26.0", "0.27.1", "0.30.0", "0.33.0")
OMNI_VERSIONS = ("0.26.0",)
OMNI_ARGUMENTS = "vllm_omni/entrypoints/cli/serve.py"
ENGINE_ARGUMENTS = "vllm/engine/arg_utils.py"
FRONTEND_ARGUMENTS = (
    "vllm/entrypoints/common/cli_args.py",
    "vllm/entrypoints/launchers/cli_args.py",
    "vllm/entrypoints/openai/cli_args.py",
)
FRONTEND_CLASSES = ("BaseFrontendArgs", "FrontendArgs")
PARSER = "vllm/utils/argparse_utils.py"
INVERSES = {"enable-": "--disable-", "disable-": "--enable-"}
"""What `EnableDisableAction` of newer parsers adds to a switch, beside its `--no-` form."""
# A choice of the type that the command line does not take.
_RETRACTED = re.compile(r"\w+\['(\w+)'\]\['choices'\]\.remove")
# Names of literals that lie beside what they choose, and not with the configuration.
LITERALS = ("vllm/model_executor/model_loader/__init__.py", "vllm/model_executor/layers/quantization/__init__.py")
CONNECTORS = "vllm/distributed/kv_transfer/kv_connector/factory.py"
PARSER_TABLES = {
    "tool-call-parsers": ("vllm/tool_parsers/__init__.py", "_TOOL_PARSERS_TO_REGISTER"),
    "reasoning-parsers": ("vllm/reasoning/__init__.py", "_REASONING_PARSERS_TO_REGISTER"),
}
HUMAN_READABLE = {
    "max_model_len",
    "max_num_batched_tokens",
    "max_num_scheduled_tokens",
    "kv_cache_memory_bytes",
    "safetensors_prefetch_block_size",
    "max_num_queued_tokens",
}


@contextmanager
def wheel(version: str, given: Path | None, package: str = "vllm") -> Iterator[ZipFile]:
    """Open a wheel: the file given, or the index's by range requests."""
    if given is not None:
        with ZipFile(given) as opened:
            yield opened
        return
    from pip._internal.network.lazy_wheel import LazyZipOverHTTP

    session, links = index(package)
    start = f"/{package.replace('-', '_')}-{version}-"
    found = [link for link in links if start in link and link.endswith(("x86_64.whl", "-any.whl"))]
    if not found:
        raise SystemExit(f"no wheel of {package} {version} for x86_64 in the index")
    with LazyZipOverHTTP(found[0], session) as remote:
        yield ZipFile(remote)


@cache
def index(package: str) -> tuple[Any, tuple[str, ...]]:
    """Return a session with the package index, and the addresses of a package's files."""
    from pip._internal.models.index import PyPI
    from pip._internal.network.session import PipSession

    session = PipSession()
    page = session.get(f"{PyPI.simple_url}/{package}/", timeout=60).text
    return session, tuple(link.partition("#")[0] for link in re.findall(r'href="([^"]+)"', page))


class Sources:
    """The parsed modules of a wheel, with the literal types that their annotations name."""

    def __init__(self, opened: ZipFile) -> None:
        names = set(opened.namelist())
        wanted = [name for name in names if re.fullmatch(r"vllm/config/\w+\.py", name)]
        wanted += [name for name in (ENGINE_ARGUMENTS, *FRONTEND_ARGUMENTS, PARSER, "vllm/envs.py") if name in names]
        wanted += [name for name, _ in PARSER_TABLES.values() if name in names]
        wanted += [name for name in (*LITERALS, CONNECTORS) if name in names]
        if not names.intersection(FRONTEND_ARGUMENTS):
            # Half of the flags would be missing, and every one of them a finding.
            raise SystemExit(f"{opened.filename or 'the wheel'} holds none of {', '.join(FRONTEND_ARGUMENTS)}")
        self.trees = {name: ast.parse(opened.read(name)) for name in sorted(wanted)}
        self.classes: dict[str, ast.ClassDef] = {}
        self.literals: dict[str, list[Any]] = {}
        for _ in range(3):  # names stand for names, which may be defined in a later module
            for tree in self.trees.values():
                for node in tree.body:
                    self._learn(node)

    def _learn(self, node: ast.stmt) -> None:
        if isinstance(node, ast.ClassDef):
            self.classes[node.name] = node
        target = value = None
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            target, value = node.targets[0].id, node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            target, value = node.target.id, node.value
        if target and value is not None and not isinstance(value, ast.Constant) and (choices := self.choices(value)):
            self.literals[target] = choices

    def choices(self, annotation: ast.expr) -> list[Any]:
        """Return the values that an annotation allows, or nothing when it names no literals."""
        if isinstance(annotation, ast.Name):
            return self.literals.get(annotation.id, [])
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            return self.choices(ast.parse(annotation.value, mode="eval").body)
        if isinstance(annotation, ast.BinOp):
            return self.choices(annotation.left) + self.choices(annotation.right)
        if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value).endswith("Literal"):
            parts = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
            found: list[Any] = []
            for part in parts:
                found += [part.value] if isinstance(part, ast.Constant) else self.choices(part)
            return found
        return []

    def fields(self, name: str) -> dict[str, ast.AnnAssign]:
        """Return the fields of a dataclass, inherited ones first."""
        found: dict[str, ast.AnnAssign] = {}
        node = self.classes[name]
        for base in node.bases:
            if isinstance(base, ast.Name) and base.id in self.classes:
                found |= self.fields(base.id)
        for statement in node.body:
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                found[statement.target.id] = statement
        return found


def described(sources: Sources, field: ast.AnnAssign, name: str) -> dict[str, Any]:
    """Return type, choices and default of a configuration field, as the command line sees them."""
    annotation = ast.unparse(field.annotation)
    found: dict[str, Any] = {}
    choices = sources.choices(field.annotation)
    words = set(re.findall(r"[A-Za-z_]\w*", annotation))
    if "bool" in words and not words & {"str", "int"}:
        found["type"] = "boolean"
    elif "bool" in words:
        found["type"] = "boolean-or-string"
    elif words & {"list", "set", "tuple", "Sequence"}:
        found["type"] = "list"
    elif choices:
        found["type"] = "int" if all(isinstance(choice, int) for choice in choices) else "string"
        # Plugins may add methods of quantisation and types of the cache, so those lists are open.
        found["known" if words & {"str", "QuantizationMethods"} else "choices"] = choices
    elif "int" in words:
        found["type"] = "human-int" if name in HUMAN_READABLE else "int"
    elif "float" in words:
        found["type"] = "float"
    elif "dict" in words or any(
        word.endswith(("Overrides", "Options")) or (word in sources.classes and word.endswith("Config"))
        for word in words
    ):
        found["type"] = "json"
    else:
        found["type"] = "string"
    default = literal_default(field.value)
    if default is not ...:
        found["default"] = default
    return found


def literal_default(value: ast.expr | None) -> Any:
    """Return a default that is written as a literal, or `...` for one that is computed."""
    if isinstance(value, ast.Call):
        called = ast.unparse(value.func)
        keywords = {word.arg: word.value for word in value.keywords}
        if called.endswith("Field") and "default" in keywords:
            return literal_default(keywords["default"])
        if called.endswith("Field") and value.args:
            return literal_default(value.args[0])
        return ...
    if value is None:
        return ...
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return ...


def flags(sources: Sources) -> dict[str, dict[str, Any]]:
    """Return every flag of `vllm serve` by its long name."""
    found: dict[str, dict[str, Any]] = {}
    for module in (ENGINE_ARGUMENTS, *FRONTEND_ARGUMENTS):
        tree = sources.trees.get(module)
        if tree is None:
            continue
        configs = {
            node.targets[0].id: node.value.args[0].id
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.Call)
            and ast.unparse(node.value.func) == "get_kwargs"
            and node.value.args
            and isinstance(node.value.args[0], ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".add_argument"):
                found.update(_argument(sources, node, configs))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (retracted := _RETRACTED.fullmatch(ast.unparse(node.func))):
                entry = found.get(retracted[1].replace("_", "-"), {})
                values = {_text(sources, argument) for argument in node.args}
                entry["choices"] = [each for each in entry.get("choices", ()) if each not in values]
    for name in FRONTEND_CLASSES:
        if name in sources.classes:
            for field, node_ in sources.fields(name).items():
                found.setdefault(field.replace("_", "-"), described(sources, node_, field))
    if "EnableDisableAction" in sources.classes:
        for name, entry in found.items():
            prefix = next((each for each in INVERSES if name.startswith(each)), None)
            if prefix and entry["type"] == "boolean":
                entry["aliases"] = [*entry.get("aliases", ()), INVERSES[prefix] + name.removeprefix(prefix)]
    return dict(sorted(found.items()))


def _text(sources: Sources, node: ast.expr) -> str | None:
    """Return a text, or what the module constant of a name holds."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    for each in (each for tree in sources.trees.values() for each in tree.body):
        if isinstance(each, ast.Assign | ast.AnnAssign) and isinstance(each.value, ast.Constant):
            target = each.targets[0] if isinstance(each, ast.Assign) else each.target
            if ast.unparse(target) == ast.unparse(node):
                return str(each.value.value)
    return None


def _argument(sources: Sources, call: ast.Call, configs: dict[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    names = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    long = next((name for name in names if name.startswith("--")), None)
    if long is None:
        return
    entry: dict[str, Any] = {"type": "string"}
    for word in call.keywords:
        text = ast.unparse(word.value)
        source = re.search(r"(\w+)\['(\w+)'\]", text) if word.arg is None else None
        if source and source[1] in configs and source[2] in (fields := sources.fields(configs[source[1]])):
            entry = described(sources, fields[source[2]], source[2])
            if isinstance(word.value, ast.Dict):  # the field's own arguments with some replaced
                replaced = zip(word.value.keys, word.value.values, strict=True)
                if any(isinstance(key, ast.Constant) and key.value == "default" for key, _ in replaced):
                    entry.pop("default", None)
    for word in call.keywords:
        text = ast.unparse(word.value)
        if word.arg == "action" and ("Boolean" in text or "store_" in text):
            entry["type"] = "boolean"
        elif word.arg == "type" and text in ("int", "float"):
            entry["type"] = text
        elif word.arg == "default" and (value := literal_default(word.value)) is not ...:
            entry["default"] = value
        elif word.arg == "choices":
            value = literal_default(word.value)
            if isinstance(value, list):
                entry["choices"] = value
    aliases = [name for name in names if name != long]
    if aliases:
        entry["aliases"] = aliases
    yield long.removeprefix("--"), entry


def _assigns(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.AnnAssign):
        target: ast.expr = node.target
    elif isinstance(node, ast.Assign):
        target = node.targets[0]
    else:
        return False
    return isinstance(target, ast.Name) and target.id == name and isinstance(node.value, ast.Dict)


def _keys(node: ast.AST) -> list[str]:
    keys = next(child for child in ast.walk(node) if isinstance(child, ast.Dict)).keys
    return sorted(key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str))


def environment(sources: Sources) -> list[str]:
    """Return the environment variables that vLLM reads."""
    for node in ast.walk(sources.trees["vllm/envs.py"]):
        if _assigns(node, "environment_variables"):
            return _keys(node)
    raise SystemExit("vllm/envs.py has no table of environment variables any more")


def parsers(sources: Sources, module: str, table: str) -> list[str]:
    """Return the names of a table of lazily loaded parsers."""
    for node in ast.walk(sources.trees.get(module, ast.Module([], []))):
        if _assigns(node, table):
            return _keys(node)
    return []


def record(version: str, given: Path | None) -> str:
    """Return the text of a version's data file."""
    with wheel(version, given) as opened:
        sources = Sources(opened)
    told = (
        f"vllm {version} (wheel): {ENGINE_ARGUMENTS}, vllm/config, cli_args.py of the API server, envs.py; "
        "load formats and methods of quantisation: model_loader and layers/quantization"
    )
    return written("vllm", version, told, sources, flags(sources))


def omni_record(version: str) -> str:
    """Return the text of a version of vLLM-Omni, which has the flags of the vLLM of its version as well."""
    with wheel(version, None) as opened:
        sources = Sources(opened)
    listed = flags(sources)
    with wheel(version, None, "vllm-omni") as opened:
        tree = ast.parse(opened.read(OMNI_ARGUMENTS))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".add_argument"):
            for name, entry in _argument(sources, node, {}):
                listed.setdefault(name, entry)
    told = f"vllm-omni {version} (wheel): {OMNI_ARGUMENTS}; vllm {version} (wheel) as in the record of vllm"
    return written("vllm-omni", version, told, sources, dict(sorted(listed.items())))


def written(name: str, version: str, source: str, sources: Sources, listed: dict[str, dict[str, Any]]) -> str:
    """Return the text of a data file."""
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in listed.items())
    head: dict[str, Any] = {
        "engine": name,
        "version": version,
        "source": source,
    }
    for key, (module, table) in PARSER_TABLES.items():
        head[key] = parsers(sources, module, table)
    head["environment"] = environment(sources)
    return json.dumps(head, indent=1)[:-2] + ',\n "flags": {\n' + lines + "\n }\n}\n"


def main() -> int:
    """Write the files, or with `--check` tell which ones are not current; 2 when a wheel cannot be had."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is not current")
    parser.add_argument("--wheel", type=Path, help="the wheel, when it is at hand; for one version only")
    parser.add_argument("versions", nargs="*", help="of vLLM; all, and vLLM-Omni's, when none is given")
    options = parser.parse_args()
    wanted = [("vllm", version) for version in options.versions or VERSIONS]
    wanted += [("vllm-omni", version) for version in OMNI_VERSIONS if not options.versions]
    stale = 0
    for name, version in wanted:
        path = TARGET.parent / name / f"{version}.json"
        try:
            text = record(version, options.wheel) if name == "vllm" else omni_record(version)
        except OSError as cause:  # pip's network errors are OSErrors, as is a wheel that is not there
            print(f"the wheel of {name} {version} could not be had: {cause}", file=sys.stderr)
            return 2
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        if options.check:
            print(f"not current: {path}; run python scripts/catalog_vllm.py {version}", file=sys.stderr)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
