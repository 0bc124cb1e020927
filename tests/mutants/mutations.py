"""Mutations: what becomes of a value by a slip of the hand, a wrong idea of its unit, or a copy from elsewhere."""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tests.mutants.leaves import Leaf, Scalar

KUBERNETES_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti|Pi|m|k|M|G|T)")
_DURATION = re.compile(r"(\d+)(ms|s|m|h|d)")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_WORD = re.compile(r"[A-Za-z]{4,}")
_PLAIN = re.compile(r"[A-Za-z/][\w./:@=-]*")
_BOOLEANS = frozenset({"true", "false", "null", "yes", "no", "on", "off"})
_OTHER_UNITS = {
    "Ki": "Mi", "Mi": "Gi", "Gi": "Mi", "Ti": "Gi", "Pi": "Ti", "m": "", "k": "M", "M": "k", "G": "M", "T": "G",
}  # fmt: skip
_OTHER_TIMES = {"ms": "s", "s": "ms", "m": "s", "h": "m", "d": "h"}


class Family(StrEnum):
    """What kind of mistake a mutation is."""

    REMOVED = "removed"
    MISSPELT_KEY = "misspelt key"
    MISSPELT = "misspelt"
    OTHER_NAME = "other name"
    OTHER_CASE = "other case"
    NEIGHBOUR = "neighbour"
    ZERO = "zero"
    TENFOLD = "tenfold"
    OTHER_UNIT = "other unit"
    OTHER_TYPE = "other type"
    FLIPPED = "flipped"
    DOUBLED = "doubled"
    SWAPPED = "swapped"


@dataclass(frozen=True)
class Edit:
    """A piece of a file that is written otherwise."""

    file: str
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Mutant:
    """A repository with one mistake.

    Attributes:
        leaf: What is changed.
        family: How.
        edits: The change; one, or one in each of two objects.
        old: What stood there, for people and for messages that name it.
        new: What stands there now.
    """

    leaf: Leaf
    family: Family
    edits: tuple[Edit, ...]
    old: str
    new: str

    def identity(self, texts: Mapping[str, str]) -> str:
        """Return a name that the content of the files and the change decide alone."""
        digest = hashlib.sha256(self.family.encode())
        for edit in self.edits:
            digest.update(f"\n{edit.file} {edit.start} {edit.end} {edit.text}\n{texts[edit.file]}".encode())
        return digest.hexdigest()[:16]


def applied(edits: Iterable[Edit], texts: Mapping[str, str]) -> dict[str, str]:
    """Return the files that edits change, as they are then."""
    changed: dict[str, str] = {}
    for edit in sorted(edits, key=lambda edit: (edit.file, -edit.start)):
        text = changed.get(edit.file, texts[edit.file])
        changed[edit.file] = text[: edit.start] + edit.text + text[edit.end :]
    return changed


def mutants(leaves: Sequence[Leaf], texts: Mapping[str, str], seed: int) -> Iterator[Mutant]:
    """Yield every mutant of what a repository sets.

    Args:
        leaves: What it sets.
        texts: The files' contents.
        seed: Decides which letter is lost, and from where another name is taken.
    """
    names: dict[str, set[str]] = defaultdict(set)
    alike: dict[str, list[Leaf]] = defaultdict(list)
    for leaf in leaves:
        if isinstance(leaf.value, str) and leaf.is_scalar and "\n" not in leaf.value:
            names[leaf.field.rpartition(".")[2]].add(leaf.value)
        if leaf.is_scalar:
            alike[leaf.field].append(leaf)
    for leaf in leaves:
        chance = random.Random(f"{seed} {leaf.file} {leaf.span}")  # noqa: S311 - a seed, no secret
        yield from _of_entry(leaf, texts[leaf.file], chance)
        if not leaf.is_scalar:
            continue
        others = sorted(names[leaf.field.rpartition(".")[2]] - {str(leaf.value)})
        yield from _of_value(leaf, texts[leaf.file], others, chance)
        yield from _swapped(leaf, alike[leaf.field], texts, chance)


def _of_entry(leaf: Leaf, text: str, chance: random.Random) -> Iterator[Mutant]:
    start, end, left = leaf.removal
    shown = _shown(text[leaf.span[0] : leaf.span[1]])
    yield Mutant(leaf, Family.REMOVED, (Edit(leaf.file, start, end, left),), shown, "")
    if leaf.key_span is not None and len(leaf.key) > 2:
        new = _slip(leaf.key, chance)
        yield Mutant(leaf, Family.MISSPELT_KEY, (Edit(leaf.file, *leaf.key_span, new),), leaf.key, new)
    if leaf.doubling is not None:
        at, added = leaf.doubling
        yield Mutant(leaf, Family.DOUBLED, (Edit(leaf.file, at, at, added),), shown, shown)


def _of_value(leaf: Leaf, text: str, others: Sequence[str], chance: random.Random) -> Iterator[Mutant]:
    value = leaf.value
    # Terraform turns "true" and "1" into what the argument is of, and a number into a text.
    converts = leaf.file.endswith(_TERRAFORM)
    if isinstance(value, bool):
        yield _valued(leaf, Family.FLIPPED, text, not value)
        yield _valued(leaf, Family.OTHER_TYPE, text, "text" if converts else str(value).lower())
    elif isinstance(value, int | float):
        yield from _of_number(leaf, text, value)
        yield _valued(leaf, Family.OTHER_TYPE, text, "text" if converts else str(value))
    elif isinstance(value, str) and value and "\n" not in value:
        yield from _of_string(leaf, text, value, others, chance)


def _of_number(leaf: Leaf, text: str, value: int | float) -> Iterator[Mutant]:
    whole = isinstance(value, int)
    yield _valued(leaf, Family.NEIGHBOUR, text, value + 1 if whole else round(value * 1.1 + 0.01, 4))
    if value:
        yield _valued(leaf, Family.ZERO, text, 0 if whole else 0.0)
        yield _valued(leaf, Family.TENFOLD, text, value * 10)


def _of_string(leaf: Leaf, text: str, value: str, others: Sequence[str], chance: random.Random) -> Iterator[Mutant]:
    if _NUMBER.fullmatch(value):
        number = float(value) if "." in value else int(value)
        for family, other in ((Family.NEIGHBOUR, number + 1), (Family.ZERO, 0), (Family.TENFOLD, number * 10)):
            if other != number:
                yield _valued(leaf, family, text, str(other))
        return
    quantity = KUBERNETES_QUANTITY.fullmatch(value) or _DURATION.fullmatch(value)
    if quantity is not None:
        amount, unit = quantity[1], quantity[2]
        units = _OTHER_UNITS if KUBERNETES_QUANTITY.fullmatch(value) and not _is_time(leaf) else _OTHER_TIMES
        yield _valued(leaf, Family.ZERO, text, f"0{unit}")
        yield _valued(leaf, Family.TENFOLD, text, f"{float(amount) * 10:g}{unit}")
        if unit in units:
            yield _valued(leaf, Family.OTHER_UNIT, text, f"{amount}{units[unit]}")
        return
    word = _word(value, chance)
    if word is not None:
        start, end = word
        yield _valued(leaf, Family.MISSPELT, text, value[:start] + _slip(value[start:end], chance) + value[end:])
        cased = value[start:end].upper() if value[start:end].islower() else value[start:end].lower()
        if cased != value[start:end]:
            yield _valued(leaf, Family.OTHER_CASE, text, value[:start] + cased + value[end:])
    if value.startswith("--") and "=" in value:
        flag, _, given = value.partition("=")
        if _NUMBER.fullmatch(given):
            number = float(given) if "." in given else int(given)
            for family, other in ((Family.NEIGHBOUR, number + 1), (Family.ZERO, 0), (Family.TENFOLD, number * 10)):
                yield _valued(leaf, family, text, f"{flag}={other}")
    if others:
        yield _valued(leaf, Family.OTHER_NAME, text, chance.choice(others))
    yield _valued(leaf, Family.OTHER_TYPE, text, 7)


def _is_time(leaf: Leaf) -> bool:
    """Return whether `5m` stands for minutes here, and not for thousandths."""
    return leaf.key.lower().endswith(("duration", "interval", "timeout", "period", "after", "for", "ttl", "seconds"))


def _swapped(leaf: Leaf, alike: Sequence[Leaf], texts: Mapping[str, str], chance: random.Random) -> Iterator[Mutant]:
    """Yield the mutant in which two objects have each other's value."""
    others = [each for each in alike if each.value != leaf.value and each.parent != leaf.parent]
    if not others:
        return
    other = chance.choice(others)
    mine = texts[leaf.file][slice(*leaf.span)]
    theirs = texts[other.file][slice(*other.span)]
    if "\n" in mine or "\n" in theirs:
        return
    edits = (Edit(leaf.file, *leaf.span, theirs), Edit(other.file, *other.span, mine))
    yield Mutant(leaf, Family.SWAPPED, edits, str(leaf.value), str(other.value))


def _valued(leaf: Leaf, family: Family, text: str, value: Scalar) -> Mutant:
    written = text[slice(*leaf.span)]
    new = _written(value, written[:1] if written[:1] in ("'", '"') else "", is_terraform=leaf.file.endswith(_TERRAFORM))
    return Mutant(leaf, family, (Edit(leaf.file, *leaf.span, new),), str(leaf.value), str(value))


_TERRAFORM = (".tf", ".tfvars")


def _written(value: Scalar, quote: str, *, is_terraform: bool) -> str:
    """Return a value as it is written in a file, in the quotes of the value before where both are strings."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    if quote == "'" and not is_terraform:
        return "'" + text.replace("'", "''") + "'"
    if is_terraform or quote or not _PLAIN.fullmatch(text) or text.lower() in _BOOLEANS or text.endswith(":"):
        return json.dumps(text, ensure_ascii=False)
    return text


def _word(value: str, chance: random.Random) -> tuple[int, int] | None:
    words = list(_WORD.finditer(value))
    return chance.choice(words).span() if words else None


def _slip(word: str, chance: random.Random) -> str:
    """Return a word in which one letter is lost."""
    at = chance.randrange(1, len(word)) if len(word) > 1 else 0
    return word[:at] + word[at + 1 :]


def _shown(text: str) -> str:
    first = text.strip().splitlines()[0] if text.strip() else ""
    return first[:80]
