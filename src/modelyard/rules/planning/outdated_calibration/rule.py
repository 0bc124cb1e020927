"""Load tests of another version of the engine."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, note
from modelyard.planning.objectives_met import models_with_objectives
from modelyard.rules import rule
from modelyard.view import Environment


@rule("planning/outdated-calibration", note, since="0.1.0")
def outdated_calibration(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Load tests of another vLLM version give wider ranges than new ones would."""
    for each in models_with_objectives(environment):
        if each.subject is None or not each.runs:
            continue
        own = (each.subject.parsed_version or ())[:2]
        if any(run.version[:2] == own for run in each.runs):
            continue
        newest = max(each.runs, key=lambda run: run.version)
        yield Finding(
            at=each.address(),
            message=f"{each.model.name} runs vLLM {each.subject.version}, but its load tests are of vLLM "
            f"{newest.version_text} ({newest.day})",
            fix=f"run a load test and store it: modelyard plan {each.model.name} --env {environment.name} "
            "--from-bench FILE",
        )
