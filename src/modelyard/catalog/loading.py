"""Where the catalogue's data lie in the package, and how they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"


def read_json(*parts: str) -> Any:
    """Return a JSON data file of the package; raises FileNotFoundError when there is none."""
    import orjson

    return orjson.loads(DATA.joinpath(*parts).read_bytes())


def read_yaml(path: Path) -> Any:
    """Return a YAML data file; the files are the package's own, so the fast parser may read them."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with path.open(encoding="utf-8") as stream:
        return yaml.load(stream, Loader=loader)  # noqa: S506 - both loaders are safe ones


def kebab(name: str) -> str:
    """Return a field's name as the data files write it."""
    return name.replace("_", "-")
