"""What credentials look like, so that they are found, and never shown.

The forms follow a maintained detector, gitleaks (config/gitleaks.toml at commit 009e025ad410, read 2026-11-30), and
what the issuers document. Only forms with a beginning of their own are here, for they hardly occur by chance; what is a
secret by its name or place is judged in `redaction`.
"""

from __future__ import annotations

from modelyard.findings.later import Later

_BREAK = r"(?:\\n|\s){1,4}+"
_BODY = rf"(?:{_BREAK}[A-Za-z0-9+/=]{{16,}})*+(?:{_BREAK}[A-Za-z0-9+/=]{{1,76}}(?={_BREAK}-----END))?"

_FORMS = {
    "a Hugging Face token": ("(?:hf|api_org)_", r"[A-Za-z0-9]{30,}\b"),
    "an AWS access key": ("(?:A[KS]IA|ABIA|ACCA)", r"[0-9A-Z]{16}\b"),
    "a GitHub token": ("gh[pousr]_", r"[A-Za-z0-9]{36,}\b"),
    "a fine-grained GitHub token": ("github_pat_", r"[A-Za-z0-9_]{60,}\b"),
    "a GitLab token": ("gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat|oas)-", r"[A-Za-z0-9_.-]{20,}"),
    "an NVIDIA NGC key": ("nvapi-", r"[A-Za-z0-9_-]{40,}"),
    "an API key of OpenAI's form": ("sk-", r"(?:proj-)?[A-Za-z0-9_-]{32,}"),
    "a Slack token": ("x(?:ox|app-)", r"(?:[abeoprs](?:\.xox[a-z])?-)?[A-Za-z0-9-]{20,}"),
    "a Slack webhook": (  # but for the one of Slack's documentation
        r"hooks\.slack\.com/",
        r"(?:services|workflows|triggers)/(?!T0{8}/B0{8}/X{10,30}+(?!\w))[A-Za-z0-9+/_-]{20,}",
    ),
    "a Discord webhook": (r"discord(?:app)?\.com/api/webhooks/", r"[0-9]{10,}/[A-Za-z0-9_-]{20,}"),
    "a Microsoft Teams webhook": (r"webhook\.office\.com/webhookb2/", r"[A-Za-z0-9@-]{20,}[A-Za-z0-9/-]*"),
    "a JSON Web Token": ("ey[A-Za-z0-9_-]", r"[A-Za-z0-9_-]{9,}\.ey[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"),
    "a Google API key": ("AIza", r"[A-Za-z0-9_-]{35}"),
    "a Google OAuth secret": ("GOCSPX-", r"[A-Za-z0-9_-]{28}"),
    "a Stripe key": ("[rs]k_(?:live|test|prod)_", r"[A-Za-z0-9]{10,}"),
    "an npm token": ("npm_", r"[A-Za-z0-9]{36}\b"),
    "a PyPI token": ("pypi-AgE", r"[A-Za-z0-9_-]{50,}"),
    "a Docker token": ("dckr_(?:pat|oat)_", r"[A-Za-z0-9_-]{20,}"),
    "a SendGrid key": (r"SG\.", r"[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    "a Vault token": (r"hv[bsr]\.", r"[A-Za-z0-9_-]{24,}"),
    "an HCP Terraform token": (r"[A-Za-z0-9]{14}\.atlasv1\.", r"[A-Za-z0-9_=-]{60,}"),
    "a Grafana token": ("gl(?:sa|c)_", r"[A-Za-z0-9+/_=]{32,}"),
    "a Databricks token": ("dapi", r"[a-f0-9]{32}\b"),
    "a DigitalOcean token": ("do[opr]_v1_", r"[a-f0-9]{64}\b"),
    "an age key": ("AGE-SECRET-KEY-1", r"[A-Z0-9]{58}"),
    "an Azure storage key": ("AccountKey=", r"[A-Za-z0-9+/]{40,}={0,2}"),
    "a private key": ("-----BEGIN ", r"(?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----" + _BODY),
}

FORMS: dict[str, Later] = {
    name: Later((r"\b" if beginning[0].isalpha() or beginning[0] in "([" else "") + beginning + rest)
    for name, (beginning, rest) in _FORMS.items()
}
"""Forms that hardly occur by chance, by what issued them."""

# A search for a few letters skips what does not begin with one of them; one that starts at a border of a word does not.
_BEGINNINGS = Later(
    "|".join(beginning for beginning, _ in _FORMS.values() if not beginning.startswith("[A-Za")) + r"|\.atlasv1\."
)

# A password or a token in an address, and what follows the name of an authorization scheme.
_IN_URL = Later(r"(:/{1,2})(?:[^\s/@:'\"]{0,200}:[^\s/@'\"]{1,500}|[^\s/@:'\"]{20,500})@")
_IN_HEADER = Later(
    r"(?i)(authorization[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?:(?:bearer|basic|token|apikey|digest)\s{1,4})?+)[^\s\"',}$(][^\s\"',}]{2,}"
)
_BEARER = Later(r"(?i)(\bbearer\s{1,4})[A-Za-z0-9._~+/=-]{12,}")
# A secret access key of AWS has no beginning; 40 letters of Base64 that are no digest have all three kinds.
_FORTY = Later(
    r"(?<![A-Za-z0-9/+=_.-])(?=[^A-Z\s]{0,39}[A-Z])(?=[^a-z\s]{0,39}[a-z])(?=[^0-9\s]{0,39}[0-9])"
    r"[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=_.-])"
)

# The key of Azurite, the emulator of Azure's storage, which its documentation prints and nobody can change.
_PUBLISHED = ("Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",)

_NAMED_SECRET = Later(r"(?:^|[^a-z0-9])(?:token|secret|password|passwd|(?:api|access|private)[^a-z0-9]?keys?)$")

HIDDEN = "(hidden)"
"""What is written in the place of a value that is not shown."""


def is_secret(name: str, value: str = "") -> bool:
    """Return whether a flag or variable holds a secret: by what its name says, or by the form of its value."""
    return _NAMED_SECRET.search(name.lower()) is not None or credential_in(value) is not None


def credential_in(text: str) -> str | None:
    """Return what kind of credential a text holds, None when it holds none of a known form."""
    if not _BEGINNINGS.search(text):
        return None
    for known in _PUBLISHED:
        text = text.replace(known, "")
    return next((name for name, form in FORMS.items() if form.search(text)), None)


def without_credentials(text: str) -> str:
    """Return a text with every credential of a known form taken out, passwords of addresses and headers included."""
    if _BEGINNINGS.search(text):
        for form in FORMS.values():
            text = form.sub("(credential)", text)
    if "@" in text and ":/" in text:  # a path that an address was taken for has one stroke
        text = _IN_URL.sub(rf"\1{HIDDEN}@", text)
    lower = text.lower()
    if "authorization" in lower:
        text = _IN_HEADER.sub(rf"\1{HIDDEN}", text)
    if "bearer" in lower:
        text = _BEARER.sub(rf"\1{HIDDEN}", text)
    return _FORTY.sub(HIDDEN, text) if len(text) >= 40 else text
