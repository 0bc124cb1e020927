"""A control plane for tests, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from modelyard.findings import UserError
from modelyard.rehearsal.control_plane import ControlPlane, control_plane, programs
from modelyard.rehearsal.folders import run_folder
from tests.rehearsal.faults import faults_of_every_rule
from tests.rehearsal.guarded import Server, guarded_server


def missing() -> str:
    """Return why no control plane can be started; empty when one can."""
    try:
        programs()
    except UserError as error:
        return f"{error.message}: `make rehearsal-tools` builds it"
    return ""


@pytest.fixture(scope="session")
def plane() -> Iterator[ControlPlane]:
    """Return a running control plane, one for all tests of a worker."""
    if reason := missing():
        pytest.skip(reason)
    with run_folder() as folder, control_plane(folder) as running:
        yield running


@pytest.fixture
def plane_of_its_own() -> Iterator[ControlPlane]:
    """Return a control plane for a test that leaves admission policies on it, which would judge what follows."""
    if reason := missing():
        pytest.skip(reason)
    with run_folder() as folder, control_plane(folder) as running:
        yield running


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Return a control plane of its own that refuses by the platform's policies, which would judge what follows."""
    if reason := missing():
        pytest.skip(reason)
    with guarded_server() as running:
        yield running


@pytest.fixture(scope="session")
def faults(
    plane: ControlPlane, bases: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, Any]]:
    """Return what the cases of all rules render to; the control plane knows their definitions."""
    return faults_of_every_rule(plane, bases, tmp_path_factory.mktemp("faults"))


@pytest.fixture
def needs_control_plane() -> None:
    """Skip a test that starts a control plane of its own where none can be started."""
    if reason := missing():
        pytest.skip(reason)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one worker run all that starts a control plane: two at once would only slow each other down."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("rehearsal"))
