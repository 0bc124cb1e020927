"""Print the options of a vLLM wheel's own argument parser, as JSON by long name.

The registry of flags (`catalog_vllm.py`) is read from the wheel's sources without running them. This runs them, to hold
the one against the other: the modules that declare the options are fetched from the wheel and imported. What they need
beside them (PyTorch, Transformers, the rest of vLLM) is replaced by stand-ins that take any use, and Pydantic by as
much of it as a declaration needs. The parser itself, and argparse below it, are the real ones.

Usage: python scripts/vllm_parser.py VERSION
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import importlib
import importlib.abc
import importlib.machinery
import importlib.metadata
import json
import re
import sys
import tempfile
import types
import typing
from pathlib import Path
from typing import Any

from catalog_vllm import FRONTEND_ARGUMENTS, wheel

SOURCES = (
    "vllm/__init__.py",
    "vllm/config/",
    "vllm/engine/__init__.py",
    "vllm/engine/arg_utils.py",
    "vllm/entrypoints/__init__.py",
    "vllm/entrypoints/common/",
    "vllm/entrypoints/launchers/__init__.py",
    "vllm/entrypoints/launchers/cli_args.py",
    "vllm/entrypoints/openai/__init__.py",
    "vllm/entrypoints/openai/cli_args.py",
    "vllm/envs.py",
    "vllm/logger.py",
    "vllm/tool_parsers/__init__.py",
    "vllm/tool_parsers/abstract",
    "vllm/utils/",
)


class _AnyClass(type):
    """Classes whose every attribute is another one."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = _AnyClass(name, (_Anything,), {})
        setattr(cls, name, made)
        return made

    def __or__(cls, other: Any) -> Any:
        return typing.Union[cls, other]  # noqa: UP007 - of classes that are not known here

    def __ror__(cls, other: Any) -> Any:
        return typing.Union[other, cls]  # noqa: UP007 - as above

    def __iter__(cls) -> Any:
        return iter(())

    def __contains__(cls, item: object) -> bool:
        return False

    def __getitem__(cls, item: object) -> Any:
        return cls


class _Anything(metaclass=_AnyClass):
    """An object that takes any use; as a decorator it leaves what it decorates."""

    device_type = "cuda"  # asked for while defaults are made

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        plain = len(args) == 1 and not kwargs and callable(args[0]) and not isinstance(args[0], _AnyClass)
        return args[0] if plain else object.__new__(cls)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take anything."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Anything()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return args[0] if len(args) == 1 and callable(args[0]) else _Anything()

    def __class_getitem__(cls, item: object) -> Any:
        return cls

    def __bool__(self) -> bool:
        return False

    def __iter__(self) -> Any:
        return iter(())

    def __hash__(self) -> int:
        return id(self)

    def __lt__(self, other: object) -> bool:
        return False

    def __ge__(self, other: object) -> bool:
        return True


class _AnyModule(types.ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = _AnyClass(name, (_Anything,), {})
        setattr(self, name, made)
        return made


class _StandIns(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds what nobody else found, standard library excepted."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name.partition(".")[0] in sys.stdlib_module_names:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        module = _AnyModule(spec.name)
        module.__path__ = []
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        """Leave it empty."""


def _field(default: Any = dataclasses.MISSING, *, default_factory: Any = None, init: Any = True, **_: Any) -> Any:
    more: dict[str, Any] = {} if init in (True, None) else {"init": False}
    if default_factory is not None:
        return dataclasses.field(default_factory=default_factory, **more)
    if default is ... or default is dataclasses.MISSING:
        return dataclasses.field(**more)
    if isinstance(default, list | dict | set):
        return dataclasses.field(default_factory=lambda: default, **more)
    return dataclasses.field(default=default, **more)


def _dataclass(cls: Any = None, *, config: Any = None, **options: Any) -> Any:
    known = {name: value for name, value in options.items() if name in ("frozen", "init", "repr", "eq", "kw_only")}
    return dataclasses.dataclass(cls, **known) if cls is not None else lambda made: dataclasses.dataclass(made, **known)


def _declarations() -> None:
    """Put the stand-ins in place."""
    pydantic, classes, fields = (_AnyModule(f"pydantic{part}") for part in ("", ".dataclasses", ".fields"))
    for module in (pydantic, classes, fields):
        module.__path__ = []
        sys.modules[module.__name__] = module
    plain = lambda *_, **__: lambda method: method  # noqa: E731 - a decorator that decorates nothing
    for name in ("field_validator", "model_validator", "field_serializer", "model_serializer", "computed_field"):
        setattr(pydantic, name, plain)
    unchecked = type("SkipValidation", (), {"__class_getitem__": classmethod(lambda cls, kind: kind)})
    pydantic.__dict__.update(
        Field=_field, ConfigDict=dict, SkipValidation=unchecked, dataclasses=classes, fields=fields
    )
    classes.__dict__["dataclass"] = _dataclass
    fields.__dict__["FieldInfo"] = type("FieldInfo", (), {})
    version = types.ModuleType("vllm.version")
    version.__dict__.update(__version__="0.0.0", __version_tuple__=(0, 0, 0))
    platforms = _AnyModule("vllm.platforms")
    platforms.__dict__.update(__path__=[], current_platform=_Anything())
    sys.modules.update({"vllm.version": version, "vllm.platforms": platforms, "regex": re})
    told = importlib.metadata.version

    def installed(name: str) -> str:
        try:
            return told(name)
        except importlib.metadata.PackageNotFoundError:
            return "9.9.9"

    importlib.metadata.__dict__["version"] = installed
    sys.meta_path.append(_StandIns())


def options(root: Path) -> dict[str, dict[str, Any]]:
    """Return the options of the parser whose sources lie in a folder."""
    sys.path.insert(0, str(root))
    _declarations()
    module = next(path for path in FRONTEND_ARGUMENTS if (root / path).exists())
    frontend = importlib.import_module(module.removesuffix(".py").replace("/", "."))
    parser_class = importlib.import_module("vllm.utils.argparse_utils").FlexibleArgumentParser
    parser = frontend.make_arg_parser(parser_class(prog="vllm serve"))
    found = {}
    for action in parser._actions:
        names = [name for name in action.option_strings if name.startswith("--")]
        if names and names[0] != "--help":
            switch = isinstance(action, argparse.BooleanOptionalAction) or action.nargs == 0
            found[names[0].lstrip("-")] = {
                "spellings": action.option_strings,
                "switch": switch,
                "many": action.nargs in ("+", "*"),
                "reads": getattr(action.type, "__name__", None),
                "choices": [str(choice) for choice in action.choices if choice not in (None, "None")]
                if action.choices is not None
                else [],
            }
    return found


def main() -> int:
    """Fetch the sources of a version and print its options."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("version", help="such as 0.33.0")
    version = parser.parse_args().version
    with tempfile.TemporaryDirectory() as folder:
        with wheel(version, None) as opened:
            for name in opened.namelist():
                if name.endswith(".py") and name.startswith(SOURCES):
                    target = Path(folder, name)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(opened.read(name))
        with contextlib.redirect_stdout(sys.stderr):  # modules say things while they are imported
            found = options(Path(folder))
    print(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
