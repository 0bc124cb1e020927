"""What is a secret by its name, place or form is hidden; what a reader of a difference needs is not."""

from __future__ import annotations

import pytest

from modelyard.findings import masked, secret_texts, source_without_secrets, whole_and_lines, without_secrets
from modelyard.repository.secrets import shown_difference

HIDDEN = [
    ("DB_PASSWORD=x1", "DB_PASSWORD=(hidden)"),
    ("PGPASSWORD=x1; psql", "PGPASSWORD=(hidden); psql"),
    ("clientSecret: x1", "clientSecret: (hidden)"),
    ('"apiKey": "x1",', '"apiKey": "(hidden)",'),
    ("password: 123456", "password: (hidden)"),
    ("--api-key x1 --port 80", "--api-key (hidden) --port 80"),
    ("curl -u me:x1 https://a", "curl -u me:(hidden) https://a"),
    ("Authorization: Bearer x1.y", "Authorization: Bearer (hidden)"),
    ("X-Api-Key: x1234", "X-Api-Key: (hidden)"),
    ("redis://:x1@cache:6379/0", "redis://(hidden)@cache:6379/0"),
    ("SLACK_WEBHOOK_URL: https://a/b", "SLACK_WEBHOOK_URL: (hidden)"),
    ("aws_secret_access_key = x1", "aws_secret_access_key = (hidden)"),
    ("- name: TOKEN\n  value: x1", "- name: TOKEN\n  value: (hidden)"),
    ('{"name": "TOKEN", "value": "x1"}', '{"name": "TOKEN", "value": (hidden)}'),
    ("ghp_" + "a1" * 18, "(credential)"),
    ("glpat-" + "a1" * 10, "(credential)"),
    ("AIza" + "a" * 35, "(credential)"),
    ("https://hooks.slack.com/services/T0000/B0000/abcdefgh", "https://(credential)"),
    ("kv-tokens: a1b2c3d4e5f6g7", "kv-tokens: (hidden)"),
    ("hf-tokens: unlimited", "hf-tokens: (hidden)"),
    ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKE7", "(hidden)"),
]
SHOWN = [
    "--max-num-batched-tokens=8192",
    "--tokenizer=org/model",
    "max_tokens: 5",
    "kv-tokens: unlimited",
    "spare-tokens: 651,504",
    "shared-tokens: about 4k",
    "existingSecret: my-secret",
    "secretName: my-secret",
    "secretKeyRef: {name: a, key: token}",
    "- secretKey: token",
    "automountServiceAccountToken: false",
    "httpTokens: required",
    "token: true",
    "key: nvidia.com/gpu",
    "kv-cache-dtype: fp8",
    "HF_TOKEN_PATH=/var/run/token",
    "--token-file=/var/run/token",
    "password: $(PASSWORD)",
    "password: ${PASSWORD}",
    "record: model:generated_tokens:rate5m",
    "image: registry.example.com/vllm:v0.33.0@sha256:" + "ab" * 32,
    "targetRevision: " + "0a" * 20,
    "creation_token = var.cluster_name",
    "REDIS_URL=redis://cache:6379/0",
    "serviceAccountToken:",
]


@pytest.mark.parametrize(("source", "shown"), HIDDEN, ids=[source[:24] for source, _ in HIDDEN])
def test_a_secret_is_hidden_and_its_name_stays(source: str, shown: str) -> None:
    assert source_without_secrets(source) == shown
    assert source_without_secrets(shown) == shown


@pytest.mark.parametrize("source", SHOWN, ids=[source[:24] for source in SHOWN])
def test_what_is_no_secret_stays(source: str) -> None:
    assert source_without_secrets(source) == source


def test_counts_of_tokens_are_no_secrets_and_passwords_of_digits_are() -> None:
    counts = {"kv-tokens": 28240.123456789, "tokens": 10**12, "ever-tokens": None, "gpu-tokens": [1, 2.5]}
    assert without_secrets(counts) == counts
    assert without_secrets({"db-password": 123456, "pin": 1}) == {"db-password": "(hidden)", "pin": 1}


def test_a_part_of_a_text_hides_what_the_whole_says() -> None:
    text = "a: 1\npatch: |-\n  env:\n    - name: DB_PASSWORD\n" + "      # why\n" * 5 + "b: 2\n"
    old = text.replace("DB_PASSWORD\n", "DB_PASSWORD\n      value: hunter2\n")
    part = "@@ -6,3 +6,3 @@\n       value: hunter2\n+    x: 1\n"
    assert "hunter2" not in shown_difference(part, old, old)


def test_values_are_hidden_by_where_they_stand() -> None:
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "data": {"any": "x1"},
        "secretGenerator": [{"name": "a", "literals": ["any=x2"]}],
        "env": [{"name": "DB_PASSWORD", "value": "x3"}, {"name": "LEVEL", "value": "x4"}],
        "args": ["--api-key", "x5", "--port", "80"],
        "patch": [{"op": "add", "path": "/data/password", "value": "x6"}],
        "external": [{"secretKey": "x7", "remoteRef": {"key": "a"}}],
        "replicas": 3,
    }
    shown = without_secrets(manifest)
    assert {text for text in ("x1", "x2", "x3", "x5", "x6") if text in str(shown)} == set()
    assert {text for text in ("x4", "x7", "80", "DB_PASSWORD", "--port", "any=") if text not in str(shown)} == set()
    assert shown["replicas"] == 3
    assert sorted(secret_texts(manifest)) == ["x1", "x2", "x3", "x5", "x6"]


def test_a_known_secret_is_hidden_in_any_text() -> None:
    secrets = whole_and_lines(["hunter2", "ab", "first line\nsecond line", "x"])
    assert (
        masked("it is hunter2, ab and absent; second line", secrets) == "it is (hidden), (hidden) and absent; (hidden)"
    )


def test_the_difference_of_a_file_hides_what_its_place_says() -> None:
    old = "kind: Secret\napiVersion: v1\nstringData:\n  any: hunter2\n"
    shown = shown_difference("-  any: hunter2\n+  any: hunter3\n", old, old.replace("hunter2", "hunter3"))
    assert shown == "-  any: (hidden)\n+  any: (hidden)\n"


# A pattern that is quadratic in one of these takes minutes.
@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "-a",
        "--a-",
        "://",
        "a:",
        "password",
        "key ",
        "ey",
        "-----BEGIN ",
        "name: a\n",
        '"',
        "hf_",
        "x-a-",
        "=",
        " ",
    ],
)
def test_long_lines_are_read_once(unit: str) -> None:
    text = "password " + unit * (100_000 // len(unit))
    assert len(source_without_secrets(text)) > 0
