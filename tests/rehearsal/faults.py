"""What the cases of all rules render to, and what a server must know to judge it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson
import yaml

from modelyard.checking import CheckOptions
from modelyard.checking.environments import environments
from modelyard.findings import UserError
from modelyard.rehearsal.control_plane import ControlPlane
from modelyard.rehearsal.definitions import install_definitions
from modelyard.rehearsal.dry_run import KEPT, keep_what_others_need
from modelyard.rehearsal.rehearse import definitions_in_use
from modelyard.repository import Repository
from modelyard.rules import rules
from modelyard.view import Environment
from tests.repositories.edits import apply_edits

POLICIES = "admissionregistration.k8s.io"


def view_of(root: Path) -> Environment:
    """Return the first environment of a repository."""
    (name, *_) = Repository(root).environments
    (view,) = environments(Repository(root), CheckOptions(environments=(name,))).views
    return view


def ready(plane: ControlPlane, view: Environment) -> None:
    """Make the server know what an environment needs; what it knows already is left.

    Admission policies are not kept: they refuse by design what schemas take.
    """
    known = {kind for _, kind in plane.api.served()}
    wanted = definitions_in_use(view, []).values()
    install_definitions(plane.api, [each for each in wanted if each["spec"]["names"]["kind"] not in known], plane.check)
    keep_what_others_need(plane.api, view, [each for each in KEPT if each[0] != POLICIES])


def distinct(values: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the values without repetitions."""
    return list({orjson.dumps(value, option=orjson.OPT_SORT_KEYS): value for value in values}.values())


def faults_of_every_rule(plane: ControlPlane, bases: Mapping[str, Path], scratch: Path) -> list[dict[str, Any]]:
    """Return what the cases of all rules render to, the server being made ready for it."""
    found: list[dict[str, Any]] = []
    for rule in rules().values():
        for case in yaml.safe_load((rule.folder / "cases.yaml").read_text()):
            root = scratch / "repository"
            shutil.copytree(bases[case["repository"]], root, symlinks=True)
            apply_edits(root, case)
            try:
                view = view_of(root)
            except UserError:
                continue  # a case about a repository that cannot be read has no resources
            finally:
                shutil.rmtree(root)
            ready(plane, view)
            found += [manifest.value for manifest in view.resources]
    return found
