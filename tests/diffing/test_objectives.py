"""What a change does to the objectives of a model."""

from __future__ import annotations

from modelyard.diffing import markdown
from modelyard.findings import Severity
from tests.diffing.conftest import CHAT, SETTINGS, Changed

OBJECTIVES = "environments/dev/models/chat/objectives.yaml"
TOLD = "itl: {itl}\nrate: 4\nprompt: 1000\noutput: 200\n"


def test_a_change_of_settings_tells_what_becomes_of_the_objectives(changed: Changed) -> None:
    changed.write(OBJECTIVES, TOLD.format(itl="80ms"))
    changed.commit("base")
    changed.replace(CHAT, "--max-num-seqs=64", "--max-num-seqs=1")
    found = changed.compare()
    [change] = found.environments[0].applications
    before, after = change.columns["objectives"]
    assert before.startswith("meets (")
    assert "estimated), " in before
    assert before.endswith(" USD a million tokens")
    assert after.startswith("misses")
    assert "| model | change | fits | objectives | runs on |" in markdown.comment(found.environments[0], found)


def test_an_objective_that_becomes_impossible_is_a_hazard(changed: Changed) -> None:
    changed.write(OBJECTIVES, TOLD.format(itl="80ms"))
    changed.commit("base")
    changed.write(OBJECTIVES, TOLD.format(itl="5ms"))
    changed.replace(SETTINGS, "max-model-len: 16384", "max-model-len: 8192")
    [change] = changed.compare().environments[0].applications
    hazard = change.hazards[0]
    assert (hazard.topic, hazard.severity) == ("objectives", Severity.ERROR)
    assert "5 ms" not in hazard.message
    assert "12 ms between tokens at the least" in hazard.message


def test_models_without_objectives_have_no_column(changed: Changed) -> None:
    changed.replace(SETTINGS, "max-model-len: 16384", "max-model-len: 8192")
    [change] = changed.compare().environments[0].applications
    assert "objectives" not in change.columns
