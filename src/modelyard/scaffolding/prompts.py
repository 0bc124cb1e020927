"""Copier's prompts as people need them: numbered, with the menu as check boxes and reasons in full.

See docs/adr/0511-menus-are-check-boxes-and-answers-stay-scalars.md.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

_PREFIX = "Validation error for question '{}': "
MENUS: Mapping[str, str] = {"components": "platform_menu", "starter_models": "starter_menu"}
"""Questions whose answer is names with commas between, and the hidden question that lists the names."""


@contextlib.contextmanager
def drawn_prompts(names: Sequence[str]) -> Iterator[None]:
    """Let Copier ask with numbers, check boxes and whole reasons.

    Of a Copier that is built otherwise nothing is changed.

    Args:
        names: The questions of the scope, in their order, by which they are numbered.
    """
    from copier import _user_data

    question: Any = getattr(_user_data, "Question", None)
    plain: Any = getattr(question, "get_questionary_structure", None)
    if plain is None:
        yield
        return

    def structure(self: Any) -> dict[str, Any]:
        return redrawn(plain(self), self.var_name, names, _menu(self))

    question.get_questionary_structure = structure
    try:
        yield
    finally:
        question.get_questionary_structure = plain


def redrawn(
    prompt: dict[str, Any], name: str, names: Sequence[str], menu: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the description of a prompt, for questionary, as it is shown.

    Args:
        prompt: What Copier made of the question.
        name: The question.
        names: All questions of its scope.
        menu: What may be chosen, with a description each; None for questions without a menu.
    """
    shown = dict(prompt)
    if name in names:
        shown["message"] = _wrapped(f"[{list(names).index(name) + 1}/{len(names)}] ", str(prompt["message"]))
    if prompt.get("placeholder"):
        shown["placeholder"] = [("class:placeholder", f"(for example {_plain(prompt['placeholder'])})")]
    validate: Callable[[str], str | bool] | None = prompt.get("validate")
    if validate is not None:
        shown["validate"] = lambda answer: _told(validate(answer), name)
    if menu:
        return _boxes(shown, name, menu)
    return shown


def _boxes(shown: dict[str, Any], name: str, menu: Mapping[str, str]) -> dict[str, Any]:
    """Return a prompt for names with commas between as one with check boxes; its answer is the same text."""
    from questionary import Choice

    validate, cast = shown.get("validate"), shown["filter"]
    chosen = str(shown.get("default") or "").split(",")
    width = max(40, shutil.get_terminal_size().columns - 8)
    boxes = {key: shown[key] for key in ("message", "name", "qmark", "when", "mouse_support") if key in shown}
    return boxes | {
        "type": "checkbox",
        "choices": [
            Choice(_cut(f"{each}: {about}" if about else each, width), value=each, checked=each in chosen)
            for each, about in menu.items()
        ],
        "filter": lambda answer: cast(_joined(answer)),
        "validate": (lambda answer: validate(_joined(answer))) if validate else (lambda _: True),
    }


def _wrapped(number: str, message: str) -> str:
    """Return a numbered message in lines that a terminal does not break in the middle of a word."""
    said = message.rstrip()
    width = shutil.get_terminal_size().columns - 4  # the mark before it is two columns wide
    return "\n   ".join(textwrap.wrap(number + said, width)) + message[len(said) :]


def _joined(answer: Any) -> str:
    return ",".join(answer) if isinstance(answer, list) else str(answer)


def _told(outcome: str | bool, name: str) -> str | bool:
    """Return what the line below the prompt says; a reason that is longer is printed whole above it."""
    if not isinstance(outcome, str):
        return outcome
    reason = " ".join(outcome.removeprefix(_PREFIX.format(name)).split())
    width = shutil.get_terminal_size().columns
    if len(reason) < width:
        return reason
    from prompt_toolkit.application import run_in_terminal

    with contextlib.suppress(RuntimeError):  # no prompt is running
        run_in_terminal(lambda: sys.stdout.write(textwrap.fill(reason, width) + "\n"))
    return "not accepted; the reason stands above"


def _menu(question: Any) -> Mapping[str, str] | None:
    """Return what a question may be answered with and what each is, where a hidden question lists it."""
    listed = MENUS.get(question.var_name)
    if listed is None:
        return None
    known = {**dict(question.context), **dict(question.answers.combined)}
    entries = known.get(listed)
    if isinstance(entries, Mapping):
        return {
            str(name): str(each.get("description", ""))
            for name, each in entries.items()
            if isinstance(each, Mapping) and known.get(str(each.get("needs", "")), True)
        }
    if not isinstance(entries, list):
        return None
    return {
        str(each["name"]): str(each.get("description", ""))
        for each in entries
        if isinstance(each, Mapping) and each.get("install") != "always" and each.get("met", True)
    }


def _plain(placeholder: Any) -> str:
    return placeholder if isinstance(placeholder, str) else "".join(text for _, text in placeholder)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
