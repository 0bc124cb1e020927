"""What credentials look like."""

from __future__ import annotations

import pytest

from modelyard.findings.credentials import FORMS, credential_in, without_credentials

# Put together here, so that no scanner takes this file for a leak.
EXAMPLES = {
    "a Hugging Face token": ["hf_" + "a" * 34],
    "an AWS access key": ["AKIA" + "A1" * 8, "ASIA" + "B2" * 8],
    "a GitHub token": ["ghp_" + "a" * 36, "ghs_" + "b" * 40],
    "a fine-grained GitHub token": ["github_pat_" + "a_" * 41],
    "an NVIDIA NGC key": ["nvapi-" + "b" * 64],
    "an API key of OpenAI's form": ["sk-" + "c" * 48, "sk-proj-" + "d" * 64],
    "a Slack token": ["xoxb-" + "1" * 24],
    "a private key": ["-----BEGIN " + "PRIVATE KEY-----", "-----BEGIN RSA " + "PRIVATE KEY-----"],
}


def test_every_form_has_an_example() -> None:
    assert set(EXAMPLES) == set(FORMS)


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in EXAMPLES.items() for text in texts])
def test_a_credential_is_named_and_taken_out(name: str, text: str) -> None:
    assert credential_in(text) == name
    assert credential_in(f"--token={text} --port=8000") == name
    assert without_credentials(f"before {text} after") == "before (credential) after"


@pytest.mark.parametrize(
    "text",
    [
        "hf_short",
        "xhf_" + "a" * 34,
        "ghp_" + "a" * 20,
        "task-force-of-words-that-is-long-enough-to-be-one",
        "AKIAlower",
    ],
)
def test_what_only_looks_alike_is_none(text: str) -> None:
    assert credential_in(text) is None
