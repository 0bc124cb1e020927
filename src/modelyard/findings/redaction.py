"""Values that never leave the program, by where they stand: of variables, flags, headers, addresses and Secrets.

Names stay, and so do numbers, switches, references and paths, for a reader of a difference has to see what changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from modelyard.findings.credentials import HIDDEN, without_credentials
from modelyard.findings.later import Later

_PASSWORD = r"pass(?:word|wd|phrase|code)?s?|pwd|contrasena|passwort"  # noqa: S105 - names of passwords
_KEYS = (
    "access|account|api|app|application|auth|client|connection|consumer|cookie|data|database|db|decryption|encryption|hmac|"
    "integration|jwt|license|licence|master|private|root|routing|secret|service|session|shared|signing|ssh|storage|write"
)
_WORDS = (
    rf"{_PASSWORD}|secrets?|tokens?|credentials?|creds?|authorization|auth|cookies?|dsn|pat|salt|signature|webhooks?|"
    rf"(?:{_KEYS})[-_. ]?keys?(?:[-_. ]?id)?|connection[-_. ]?string|conn[-_. ]?str|"
    r"webhook[-_. ]?(?:url|uri)"
)
_NAME = Later(
    rf"(?:(?:^|[^a-z0-9])(?:{_WORDS})|password|passwd|passphrase|secret|apikey|accesskey|privatekey|secretkey)"
    r"(?:[-_.]?(?:value|plain|base64|b64|old|new|[0-9]{1,3}))?$"
)
# Of a variable, whose name is in capitals, KEY alone says it.
_VARIABLE = Later(r"(?:^|_)KEYS?$")
_IS_PASSWORD = Later(rf"(?:{_PASSWORD}|secrets?)$")
# What names a Secret, or counts tokens.
_OF_NAMES = Later(
    r"(?:existing|pull|tls|cert(?:ificate)?|image|ref|target|remote|name[d]?|mount|csi|external|auth|credentials?)[-_.]?secrets?$"
    r"|(?:max|min|num|new|per|total|batched|total|prompt|completion|input|output|special|stop|eos|bos|pad)[-_.]?tokens?$"
    r"|(?:^|[-_.])(?:num|max|min|n)(?:[-_.][a-z0-9]{1,30}){0,4}[-_.]tokens?$"
    r"|^(?:service-?account-?)?tokens$|automount-?service-?account-?token$|^http-?tokens$"
)
# Tokens of a model, unless a word says whose secrets they are; what looks like one is hidden all the same.
_COUNTED = Later(
    r"(?<![a-z0-9])(?!(?:api|access|auth|bearer|refresh|id|session|bot|user|app|deploy|github|gitlab|hf|hub|hugging-?face|"
    r"slack|service|account|client|csrf|jwt|personal|secret|private|vault|npm|pypi|registry)[-_.])[a-z0-9]{1,30}[-_.]tokens$"
)
_OF_LETTERS_AND_DIGITS = Later(r"(?=\D*\d)(?=[^A-Za-z]*[A-Za-z])\S{12,}")
_SHORT = 6
_CAMEL = Later(r"(?<=[a-z0-9])(?=[A-Z])")

_NUMBER = Later(r"[-+]?[0-9]{1,3}(?:,[0-9]{3}){1,4}|[-+]?[0-9]{1,9}(?:\.[0-9]{1,6})?%?")
_SWITCHES = frozenset(
    {
        "",
        "~",
        "true",
        "false",
        "null",
        "none",
        "yes",
        "no",
        "on",
        "off",
        "auto",
        "default",
        "bearer",
        "basic",
        "required",
        "optional",
        "enabled",
        "disabled",
        "read",
        "write",
        HIDDEN,
    }
)
_REFERENCE = Later(
    r"\$(?:[({]|[A-Z_][A-Z0-9_]*$)|\{\{|<[\w -]+>$|![A-Za-z]{2,20}$|vault:|ref\+|arn:|aws-secret:|secretsmanager:|env:"
    r"|file:|%[a-z({]|"
    r"(?:var|local|data|module|each|self)\."
)
_PATH = Later(r"(?:\.{0,2}/)[a-z0-9._/-]{1,200}")
_REFERENCES = frozenset({"remoteRef", "sourceRef"})
"""What stands beside `secretKey` where it names a key of the Secret that an ExternalSecret writes."""

_BLOCK = frozenset("|>{[&*#")

# The end of a name that says it, what stands between, and the value: in files of settings, scripts and manifests alike.
_ASSIGNED = Later(
    rf"(?i)(?P<word>{_WORDS})"
    r"(?P<between>\s{0,4}=>?\s{0,4}|\s{0,4}:(?:\s{1,4}|=\s{0,4})|[\"']\s{0,4}(?:=>|[:=])\s{0,4})"
    r"(?P<value>\"[^\"\n]{0,2000}\"|'[^'\n]{0,2000}'|[^\s\"',;}\]&|]{1,2000})"
)
_FLAGGED = Later(
    rf"(?i)(?<![\w-])(?P<word>--?(?:[a-z0-9]{{1,30}}[-_]){{0,6}}(?:{_WORDS}))(?P<between>[\"']?,?\s{{1,4}}[\"']?)"
    r"(?P<value>\"[^\"\n]{0,2000}\"|'[^'\n]{0,2000}'|(?!-)[^\s\"',;}\])]{1,2000})"
)
# On the same line, and no comment.
_MORE_WORDS = Later(r"[ \t]{1,4}[A-Za-z(\"']")
# A variable of a pod in a text of several lines, such as a patch, also where signs of a difference stand before them.
_PAIRED = Later(
    r"(?P<lead>\bname[\"']?:[ \t]{0,4}[\"']?(?P<name>[\w.-]{1,200})[\"']?[ \t]{0,4}(?:,\s{0,200}|\n[-+ \t]{0,200})"
    r"[\"']?value[\"']?:[ \t]{0,4})(?P<value>\"[^\"\n]{0,2000}\"|'[^'\n]{0,2000}'|[^\s,}][^\n,}]{0,2000})"
)
_USER = Later(r"(?<![\w-])(-u|--user|--proxy-user)([ =]{1,4}[\"']?[^\s:\"']{1,100}:)[^\s\"']{1,500}")
_HEADER = Later(
    r"(?i)((?:x-(?:[a-z]{1,20}-){0,3}(?:key|token|auth|secret|signature)|(?:set-)?cookie)[\"']?\s{0,4}:\s{0,4})[^\s\"',}]{4,}"
)
_HINT = Later(
    r"(?i)pass|pwd|secret|token|cred|auth|cookie|dsn|pat\b|salt|key|signature|webhook|conn|contrasena|-u |--user"
)


def hides(name: str, value: object) -> bool:
    """Return whether a value is not to be shown, for what the name of its variable, flag or key says."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return False
    text = str(value).strip()
    dashed = _CAMEL.sub("-", name.strip().lstrip("-")).lower() if not name.isupper() else name.lower().lstrip("-")
    if not (_NAME.search(dashed) or _VARIABLE.search(name)) or _OF_NAMES.search(dashed):
        return False
    if text.lower() in _SWITCHES or _REFERENCE.match(text) or "$(" in text:
        return False
    if _IS_PASSWORD.search(dashed):
        return True
    if not isinstance(value, str) or _NUMBER.fullmatch(text) or _PATH.fullmatch(text):
        return False
    return _COUNTED.search(dashed) is None or _OF_LETTERS_AND_DIGITS.fullmatch(text) is not None


def source_without_secrets(text: str) -> str:
    """Return lines of a source without credentials, and without what they give to a name that holds a secret."""
    text = without_credentials(text)
    if not _HINT.search(text):
        return text
    for pattern in (_ASSIGNED, _FLAGGED):
        text = pattern.sub(_hidden, text)
    text = _PAIRED.sub(_hidden_value, text)
    return _USER.sub(rf"\1\2{HIDDEN}", _HEADER.sub(rf"\1{HIDDEN}", text))


def secrets_in_source(text: str) -> Iterator[str]:
    """Yield the values that `source_without_secrets` hides by what stands before them, for who shows less of the text.

    A part of a text may have a value without the name that says what it is.
    """
    if not _HINT.search(text):
        return
    for pattern, hidden in ((_ASSIGNED, _hidden), (_FLAGGED, _hidden), (_PAIRED, _hidden_value)):
        for match in pattern.finditer(text):
            if hidden(match) != match[0]:
                yield match["value"].strip("\"'")


def _hidden_value(match: re.Match[str]) -> str:
    value = match["value"]
    return match["lead"] + HIDDEN if value[0] not in _BLOCK and hides(match["name"], value.strip("\"'")) else match[0]


def _hidden(match: re.Match[str]) -> str:
    value = match["value"]
    bare = value.strip("\"'")
    start = match.start()
    before = re.search(r"[\w.-]{0,100}$", match.string[max(0, start - 100) : start])
    name = (before[0] if before else "") + match["word"]
    if name == "secretKey" and match.string[:start].endswith("- "):
        return match[0]  # the name of a key that an ExternalSecret writes
    if _is_sentence(match, name):
        return match[0]
    if not bare or bare.startswith(HIDDEN[:-1]) or (bare[0] in _BLOCK and value == bare) or not hides(name, bare):
        return match[0]
    quote = value[0] if value[0] in "\"'" else ""
    return f"{match['word']}{match['between']}{quote}{HIDDEN}{quote}"


def _is_sentence(match: re.Match[str], name: str) -> bool:
    """Return whether what follows a name and a colon is prose: more words, and the name is no password of its own line.

    A password in YAML may be of several words; of a token or a key, more words are a sentence about it.
    """
    after = match.string[match.end() : match.end() + 8]
    if ":" not in match["between"] or match["value"][0] in "\"'" or not _MORE_WORDS.match(after):
        return False
    line = match.string[match.string.rfind("\n", 0, match.start()) + 1 : match.start()]
    return not (_IS_PASSWORD.search(name.lower()) and not line.strip("-+ \t\"'").removesuffix(name))


def without_secrets(value: Any, name: str = "") -> Any:
    """Return a plain value, such as a manifest, with every secret in it hidden.

    Args:
        value: Mappings, lists and scalars.
        name: The key, variable or flag that holds it; empty for none.
    """
    if isinstance(value, Mapping):
        return _of_mapping(value)
    if isinstance(value, list | tuple):
        return _of_list(list(value), name)
    if hides(name, value):
        return HIDDEN
    return source_without_secrets(value) if isinstance(value, str) else value


def _of_mapping(value: Mapping[Any, Any]) -> dict[Any, Any]:
    is_secret = value.get("kind") == "Secret" and "apiVersion" in value
    shown: dict[Any, Any] = {}
    for key, each in value.items():
        if is_secret and key in ("data", "stringData"):
            shown[key] = dict.fromkeys(each, HIDDEN) if isinstance(each, Mapping) else HIDDEN
        elif key == "value" and isinstance(value.get("name"), str):
            shown[key] = without_secrets(each, value["name"])
        elif key == "value" and "op" in value:
            shown[key] = without_secrets(each, str(value.get("path")).rpartition("/")[2])
        elif key == "secretKey" and _REFERENCES & value.keys():
            shown[key] = each
        elif key == "secretGenerator" and isinstance(each, list):
            shown[key] = [_of_generator(entry) for entry in each]
        else:
            shown[key] = without_secrets(each, str(key))
    return shown


def _of_generator(entry: Any) -> Any:
    """Return an entry of Kustomize's `secretGenerator`, whose literals are secrets whatever they are called."""
    if not isinstance(entry, Mapping) or not isinstance(entry.get("literals"), list):
        return without_secrets(entry)
    hidden = [f"{str(text).partition('=')[0]}={HIDDEN}" for text in entry["literals"]]
    return {**_of_mapping(entry), "literals": hidden}


def _of_list(values: list[Any], name: str) -> list[Any]:
    shown: list[Any] = []
    flag = ""
    for each in values:
        if isinstance(each, str) and flag and not each.startswith("-"):
            shown.append(HIDDEN if hides(flag, each) else source_without_secrets(each))
        else:
            shown.append(without_secrets(each, name if isinstance(each, str) else ""))
        flag = each if isinstance(each, str) and each.startswith("-") and "=" not in each and " " not in each else ""
    return shown


def secret_texts(value: Any, name: str = "") -> Iterator[str]:
    """Yield the texts that `without_secrets` hides whole, for messages that quote one of them."""
    if isinstance(value, Mapping):
        is_secret = value.get("kind") == "Secret" and "apiVersion" in value
        for key, each in value.items():
            if is_secret and key in ("data", "stringData") and isinstance(each, Mapping):
                yield from (str(text) for text in each.values() if isinstance(text, str | int | float))
            elif key == "value" and isinstance(value.get("name"), str):
                yield from secret_texts(each, value["name"])
            elif key == "value" and "op" in value:
                yield from secret_texts(each, str(value.get("path")).rpartition("/")[2])
            elif key == "secretKey" and _REFERENCES & value.keys():
                continue
            elif key == "secretGenerator" and isinstance(each, list):
                for entry in each:
                    literals = entry.get("literals") if isinstance(entry, Mapping) else None
                    yield from (str(text).partition("=")[2] for text in literals or () if isinstance(literals, list))
            else:
                yield from secret_texts(each, str(key))
    elif isinstance(value, list | tuple):
        flag = ""
        for each in value:
            yield from secret_texts(each, flag if isinstance(each, str) else "")
            flag = each if isinstance(each, str) and each.startswith("-") and "=" not in each else ""
    elif hides(name, value):
        yield str(value)


def masked(text: str, secrets: Iterable[str]) -> str:
    """Return a text in which secrets that are known from elsewhere are hidden where they stand as words."""
    for secret in secrets:
        if secret in text:
            text = re.sub(
                rf"(?<!\w){re.escape(secret)}(?!\w)" if len(secret) < _SHORT else re.escape(secret), HIDDEN, text
            )
    return text


def whole_and_lines(secrets: Iterable[str]) -> tuple[str, ...]:
    """Return secrets and the lines of those that have several, the longest first; what is in every text is left out."""
    parts = {part for secret in secrets for part in (secret, *(line.strip() for line in secret.splitlines()))}
    return tuple(sorted((part for part in parts if len(part) > 1), key=len, reverse=True))
