"""What `modelyard model add` asks in a terminal: which overlay, which features, and whether to write."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import typer

from modelyard.findings import UserError

if TYPE_CHECKING:
    from modelyard.editing import Candidate, Changes, ModelChoice
    from modelyard.reporting import Line


def asked_overlay(choice: ModelChoice, reasons: Callable[[Candidate], Sequence[str]]) -> Candidate:
    """Let the user choose among what is possible; where that is one, show it.

    Args:
        choice: The ways to serve the model, one of them possible at least.
        reasons: From one to what is said of it: memory, nodes and price.
    """
    possible = choice.possible
    for number, each in enumerate(possible, 1):
        _say(f"{number}  {each.overlay.name}", list(reasons(each))[1:] or [each.overlay.description])
    for each in choice.candidates:
        if not each.possible:
            _say(f"-  {each.overlay.name}", [each.why_not])
    if len(possible) == 1:
        return possible[0]
    while True:
        told = str(typer.prompt("Which one", default="1")).strip()
        if told.isascii() and told.isdigit() and 1 <= int(told) <= len(possible):
            return possible[int(told) - 1]
        sys.stdout.write(f"write a number from 1 to {len(possible)}\n")


def asked_features(changes: Changes, environment: str, chosen: Candidate) -> tuple[str, ...]:
    """Let the user choose among the features that the overlay and the environment can have; ask nothing without any."""
    from modelyard.catalog import feature_problems
    from modelyard.editing import Menu, environment_files
    from modelyard.reporting import visible

    menu, files = Menu(changes.files), environment_files(changes, environment)
    offered = [
        each
        for each in menu.features.values()
        if each.name not in chosen.features
        and not feature_problems(
            [*chosen.features, each.name], menu.features, chosen.overlay.engine, files.applications
        )
    ]
    if not offered:
        return ()
    sys.stdout.write("\nFeatures that it can have here:\n")
    for each in offered:
        _say(each.name, [each.description])
    while True:
        told = typer.prompt("Features, with commas between, or none", default="", show_default=False)
        names = tuple(dict.fromkeys(name for part in told.split(",") if (name := part.strip())))
        try:
            for name in names:
                menu.require("feature", name)
        except UserError as refusal:
            sys.stdout.write(f"{visible(refusal.message)}; {visible(refusal.fix)}\n")
        else:
            return names


def agreed(name: str, environment: str, reasons: Sequence[str], notes: Sequence[str]) -> bool:
    """Show what would be added, and return whether the user wants it written."""
    sys.stdout.write("\n")
    _say(f"{name} in {environment}", [*reasons, *(f"note: {each}" for each in notes)])
    return typer.confirm("Write it?", default=True)


def _say(title: str, lines: Sequence[str]) -> None:
    """Write a title, and lines below it that end where the terminal does."""
    from modelyard.cli.terminal import look_of, show
    from modelyard.findings import source_without_secrets
    from modelyard.reporting import visible, wrapped

    width = look_of(sys.stdout).width
    told: list[Line] = [*wrapped([], visible(title), "strong", width=width, indent=3)]
    for line in lines:
        said = visible(source_without_secrets(line))
        told += wrapped([("     ", "plain")], said, "plain", width=width, indent=5)
    show(told)
