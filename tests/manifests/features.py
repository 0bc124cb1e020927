"""The features that the project ships, and which of them may be together."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from modelyard.catalog import feature_from_mapping, feature_problems
from tests.manifests.composition import BASES, OVERLAYS, engine_bases, engine_of, feature_facts, names

FEATURES = names(BASES / "features")
ENGINES = names(BASES / "serving")
ENGINE_BASES = engine_bases()
KNOWN = {name: feature_from_mapping(name, feature_facts(name), ENGINE_BASES) for name in FEATURES}
PLATFORM = names(BASES / "platform")
PAIRS = list(itertools.combinations(FEATURES, 2))


def an_overlay_of(engine: str) -> str:
    """Return the first overlay of an engine."""
    return next(overlay for overlay in names(OVERLAYS) if engine_of(overlay) == engine)


def needed_by(*features: str) -> list[str]:
    """Return features that others need, each once and not those named already."""
    found = (need for feature in features for need in KNOWN[feature].needs if need in KNOWN)
    return [need for need in dict.fromkeys(found) if need not in features]


def with_needs(chosen: Sequence[str], *more: str) -> list[str]:
    """Return features and some more, each once, after those that they need."""
    return list(dict.fromkeys([*needed_by(*chosen), *chosen, *needed_by(*more), *more]))


def is_legal(engine: str, *features: str) -> bool:
    """Return whether features may be together on an engine, with those that they need."""
    return not feature_problems([*needed_by(*features), *features], KNOWN, engine, PLATFORM)


def companies(engine: str) -> list[list[str]]:
    """Return few sets of features in which every legal pair of an engine is together once at least.

    Each begins with a pair that none holds yet, and takes on what brings most such pairs until nothing brings any.
    """
    missing = {pair for pair in PAIRS if is_legal(engine, *pair)}
    found = []
    while missing:
        chosen = with_needs([], *min(missing))
        while True:
            wider = [with_needs(chosen, name) for name in FEATURES if name not in chosen]
            legal = [each for each in wider if is_legal(engine, *each)]
            best = max(legal, key=lambda each: len(_within(missing, each)), default=chosen)
            if len(_within(missing, best)) == len(_within(missing, chosen)):
                break
            chosen = best
        found.append(chosen)
        missing -= _within(missing, chosen)
    return found


def _within(pairs: set[tuple[str, str]], chosen: list[str]) -> set[tuple[str, str]]:
    return {pair for pair in pairs if pair[0] in chosen and pair[1] in chosen}
