"""The words that a program in a container is given: through `command`, `args`, a shell's script, and variables.

Kubernetes replaces `$(NAME)` of a variable of the container before the process starts; a shell replaces `$NAME` and
`${NAME}` when its script runs. What only the cluster knows, such as the content of a Secret, stays as it is written and
is told as a gap.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from modelyard.findings import Address
from modelyard.view.manifests import Manifest
from modelyard.view.shapes import entries, listed, mapping, text
from modelyard.view.workloads import Container

SHELLS = ("ash", "bash", "dash", "ksh", "sh", "zsh")
"""Programs that run a script which stands in one word."""

_OF_KUBERNETES = re.compile(r"\$\$|\$\(([A-Za-z_.-][\w.-]*)\)")
_OF_SHELL = re.compile(r"\$(?:\{(\w{1,100})(?::?[-=]([^}$]{0,200}))?\}|(\w{1,100}))")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
# What begins a command anew, or ends one. shlex joins neighbours, as in `&&` or `;` before a line's end.
_OPERATORS = "();<>|&\n"
_REDIRECTIONS = ("<", ">")
_COMMENT = re.compile(r"^[ \t]*+#.*$", re.MULTILINE)
_BRANCHES = frozenset({"case", "elif", "else", "for", "function", "if", "select", "until", "while"})
_LABEL = re.compile(r"metadata\.labels\['([^']+)'\]")
_LONGEST_SCRIPT = 100_000


@dataclass(frozen=True)
class Word:
    """One word.

    Attributes:
        text: As the program is given it, variables filled in as far as they are known.
        field: `command` or `args`, where it stands.
        index: The item of that field that it stands in.
        at: The address of that item.
    """

    text: str
    field: str
    index: int
    at: Address


@dataclass(frozen=True)
class CommandLine:
    """What one program in a container is given.

    Attributes:
        words: Its words, without those of what starts it.
        gap: What of it only the running container knows; empty when all is known.
        scripted: Whether a shell's script starts the program, so that `args` are not its own.
    """

    words: tuple[Word, ...]
    gap: str = ""
    scripted: bool = False


def command_words(container: Container, siblings: Sequence[Manifest] = ()) -> tuple[Word, ...]:
    """Return the words of a container's process, with the variables that its manifest tells.

    Args:
        container: The container.
        siblings: The resources rendered with it, among which its ConfigMaps are.
    """
    return _words(container, _variables(container, siblings))


def _words(container: Container, variables: Mapping[str, str]) -> tuple[Word, ...]:
    return tuple(
        Word(_expanded(str(each), variables), field, index, container.at(field, index))
        for field in ("command", "args")
        for index, each in enumerate(listed(container.value, field))
    )


def script_of(words: Sequence[Word]) -> tuple[Word, tuple[Word, ...]] | None:
    """Return the script that a shell runs, and the words after it; None where no shell runs one."""
    if not words or words[0].text.rpartition("/")[2] not in SHELLS:
        return None
    runs_script = takes_name = False
    for number, word in enumerate(words[1:], 1):
        if takes_name:
            takes_name = False
        elif word.text.startswith(("-", "+")):
            options = "" if word.text.startswith("--") else word.text[1:]
            runs_script = runs_script or "c" in options
            takes_name = options.endswith("o")  # as `-o pipefail` and `-euo pipefail` do
        else:
            return (word, tuple(words[number + 1 :])) if runs_script else None
    return None


def command_line(
    container: Container, siblings: Sequence[Manifest], begins: Callable[[Sequence[str]], int | None]
) -> CommandLine:
    """Return what a program in a container is given.

    Args:
        container: The container.
        siblings: The resources rendered with it.
        begins: Given the words of a command, returns the number of the first one that is the program's own, such as
            the one after `vllm serve`; None where the command does not start the program.
    """
    variables = _variables(container, siblings)
    words = _words(container, variables)
    script = script_of(words)
    if script is None:
        first = begins([each.text for each in words])
        if first is None:  # the image's entry point, or a program that hands its arguments on
            return CommandLine(tuple(each for each in words if each.field == "args"))
        return CommandLine(words[first:])
    word, positional = script
    if len(word.text) > _LONGEST_SCRIPT:
        return CommandLine((), f"the script of {container} is too long to be followed", scripted=True)
    try:
        commands = list(commands_of(word.text))
    except ValueError as error:
        return CommandLine((), f"the script of {container} cannot be read ({error})", scripted=True)
    return _in_script(container, word, positional, commands, variables, begins)


def _in_script(
    container: Container,
    script: Word,
    positional: Sequence[Word],
    commands: Sequence[Sequence[str]],
    variables: Mapping[str, str],
    begins: Callable[[Sequence[str]], int | None],
) -> CommandLine:
    branches = any(words[0] in _BRANCHES for words in commands)
    known = dict(variables)
    found: list[CommandLine] = []
    for words in commands:
        assigned = assignments_in(words)
        if assigned is not None:
            for name, value in assigned.items():
                filled, gap = filled_in(value, known)
                if gap or branches:
                    known.pop(name, None)
                else:
                    known[name] = filled
            continue
        first = begins(words)
        if first is not None:
            found.append(_given(container, script, words[first:], positional, known))
    if not found and any(each in script.text for each in ("$@", "${@}", "$*")):
        return CommandLine(tuple(each for each in positional if each.field == "args"))  # handed on to some program
    if not found:
        return CommandLine((), f"the script of {container} does not start it in a way that is followed", scripted=True)
    if len(found) > 1:
        return CommandLine((), f"the script of {container} starts it in more than one place", scripted=True)
    return found[0]


def _given(
    container: Container, script: Word, words: Sequence[str], positional: Sequence[Word], known: Mapping[str, str]
) -> CommandLine:
    """Return the words of one command of a script, with its variables."""
    given: list[Word] = []
    gap = ""
    for each in words:
        if each in ("$@", "${@}", "$*"):
            given.extend(positional[1:])  # the first is the script's own name, `$0`
            continue
        filled, unknown = filled_in(each, known)
        if unknown or "`" in each or "$(" in each:
            gap = gap or f"{each} in the script of {container} is known when it runs, not before"
        alone = _OF_SHELL.fullmatch(each) is not None
        # A variable that is a whole word may hold several, as EXTRA_ARGS do.
        parts = shlex.split(filled) if alone and not unknown and _is_balanced(filled) else [filled]
        given.extend(replace(script, text=part) for part in parts)
    return CommandLine(tuple(given), gap, scripted=True)


def _is_balanced(value: str) -> bool:
    try:
        shlex.split(value)
    except ValueError:
        return False
    return True


def commands_of(script: str) -> Iterator[list[str]]:
    """Yield the commands of a script, each as its words; comments and redirections are left out.

    Raises:
        ValueError: A quotation is not closed, or the script holds a document of its own.
    """
    # A line of comment may hold an apostrophe, which opens no quotation.
    lines = _COMMENT.sub("", script).replace("\\\n", " ")
    lexer = shlex.shlex(lines, posix=True, punctuation_chars=_OPERATORS)
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    lexer.commenters = ""
    words: list[str] = []
    comment = redirected = False
    for token in lexer:
        if token and not token.strip(_OPERATORS):
            if "<<" in token:
                raise ValueError("it holds a document of its own, <<")
            if words and words[-1].endswith("$") and token.startswith("("):
                # `$(…)`: its words are a program's answer. What follows belongs to the same word, so all is unknown.
                words[-1] += "(…)"
            comment = comment and "\n" not in token
            redirected = token.strip("&") in _REDIRECTIONS or token.startswith(_REDIRECTIONS)
            if redirected and words and words[-1].isdecimal():
                words.pop()  # `2>`
            if not redirected and words and not words[-1].endswith("(…)"):
                yield words
                words = []
            continue
        comment = comment or token.startswith("#")
        if not comment and not redirected:
            words.append(token)
        redirected = False
    if words:
        yield words


def assignments_in(words: Sequence[str]) -> dict[str, str] | None:
    """Return the variables that a command sets; None where it is a program."""
    rest = words[1:] if words[0] in ("export", "readonly", "declare", "local") else words
    found = [_ASSIGNMENT.fullmatch(each) for each in rest]
    if not all(found):
        return None
    return {match[1]: match[2] for match in found if match is not None}


def filled_in(word: str, known: Mapping[str, str]) -> tuple[str, bool]:
    """Return a word of a script with its variables, and whether one of them is not known."""
    unknown = False

    def value(match: re.Match[str]) -> str:
        nonlocal unknown
        name = match[1] or match[3]
        if name in known:
            return known[name]
        if match[2] is not None:
            return match[2]
        unknown = True
        return match[0]

    return _OF_SHELL.sub(value, word), unknown


def _expanded(word: str, variables: Mapping[str, str]) -> str:
    """Return a word of `command` or `args` as Kubernetes passes it on."""
    return _OF_KUBERNETES.sub(lambda match: "$" if match[0] == "$$" else variables.get(match[1], match[0]), word)


def _variables(container: Container, siblings: Sequence[Manifest]) -> dict[str, str]:
    """Return the variables of a container whose values manifests tell."""
    maps = {each.name: mapping(each.value, "data") for each in siblings if each.kind == "ConfigMap"}
    found: dict[str, str] = {}
    for source in entries(container.value, "envFrom"):
        prefix = text(source, "prefix")
        data = maps.get(text(source, "configMapRef", "name"), {})
        found.update({f"{prefix}{name}": str(value) for name, value in data.items()})
    for entry in entries(container.value, "env"):
        name, value = text(entry, "name"), entry.get("value")
        reference = mapping(entry, "valueFrom", "configMapKeyRef")
        if reference:
            value = maps.get(text(reference, "name"), {}).get(text(reference, "key"))
        label = _LABEL.fullmatch(text(entry, "valueFrom", "fieldRef", "fieldPath"))
        if label is not None:
            value = container.pod_labels.get(label[1])
        if value is None and entry.get("valueFrom"):
            found.pop(name, None)
        else:
            found[name] = _expanded(str("" if value is None else value), found)
    return found
