"""Copier's prompts as they are shown: numbered, with check boxes, examples that look like none, and whole reasons."""

from __future__ import annotations

from typing import Any

import pytest

from modelyard.scaffolding.prompts import drawn_prompts, redrawn

NAMES = ("region", "components", "zones")
MENU = {"keda": "Scales models", "kuberay": "Runs Ray clusters"}


def prompt(**more: Any) -> dict[str, Any]:
    """Return what Copier makes of a question for a text."""
    return {"type": "input", "message": "Which", "name": "x", "default": "keda", "filter": str.strip, **more}


def test_a_prompt_has_its_number() -> None:
    assert redrawn(prompt(), "zones", NAMES)["message"] == "[3/3] Which"
    assert redrawn(prompt(), "other", NAMES)["message"] == "Which"


def test_an_example_does_not_look_like_an_answer() -> None:
    shown = redrawn(prompt(placeholder="snap-0123"), "zones", NAMES)
    assert [text for _, text in shown["placeholder"]] == ["(for example snap-0123)"]


def test_a_menu_is_a_list_of_boxes_whose_answer_is_the_same_text() -> None:
    refused = "Validation error for question 'components': kuberay needs keda"
    validate = {"keda": True, "kuberay": refused, "keda,kuberay": True, "": True}.__getitem__
    shown = redrawn(prompt(validate=validate, multiline=False), "components", NAMES, MENU)
    assert shown["type"] == "checkbox" and "default" not in shown and "multiline" not in shown
    assert [(each.value, each.checked) for each in shown["choices"]] == [("keda", True), ("kuberay", False)]
    assert "Scales models" in str(shown["choices"][0].title)
    assert shown["filter"](["keda", "kuberay"]) == "keda,kuberay"
    assert shown["filter"]([]) == ""
    assert shown["validate"](["keda"]) is True
    assert shown["validate"](["kuberay"]) == "kuberay needs keda"


def test_a_reason_stands_alone_and_a_long_one_above_the_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    lead = "Validation error for question 'zones': "
    short = redrawn(prompt(validate=lambda _: f"{lead}one zone given"), "zones", NAMES)
    assert short["validate"]("a") == "one zone given"
    printed: list[str] = []
    monkeypatch.setattr("prompt_toolkit.application.run_in_terminal", lambda write: write())
    monkeypatch.setattr("sys.stdout.write", printed.append)
    long = redrawn(prompt(validate=lambda _: lead + "one zone given, and two to six are needed here"), "zones", NAMES)
    assert "above" in str(long["validate"]("a"))
    assert " ".join("".join(printed).split()) == "one zone given, and two to six are needed here"
    assert max(map(len, "".join(printed).splitlines())) <= 40


def test_copiers_own_question_is_drawn_so_and_left_as_it_was() -> None:
    from copier._jinja_ext import SandboxedEnvironment
    from copier._user_data import AnswersMap, Question

    menu = [
        {"name": "keda", "description": "Scales", "install": "choice", "met": True},
        {"name": "argocd", "install": "always"},
    ]
    answers = AnswersMap(metadata={}, init={}, last={}, user={"platform_menu": menu})
    plain = Question.get_questionary_structure
    with drawn_prompts(NAMES):
        asked = Question(
            var_name="components",
            answers=answers,
            context={},
            jinja_env=SandboxedEnvironment(),
            type="str",
            default="keda",
            help="Optional platform components",
        )
        shown = asked.get_questionary_structure()
    assert shown["type"] == "checkbox" and [each.value for each in shown["choices"]] == ["keda"]
    assert shown["message"].startswith("[2/3] ")
    assert Question.get_questionary_structure is plain
