"""A small, seeded part of `make fuzz`: whatever is read ends in an answer or in a refusal in words."""

from __future__ import annotations

from pathlib import Path

import pytest

import fuzz
import fuzz_inputs
from modelyard.findings import UserError

READERS = sorted(fuzz.readers(Path()))


@pytest.mark.parametrize("name", READERS)
def test_a_reader_ends_in_words(name: str, tmp_path: Path) -> None:
    corpus, read = fuzz.readers(tmp_path)[name]
    for seed in range(40):
        text = fuzz_inputs.input_of(name, corpus, seed)
        assert fuzz.tried(lambda text=text: read(text)) in ("read", "refused"), seed  # type: ignore[misc]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_a_check_of_a_mutated_repository_ends_in_words(seed: int, tmp_path: Path) -> None:
    fuzz_inputs.repository_of(seed, tmp_path)
    assert fuzz.tried(lambda: fuzz.checked(tmp_path)) in ("read", "refused")


@pytest.mark.parametrize("name", ["0", "false", "''", "[a]"])
def test_a_pool_whose_name_is_no_text_ends_in_words(name: str, tmp_path: Path) -> None:
    for path, text in fuzz_inputs.FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(
            text.replace("kind: NodePool\nmetadata: {name: gpu}", f"kind: NodePool\nmetadata: {{name: {name}}}")
        )
    assert fuzz.tried(lambda: fuzz.checked(tmp_path)) == "read"


@pytest.mark.parametrize("seed", [327, 3373])
def test_values_of_other_types_are_refused_or_left_out(seed: int, tmp_path: Path) -> None:
    """`env` is a number, and a device's name is one: what stopped an import before."""
    corpus, read = fuzz.readers(tmp_path)["import"]
    text = fuzz_inputs.input_of("import", corpus, seed)
    assert fuzz.tried(lambda: read(text)) in ("read", "refused")


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
    assert fuzz_inputs.input_of("yaml", "yaml", 7) == fuzz_inputs.input_of("yaml", "yaml", 7)
    assert len({fuzz_inputs.input_of("yaml", "yaml", seed) for seed in range(50)}) > 45
