"""The template's questions, and answers to them from a file or the command line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from modelyard.findings import At, Place, Precision, UserError
from modelyard.repository.limits import UnreadableFile, content_of
from modelyard.repository.yaml import MalformedYAML, MappingNode, NotOneMapping, ScalarNode, documents_of_1_1, nodes
from modelyard.scaffolding.source import QUESTIONS_FILE, TemplateSource
from modelyard.wording import nearest

Scope = Literal["repository", "environment"]

_SCOPE = re.compile(r"scope == '(repository|environment)'")
_BY_SCOPE = re.compile(rf"\{{\{{ {_SCOPE.pattern} \}}\}}")
_WITHOUT_DEFAULT = "{{ UNSET }}"
_BOOLEANS = {"true", "false", "yes", "no", "on", "off"}
_MAX_ANSWERS_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Question:
    """A question that can be answered.

    Attributes:
        name: Its name.
        type: Copier's name of the type of its answer.
        scopes: The scopes that ask it.
        required: Whether it has no default, and is asked whatever the other answers are.
    """

    name: str
    type: str
    scopes: frozenset[Scope]
    required: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as text, and where it was given; None on the command line."""

    text: str
    place: Place | None = None


class Questionnaire:
    """The questions of one version of the template."""

    def __init__(self, text: str) -> None:
        content = next(iter(documents_of_1_1(QUESTIONS_FILE, text)), None)
        if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
            raise NotOneMapping(QUESTIONS_FILE, of="questions")
        self.questions: dict[str, Question] = {}
        for name, written in content.items():
            details = written if isinstance(written, dict) else {}
            if name.startswith("_") or name == "scope" or details.get("when", True) is False:
                continue
            when = str(details.get("when", ""))
            named: list[Any] = _SCOPE.findall(when)
            scopes: frozenset[Scope] = frozenset(named or ("repository", "environment"))
            required = _WITHOUT_DEFAULT in str(details.get("default", "")) and (
                not when or bool(_BY_SCOPE.fullmatch(when))
            )
            self.questions[name] = Question(name, str(details.get("type", "yaml")), scopes, required)

    @classmethod
    def of(cls, source: TemplateSource) -> Questionnaire:
        """Return the questions of a template.

        Raises:
            UserError: The template cannot be read, or its questionnaire is not YAML.
        """
        try:
            return cls(source.questions_text())
        except MalformedYAML:
            raise UserError(f"{QUESTIONS_FILE} of the template {source} is not valid YAML") from None

    def check(self, answers: Mapping[str, Answer]) -> None:
        """Refuse answers to questions that nobody asks, and text that its question's type cannot hold.

        Copier ignores the former, and names no question for the latter.

        Raises:
            UserError: The first such answer.
        """
        for name, answer in answers.items():
            at = At(answer.place) if answer.place else None
            question = self.questions.get(name)
            if question is None:
                raise UserError(f"there is no question {name}", fix=self._nearest(name), at=at)
            if question.type == "int" and not re.fullmatch(r"[+-]?[0-9]+", answer.text):
                raise UserError(f"{name}: '{answer.text}' is not a whole number", fix="write digits only", at=at)
            if question.type == "bool" and answer.text.lower() not in _BOOLEANS:
                raise UserError(f"{name}: '{answer.text}' is neither true nor false", fix="write true or false", at=at)

    def unanswered(self, answers: Mapping[str, Answer], scope: Scope) -> list[str]:
        """Return the questions that are open and have no default, when a scope is the first that is written.

        The environment follows the repository, which answers what both ask.
        """
        return [
            name
            for name, each in self.questions.items()
            if each.required and name not in answers and (scope == "repository" or each.scopes == {scope})
        ]

    def asked(self, answers: Mapping[str, Answer], scope: Scope) -> list[str]:
        """Return the questions of a scope that are open, in their order; some depend on the answers to others."""
        return [name for name, each in self.questions.items() if scope in each.scopes and name not in answers]

    def for_scope(self, answers: Mapping[str, Answer], scope: Scope) -> dict[str, str]:
        """Return the answers to questions of one scope."""
        return {name: each.text for name, each in answers.items() if scope in self.questions[name].scopes}

    def _nearest(self, name: str) -> str:
        near = nearest(name, self.questions)
        return f"did you mean {near}?" if near else f"questions are {', '.join(self.questions)}"


def read_answers(file: Path) -> dict[str, Answer]:
    """Return the answers of a YAML file, every scalar as the text that stands there.

    Text it is because YAML reads 1.30 as 1.3, and an account id with a leading zero as another number.

    Raises:
        UserError: The file cannot be read, or is not one YAML mapping of names to scalars.
    """
    try:
        text = content_of(file, most=_MAX_ANSWERS_BYTES, pipes=True).decode("utf-8")
    except UnreadableFile as error:
        raise UserError(f"the answers file {error.message}", fix=error.fix) from None
    except UnicodeDecodeError:
        raise UserError(f"the answers file {file} cannot be read: it is not UTF-8") from None
    roots = list(nodes(str(file), text))
    if not roots:
        return {}
    node = roots[0]
    if not isinstance(node, MappingNode) or len(roots) > 1:
        raise UserError("an answers file holds one mapping of questions to answers", at=At(_place(file, 0, 0)))
    answers: dict[str, Answer] = {}
    for key, value in node.value:
        place = _place(file, key.start_mark.line, key.start_mark.column)
        if not isinstance(key, ScalarNode) or not isinstance(value, ScalarNode):
            name = key.value if isinstance(key, ScalarNode) else "a question"
            raise UserError(
                f"{name} is answered by a list or mapping; answers are single values",
                fix="write `name: value`, and values of a list with commas between",
                at=At(place),
            )
        if key.value in answers:
            raise UserError(f"{key.value} is answered twice", fix="leave one", at=At(place))
        empty = value.tag == "tag:yaml.org,2002:null"
        answers[key.value] = Answer("" if empty else value.value, place)
    return answers


def given_answers(file: Path | None, data: Mapping[str, str] | None) -> dict[str, Answer]:
    """Return the answers of a file and of the command line, which wins."""
    answers = read_answers(file) if file is not None else {}
    return answers | {name: Answer(str(text)) for name, text in (data or {}).items()}


def blame(names: Iterable[str], answers: Mapping[str, Answer]) -> At | None:
    """Return the place of the first of these questions that was answered in a file."""
    for name in names:
        if name in answers and (place := answers[name].place):
            return At(place)
    return None


def _place(file: Path, line: int, column: int) -> Place:
    return Place(str(file), line + 1, column + 1, precision=Precision.EXACT)
