"""Misspelt inputs of actions."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.catalog import action_inputs
from modelyard.findings import Finding, NotChecked, warning
from modelyard.repository import FileAddress
from modelyard.rules import rule
from modelyard.rules.wording import nearest
from modelyard.view import Environment, mapping, text, workflows

_ALIKE = 0.8


@rule("workflow/unread-input", warning, since="0.3.0")
def unread_input(environment: Environment) -> Iterator[Finding | NotChecked]:
    """GitHub warns of an input that an action does not have, and runs the action without it."""
    for workflow in workflows(environment):
        for path, step in workflow.steps():
            action = text(step, "uses").partition("@")[0]
            known, given = action_inputs(action), mapping(step, "with")
            for name in given if known else ():
                meant = "" if name in known else nearest(str(name), known - given.keys(), cutoff=_ALIKE)
                if meant:
                    yield Finding(
                        at=FileAddress(environment.repository.files, workflow.file, (*path, "with", name), key=True),
                        message=f"{workflow.file} gives {action} the input {name}, which it does not have: it runs "
                        f"without {meant}",
                        fix=f"write {meant}",
                    )
