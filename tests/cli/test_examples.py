"""Every verb's help ends with an example, and examples are commands that exist, in the help and in READMEs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from modelyard.cli.application import application
from modelyard.cli.examples import EXAMPLES
from modelyard.cli.helping import OPTIONS

PROJECT = Path(__file__).parents[2]
LINE: Any = typer.main.get_command(application())


def verbs(command: Any, path: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return every verb that does something, by its words."""
    below = getattr(command, "commands", {})
    found = {name: each for part, sub in below.items() for name, each in verbs(sub, (*path, part)).items()}
    # A verb may do something itself, besides those below it.
    return found if hasattr(command, "resolve_command") else {" ".join(path): command, **found}


VERBS = verbs(LINE)


def parsed(words: list[str]) -> None:
    """Parse a command as the command line would, and run nothing.

    Raises:
        ValueError: There is no such verb or option, or an argument is none.
    """
    command = LINE
    while below := getattr(command, "commands", {}):
        if not words or words[0] not in below:
            if not hasattr(command, "resolve_command"):
                break
            raise ValueError(f"there is no verb {' '.join(words[:1])}")
        command, words = below[words[0]], words[1:]
    try:
        command.make_context(command.name, list(words))
    except Exception as problem:  # of the click that typer carries
        if type(problem).__name__ != "MissingParameter":
            raise ValueError(getattr(problem, "message", problem)) from problem


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_shows_an_example(verb: str) -> None:
    assert EXAMPLES.get(verb), f"add an example of {verb} to cli/examples.py"
    shown = VERBS[verb].get_help(VERBS[verb].make_context(verb, [], resilient_parsing=True))
    assert f"  modelyard {EXAMPLES[verb][0]}\n" in f"{shown}\n"
    for each in EXAMPLES[verb]:
        assert each == verb or each.startswith(f"{verb} ")
        parsed(shlex.split(each))


def test_no_example_is_of_a_verb_that_is_gone() -> None:
    assert set(EXAMPLES) == set(VERBS)


@pytest.mark.parametrize("file", ["README.md", "template/repository/README.md.jinja"])
def test_commands_of_readmes_exist(file: str) -> None:
    text = (PROJECT / file).read_text()
    found = [each.split("   #")[0] for each in re.findall(r"`modelyard ([^`|]+)`", text)]
    found += re.findall(r"^modelyard ([^#\n]+)", text, re.MULTILINE)
    found = [command.strip() for each in found for command in each.split("&&")[:1]]
    assert len(found) > 10
    for each in found:
        words = shlex.split(re.sub(r"<(\w+)>", r"\1", each))
        if words[0] == "completion" or words[0].startswith("--"):
            continue
        if len(words) > 1 or not hasattr(LINE.commands[words[0]], "commands"):  # a sentence may name a group of verbs
            parsed(words)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["check", "--no-such"], "--no-such"),
        (["no-such"], "no verb no-such"),
        (["model", "no-such"], "no verb no-such"),
    ],
)
def test_what_does_not_exist_is_refused(words: list[str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parsed(words)


_MANY = 12
"""Options that a person still reads as one list, with --help."""


def options_of(verb: str) -> set[str]:
    return {name for each in VERBS[verb].params if each.param_type_name == "option" for name in each.opts}


@pytest.mark.parametrize("verb", OPTIONS)
def test_headings_of_help_name_options_that_exist(verb: str) -> None:
    named = [name for options in OPTIONS[verb].values() for name in options]
    assert len(named) == len(set(named))
    assert set(named) <= options_of(verb)
    shown = VERBS[verb].get_help(VERBS[verb].make_context(f"modelyard {verb}", [], resilient_parsing=True))
    at = [shown.index(f"\n{heading}:\n") for heading in (*OPTIONS[verb], "Options")]
    assert at == sorted(at)
    for each in VERBS[verb].params:
        assert each.param_type_name == "argument" or f"{each.opts[0]} " in shown.replace(",", " ")


def test_help_with_many_options_has_headings() -> None:
    assert {verb for verb in VERBS if len(VERBS[verb].params) > _MANY} <= set(OPTIONS)


def test_all_verbs_stand_below_a_heading_in_one_column() -> None:
    shown = LINE.get_help(LINE.make_context("modelyard", [], resilient_parsing=True))
    assert "Commands:" not in shown
    columns = set()
    for name, command in LINE.commands.items():
        (line,) = [each for each in shown.splitlines() if each.startswith(f"  {name} ")]
        columns.add(line.index(command.short_help.split()[0]))
    assert len(columns) == 1
