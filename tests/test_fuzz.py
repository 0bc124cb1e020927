"""A small, seeded part of `make fuzz`: whatever is read ends in an answer or in a refusal in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripts import fuzz

from modelyard.findings import UserError

READERS = sorted(fuzz.readers(Path()))


@pytest.mark.parametrize("name", READERS)
def test_a_reader_ends_in_words(name: str, tmp_path: Path) -> None:
    corpus, read = fuzz.readers(tmp_path)[name]
    for seed in range(40):
        text = fuzz.input_of(name, corpus, seed)
        assert fuzz.tried(lambda text=text: read(text)) in ("read", "refused"), seed  # type: ignore[misc]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_a_check_of_a_mutated_repository_ends_in_words(seed: int, tmp_path: Path) -> None:
    fuzz.repository_of(seed, tmp_path)
    assert fuzz.tried(lambda: fuzz.checked(tmp_path)) in ("read", "refused")


def test_a_crash_a_hang_and_silence_are_told_apart() -> None:
    def crash() -> None:
        raise KeyError("a")

    def silent() -> None:
        raise UserError("")

    assert fuzz.tried(crash).startswith("KeyError in test_fuzz.py:")
    assert fuzz.tried(silent) == "refused without words"


def test_an_input_that_never_ends_is_a_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "MOST_SECONDS", 0.05)

    def endless() -> None:
        while True:
            pass

    assert fuzz.tried(endless) == "hang"


def test_a_seed_makes_the_same_input_again() -> None:
    assert fuzz.input_of("yaml", "yaml", 7) == fuzz.input_of("yaml", "yaml", 7)
    assert len({fuzz.input_of("yaml", "yaml", seed) for seed in range(50)}) > 45
