"""What every combination of answers generates, a real API server takes, and Argo CD would see as synced."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelyard.checking import CheckOptions
from modelyard.checking.environments import environments
from modelyard.findings import Severity
from modelyard.rehearsal import outcomes
from modelyard.rehearsal.control_plane import ControlPlane
from modelyard.rehearsal.definitions import install_definitions
from modelyard.rehearsal.dry_run import keep_what_others_need, try_the_rest
from modelyard.rehearsal.rehearse import definitions_in_use
from modelyard.repository import Repository
from tests.template import matrix
from tests.template.conftest import copied_template, publish


@pytest.mark.slow  # an environment for each of two dozen combinations, one after the other on one server
def test_every_combination_of_answers_is_taken(plane_of_its_own: ControlPlane, tmp_path: Path) -> None:
    plane = plane_of_its_own
    template = copied_template(tmp_path / "template")
    publish(template, "v0.1.0")
    root = matrix.write(template, tmp_path / "matrix")
    repository = Repository(root)
    known = {str(each["metadata"]["name"]) for each in _definitions_of(plane)}
    objections: dict[str, list[str]] = {}
    for name in repository.environments:
        (view,) = environments(repository, CheckOptions(environments=(name,))).views
        definitions = definitions_in_use(view, [])
        installed = install_definitions(
            plane.api, [each for key, each in definitions.items() if key not in known], plane.check
        )
        assert not installed.refused
        known |= set(definitions)
        tried = [*keep_what_others_need(plane.api, view)]
        tried += try_the_rest(plane.api, view, definitions=definitions.values())
        assert len(tried) == len(view.resources) > 40
        found = [each for each in outcomes.of_resources(tried, view) if each.severity is Severity.ERROR]
        if found:
            objections[str(name)] = [each.message for each in found]
        assert not [each.gap for each in tried if each.gap]
    assert len(repository.environments) == len(matrix.combinations())
    assert objections == {}


def _definitions_of(plane: ControlPlane) -> list[dict[str, dict[str, str]]]:
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    return list(plane.api.request("GET", path).value.get("items", []))
