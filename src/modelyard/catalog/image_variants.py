"""Variants of images by what they lack."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from modelyard.catalog.loading import DATA, read_yaml


@dataclass(frozen=True, slots=True)
class ImageVariant:
    """Images that an engine's manifests may name by mistake, and that cannot run it.

    Attributes:
        engine: The engine, as `engine.yaml` calls it.
        image: End of the image's name.
        tag: Pattern of the tags, matched from the start to the end.
        has: Libraries for models that it has; empty where it has none.
        lacks: What it lacks, in words.
        instead: What to use, in words.
    """

    engine: str
    image: str
    tag: re.Pattern[str]
    has: tuple[str, ...]
    lacks: str
    instead: str

    def concerns(self, name: str, tag: str) -> bool:
        """Return whether an image is one of them.

        Args:
            name: Its name without tag and digest; a registry's mirror may stand before it.
            tag: Its tag.
        """
        return (name == self.image or name.endswith(f"/{self.image}")) and self.tag.fullmatch(tag or "") is not None


@cache
def image_variants() -> tuple[ImageVariant, ...]:
    """Return the variants that are known, each read where its `source` says."""
    return tuple(
        ImageVariant(
            str(row["engine"]),
            str(row["image"]),
            re.compile(row["tag"]),
            tuple(row.get("has", ())),
            str(row["lacks"]),
            str(row["instead"]),
        )
        for row in read_yaml(DATA / "images.yaml")["variants"]
    )
