"""The libraries that the page brings along, as their packages publish them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_FOLDER = files("modelyard.htmlreport").joinpath("assets", "vendor")


@dataclass(frozen=True, slots=True)
class Library:
    """A library of the page.

    Attributes:
        name: Name of its npm package.
        version: Version of that package.
        integrity: SHA-512 of the package's archive, as npm writes it.
        path: The file in the package.
        file: The same file here, byte for byte.
        sha256: Digest of that file, in hexadecimal digits.
        licence: SPDX identifier.
        notices: Files of the package that say the licence; they lie here as `<name>.<file>`.
    """

    name: str
    version: str
    integrity: str
    path: str
    file: str
    sha256: str
    licence: str
    notices: tuple[str, ...]

    @property
    def script(self) -> str:
        """Return its source."""
        return _FOLDER.joinpath(self.file).read_text("utf-8")


@cache
def libraries() -> tuple[Library, ...]:
    """Return the libraries in the order in which the page loads them."""
    told = json.loads(_FOLDER.joinpath("libraries.json").read_text("utf-8"))
    return tuple(Library(**{**each, "notices": tuple(each["notices"])}) for each in told["libraries"])
