"""The command line of an engine in a container of others: every word is a flag that is taken, or lost by name."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from modelyard.catalog import short_flags
from modelyard.editing.sources.ledger import Node, Outcome, shown
from modelyard.editing.sources.record import ExternalDeployment
from modelyard.view.command_lines import SHELLS, assignments_in, commands_of, filled_in

_BRANCHES = frozenset({"case", "elif", "else", "for", "function", "if", "select", "until", "while"})
_DECLARING = frozenset({"set", "ulimit", "umask", "cd", "exec", "shopt"})
_VARIABLE = re.compile(r"\$\(([A-Za-z_]\w*)\)|\$\{([A-Za-z_]\w*)\}|\$([A-Za-z_]\w*)")
_GROUP_START = re.compile(r"multi-node-serving\.sh$|^ray$")
_LAUNCHERS = ("vllm", "python", "python3", "exec", "env")


@dataclass(frozen=True, slots=True)
class Word:
    """One word, and the field that it stands in."""

    text: str
    node: Node


def words_of(*fields: Node) -> list[Word]:
    """Return the words of `command`, `args` and the like: lists of words, or one text that a shell would split."""
    found: list[Word] = []
    for field in fields:
        if isinstance(field.value, list):
            found += [Word(each.text, each) for each in field.items() if not isinstance(each.value, dict | list)]
        elif field.text:
            found += [Word(each, field) for each in split(field.text)]
    return found


def split(text: str) -> list[str]:
    """Return the words of one text as a shell splits it; those between blanks where a quotation is not closed."""
    try:
        return shlex.split(text.replace("\\\n", " "))
    except ValueError:
        return text.split()


def engine_start(words: Sequence[str]) -> int | None:
    """Return which word is the first of vLLM's own; None where the command does not start it."""
    for number, word in enumerate(words):
        follows = words[number + 1] if number + 1 < len(words) else ""
        if word.rpartition("/")[2] == "vllm" and follows == "serve":
            return number + 2
        if word == "-m" and follows.startswith("vllm.entrypoints.") and "run_batch" not in follows:
            return number + 2
    return None


def scripts(words: Sequence[str]) -> list[list[str]]:
    """Return the commands of the script that a shell is given; none where no shell is, or it cannot be read."""
    if not words or words[0].rpartition("/")[2] not in SHELLS:
        return []
    script = next((each for each in words[1:] if not each.startswith(("-", "+")) and each != "pipefail"), "")
    try:
        return [each for each in commands_of(script) if each]
    except ValueError:
        return []


def starts_engine(words: Sequence[str]) -> bool:
    """Return whether a command line, or the script in it, starts vLLM."""
    return any(engine_start(each) is not None for each in [list(words), *scripts(words)])


def read_command(
    found: ExternalDeployment, words: Sequence[Word], known: Mapping[str, tuple[str, Node]], *, entry_point: bool
) -> None:
    """Read the engine's flags from what a container is told.

    Args:
        found: What is understood so far; flags, the model and variables of scripts are added.
        words: The words of its command and arguments.
        known: Variables of the container with their places, which `$(NAME)` and scripts use.
        entry_point: Whether the image starts the engine by itself, so that all words are flags.

    Raises:
        UserError: A script decides what runs.
    """
    texts = [each.text for each in words]
    if texts and texts[0].rpartition("/")[2] in SHELLS:
        _script(found, words, known)
        return
    start = engine_start(texts)
    if start is None and not entry_point:
        return
    for each in words[: start or 0]:
        plain = each.text.rpartition("/")[2]
        if plain in _LAUNCHERS or plain in ("serve", "-m", "-u") or plain.startswith("vllm.entrypoints"):
            each.node.is_set("the base starts the engine")
        else:
            each.node.is_lost("the base starts the engine and nothing else")
    filled = [Word(_filled(found, each, known), each.node) for each in words[start or 0 :]]
    read_flags(found, filled, positional=True)


def _filled(found: ExternalDeployment, word: Word, known: Mapping[str, tuple[str, Node]]) -> str:
    """Return a word with the container's variables; a variable that is used so is carried with what uses it."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2] or match[3]
        if name not in known or match[1] is None:
            return match[0]  # without a shell, Kubernetes fills in `$(NAME)` alone
        text, node = known[name]
        _used(found, name, text, node)
        return text

    return _VARIABLE.sub(value, word.text)


def _used(found: ExternalDeployment, name: str, text: str, node: Node) -> None:
    slot = f"used {name}"
    found.decide(slot, Outcome.SET, "filled into the arguments that name it")
    for each in [node.at("name"), node.at("value"), node.at("valueFrom")] if isinstance(node.value, dict) else [node]:
        each.feeds(slot, shown(f"variable {name}", text))
    found.variables.pop(name, None)


def _script(found: ExternalDeployment, words: Sequence[Word], known: Mapping[str, tuple[str, Node]]) -> None:
    """Read the one engine that a script starts; what else it does is lost by name."""
    texts = [each.text for each in words]
    commands = scripts(texts)
    engines = [each for each in commands if engine_start(each) is not None]
    text = next((each.text for each in words[1:] if not each.text.startswith(("-", "+"))), "")
    if len(engines) != 1 or any(each[0] in _BRANCHES for each in commands) or "||" in text:
        raise found.refused(
            "is started by a script that decides what runs, and it is not followed",
            "write the engine's command line into the manifest, or modelyard model add ID --env NAME",
        )
    node = next(each.node for each in words[1:] if not each.text.startswith(("-", "+")) and each.text != "pipefail")
    for word in words:
        if word.node.path != node.path:
            word.node.is_set("the base starts the engine without a shell")
    values = {name: value for name, (value, _) in known.items()}
    for command in commands:
        if command is not engines[0]:
            _beside(found, command, values, node)
    start = engine_start(engines[0]) or 0
    node.is_set("the base starts the engine without a shell", "the start of the engine in its script")
    given = _positional(words, node)
    rest: list[Word] = []
    for each in engines[0][start:]:
        if each in ("$@", "${@}", "$*"):
            rest += [Word(_filled(found, more, known), more.node) for more in given]
            continue
        as_shell = _VARIABLE.sub(lambda match: f"${{{match[1]}}}" if match[1] else match[0], each)
        filled, unknown = filled_in(as_shell, values)
        for name, (value, place) in known.items():
            if re.search(rf"\$[({{]?{re.escape(name)}\b", each):
                _used(found, name, value, place)
        alone = _VARIABLE.fullmatch(each) is not None
        parts = split(filled) if alone and not unknown else [filled]
        rest += [Word(part, node) for part in parts]
    read_flags(found, rest, positional=True)


def _positional(words: Sequence[Word], script: Node) -> list[Word]:
    """Return the words after a script and its own name, which it has as `$@`."""
    after = [number for number, each in enumerate(words) if each.node.path == script.path]
    return list(words[after[-1] + 2 :]) if after else []


def _beside(found: ExternalDeployment, command: Sequence[str], values: dict[str, str], node: Node) -> None:
    assigned = assignments_in(command)
    if assigned is None:
        told = " ".join(command)
        told = told if len(told) <= 80 else told[:80] + "…"
        if any(_GROUP_START.search(each) for each in command[:2]):
            node.is_set("the base of a group joins its pods by itself", told)
        elif command[0] in _DECLARING:
            node.is_set("the base starts the engine without a shell", told)
        else:
            node.is_lost("the base starts the engine and nothing else", shown(f"{command[0]} of its script", told))
        return
    for name, value in assigned.items():
        values[name] = filled_in(value, values)[0]
        if command[0] == "export":
            found.variable(name, values[name], node)
        else:
            node.is_set("filled into the arguments that name it", shown(f"variable {name} of its script", value))


def read_flags(found: ExternalDeployment, words: Sequence[Word], *, positional: bool = False) -> None:
    """Read flags from the engine's own words.

    Args:
        found: What is understood so far.
        words: The words.
        positional: Whether the model may stand before the flags.
    """
    short = short_flags()
    rest = list(words)
    if rest and rest[0].text == "serve":
        rest.pop(0).node.is_set("the base starts the engine", "serve")
    if positional and rest and rest[0].text and not rest[0].text.startswith("-"):
        first = rest.pop(0)
        found.take_model(first.text, first.node)
    while rest:
        word = rest.pop(0)
        name, separator, value = word.text.partition("=")
        if re.fullmatch(r"-[A-Za-z][^=\s-]\S*", word.text) and word.text not in short and word.text[:2] in short:
            found.flag(short[word.text[:2]], word.text[2:], word.node)  # as `-O3`
            continue
        if not word.text.startswith("--") and name not in short:
            if word.text.strip() and word.text != "\\":
                word.node.is_lost("it belongs to no flag that is known", word.text)
            continue
        flag = short.get(name, name)
        nodes, values = [word.node], [value] if separator else []
        if not separator and " " in name:  # one item that holds a flag and its value
            name, *told = split(word.text)
            flag, values = short.get(name, name), told
        while not separator and not values[:-1] and rest and not _is_flag(rest[0].text, short):
            following = [rest.pop(0)]
            while rest and not _is_flag(rest[0].text, short):
                following.append(rest.pop(0))
            values += [each.text for each in following]
            nodes += [each.node for each in following]
        if len(values) > 1:
            found.values(flag, values, *nodes)
        else:
            found.flag(flag, values[0] if values else "true", *nodes)


def _is_flag(word: str, short: Mapping[str, str]) -> bool:
    return word.startswith("--") or word.partition("=")[0] in short or bool(re.fullmatch(r"-[A-Za-z]\w*", word))
