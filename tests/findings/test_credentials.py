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
    "a Slack token": ["xoxb-" + "1" * 24, "xapp-" + "1-A" * 8],
    "a GitLab token": ["glpat-" + "a1" * 10],
    "a Slack webhook": ["hooks.slack.com/" + "services/T000/B000/" + "a" * 24],
    "a Discord webhook": ["discord.com/api/" + "webhooks/" + "1" * 18 + "/" + "a" * 68],
    "a Microsoft Teams webhook": ["webhook.office.com/" + "webhookb2/" + "a" * 36 + "@" + "b" * 36],
    "a JSON Web Token": ["eyJ" + "a" * 20 + ".eyJ" + "b" * 20 + "." + "c" * 20],
    "a Google API key": ["AIza" + "a" * 35],
    "a Google OAuth secret": ["GOCSPX-" + "a" * 28],
    "a Stripe key": ["sk_" + "live_" + "a" * 24, "rk_" + "test_" + "b" * 24],
    "an npm token": ["npm_" + "a" * 36],
    "a PyPI token": ["pypi-" + "AgE" + "a" * 60],
    "a Docker token": ["dckr_" + "pat_" + "a" * 27],
    "a SendGrid key": ["SG." + "a" * 22 + "." + "b" * 43],
    "a Vault token": ["hvs." + "a" * 95],
    "an HCP Terraform token": ["a" * 14 + ".atlasv1." + "b" * 67],
    "a Grafana token": ["glsa_" + "a" * 32 + "_" + "b" * 8],
    "a Databricks token": ["dapi" + "a1" * 16],
    "a DigitalOcean token": ["dop_v1_" + "a1" * 32],
    "an age key": ["AGE-SECRET-" + "KEY-1" + "Q" * 58],
    "an Azure storage key": ["AccountKey" + "=" + "a" * 86 + "=="],
    "a private key": [
        "-----BEGIN " + "PRIVATE KEY-----",
        "-----BEGIN RSA " + "PRIVATE KEY-----\n" + "a" * 64 + "\n" + "b" * 40,
    ],
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


def test_the_key_of_an_emulator_is_no_secret() -> None:
    assert (
        credential_in(
            "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
        )
        is None
    )
