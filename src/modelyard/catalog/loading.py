"""Where the catalogue's data lie in the package, and how they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

DATA = Path(__file__).parent / "data"

_Raw = TypeVar("_Raw")
_Entry = TypeVar("_Entry")


class Decoded(Mapping[str, _Entry]):
    """Entries by name, each decoded when it is first asked for: of what AWS offers, a repository concerns little.

    Args:
        raw: What each entry is decoded from.
        decode: From that to the entry.
    """

    def __init__(self, raw: Mapping[str, _Raw], decode: Callable[[_Raw], _Entry]) -> None:
        self._raw: Mapping[str, Any] = raw
        self._decode = decode
        self._decoded: dict[str, _Entry] = {}

    def __getitem__(self, name: str) -> _Entry:
        """Return an entry; raises KeyError when there is none of that name."""
        if name not in self._decoded:
            self._decoded[name] = self._decode(self._raw[name])
        return self._decoded[name]

    def __contains__(self, name: object) -> bool:
        """Return whether there is an entry, without decoding it."""
        return name in self._raw

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter(self._raw)

    def __len__(self) -> int:
        """Return how many entries there are."""
        return len(self._raw)


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
