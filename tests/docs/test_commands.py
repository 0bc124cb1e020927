"""The commands that pages show can be given as they stand; `make docs-commands` runs them, or a page says why not."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from docs_commands import PROJECT, Workshop, blocks, masked, pages, ran
from modelyard.cli.application import application

TEXTS = {name: (PROJECT / name).read_text() for name in pages()}
STEPS = [(name, step) for name, text in TEXTS.items() for block in blocks(text) for step in block.steps]
ROOT: Any = typer.main.get_command(application())
PROGRAMS = r"(modelyard|git|kubectl|aws|argocd|kustomize|uv|pip|make|scripts/\S+) "


def invocations(command: str) -> Iterator[list[str]]:
    """Yield the words of each call of modelyard in a shell's command."""
    for line in command.replace("\\\n", " ").split("\n"):
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
        lexer.whitespace_split = True
        lexer.commenters = "#"
        words: list[str] = []
        for word in [*lexer, "|"]:
            if word and set(word) <= set("|&;<>"):
                if words[:1] == ["modelyard"]:
                    yield words[1:]
                words = []
            else:
                words.append(word)


def refusal(words: list[str]) -> str:
    """Return why the command line cannot be read; empty where it can."""
    command = ROOT
    verbs = list(words)
    while hasattr(command, "commands") and verbs and verbs[0] in command.commands:
        command = command.commands[verbs.pop(0)]
    if hasattr(command, "resolve_command"):
        return "" if verbs and verbs[0].startswith("-") else f"there is no verb {' '.join(words[:2])}"
    known = {option for parameter in command.params for option in parameter.opts}
    given = [word.partition("=")[0] for word in verbs if re.match(r"--?[a-z]", word)]
    unknown = [each for each in given if each not in known | {"--help", "-h"}]
    return f"{' '.join(words)}: there is no {', '.join(unknown)}" if unknown else ""


@pytest.mark.parametrize("name", sorted({name for name, _ in STEPS}))
def test_commands_of_a_page_name_verbs_and_options_that_are_there(name: str) -> None:
    told = [refusal(words) for page, step in STEPS if page == name for words in invocations(step.command)]
    assert [each for each in told if each] == []


def test_a_verb_or_an_option_that_is_not_there_is_found() -> None:
    commands = ["modelyard model ad x", "ls | modelyard check --evn dev # now", "modelyard check --env dev && git push"]
    told = [refusal(words) for command in commands for words in invocations(command)]
    assert told == ["there is no verb model ad", "check --evn dev: there is no --evn", ""]


def test_commands_stand_in_blocks_that_are_run() -> None:
    """A block of another kind would be run by nobody, and would have to say so to nobody."""
    others = [
        f"{name}: {match[1]}"
        for name, text in TEXTS.items()
        for match in re.finditer(rf"^```(?:sh|bash|shell)?\n({PROGRAMS}.*)$", text, re.MULTILINE)
    ]
    assert others == []


def test_most_commands_are_run() -> None:
    run = sum(len(block.steps) for text in TEXTS.values() for block in blocks(text) if not block.excuse)
    assert run >= 50
    assert all(len(block.excuse) > 10 for text in TEXTS.values() for block in blocks(text) if block.excuse)


PAGE = """# A page
```console
$ echo one && cat <<'END'
> two
> END
one
old
$ (exit 3) # exit code 3
```

Not run in tests: it takes a cluster.
```console
$ rm -r .
```
"""


def test_a_page_gets_what_its_commands_print(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Workshop, "make", lambda self, empty: tmp_path)
    problems: list[str] = []
    assert ran("a.md", PAGE, Workshop(tmp_path), problems) == PAGE.replace("old", "two")
    assert problems == []
    assert [step.line for block in blocks(PAGE) for step in block.steps] == [3, 8, 13]


def test_a_command_that_ends_otherwise_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Workshop, "make", lambda self, empty: tmp_path)
    problems: list[str] = []
    ran("a.md", PAGE.replace("(exit 3)", "echo no; (exit 1)"), Workshop(tmp_path), problems)
    assert problems == ["a.md:8: exit code 1, expected 3: echo no; (exit 1) # exit code 3\n  no"]


def test_a_block_that_begins_with_output_is_refused() -> None:
    with pytest.raises(ValueError, match="line 2: a block of commands begins with"):
        list(blocks("```console\nmodelyard check\n```\n"))


def test_seconds_and_commits_are_not_compared() -> None:
    assert masked("no findings (3.7 s, 2 of 2 applications from cache), commit 0123456789ab") == masked(
        "no findings (12 s, 0 of 2 applications from cache), commit ba9876543210"
    )
    assert masked("needs 1.8 GiB") != masked("needs 1.9 GiB")
