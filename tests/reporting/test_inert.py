"""What a log or a terminal would take for a command is none in any JSON, and the text is the same to who reads it."""

from __future__ import annotations

import json

import pytest

from modelyard.reporting import inert_json, json_text, visible


@pytest.mark.parametrize(
    "text",
    [
        "##[error]a",
        "a ##[group]b",
        "::error::a",
        "\x1b[31ma",
        "\u202ea",
        "\u2066a",
        "\x7fa",
        "\ud800",
        "<!-- a",
        "é\n::set-output",
    ],
)
def test_json_is_inert_and_whole(text: str) -> None:
    written = inert_json({"a": [text], text: 1})
    assert written.isascii()
    assert "##[" not in written
    assert "\x1b" not in written
    assert "\x7f" not in written
    assert not any(line.lstrip().startswith("::") for line in written.splitlines())
    assert json.loads(written) == {"a": [text], text: 1}


def test_json_of_a_command_shows_no_secret() -> None:
    shown = json.loads(json_text({"settings": {"api-key": "hunter2", "max-model-len": "4096"}, "number": 2**70}))
    assert shown == {"settings": {"api-key": "(hidden)", "max-model-len": "4096"}, "number": 2**70}


def test_a_credential_is_taken_out_of_any_text() -> None:
    assert visible("a " + "hf_" + "a" * 34 + " b") == "a (credential) b"
    assert visible("https://me:hunter2@example.com/x") == "https://(hidden)@example.com/x"
