"""Changing what a GitOps repository holds: models, features, environments; all files of an edit or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelyard.editing.adopting import ImportResult, adopt
    from modelyard.editing.changes import Changes, FileChange
    from modelyard.editing.choosing import Candidate, ModelChoice, ModelRequest, candidates, refusal
    from modelyard.editing.environment_folder import environment_files
    from modelyard.editing.environments import (
        EnvironmentRow,
        environment_rows,
        outputs,
        remove_environment,
        sync_outputs,
    )
    from modelyard.editing.menu import Menu
    from modelyard.editing.migrations import Migration, migrate
    from modelyard.editing.models import remove_model, rename_model, rows, set_model, settings_of, switch_feature
    from modelyard.editing.naming import model_name
    from modelyard.editing.owners import require_owners, set_owners
    from modelyard.editing.planned import apply_candidate, write_objectives
    from modelyard.editing.promotion import Promotion, promote
    from modelyard.editing.served import Served
    from modelyard.editing.sources import ExternalDeployment, foreign
    from modelyard.editing.trials import Trial, tried

__all__ = [
    "Candidate",
    "Changes",
    "EnvironmentRow",
    "ExternalDeployment",
    "FileChange",
    "ImportResult",
    "Menu",
    "Migration",
    "ModelChoice",
    "ModelRequest",
    "Promotion",
    "Served",
    "Trial",
    "adopt",
    "apply_candidate",
    "candidates",
    "environment_files",
    "environment_rows",
    "foreign",
    "migrate",
    "model_name",
    "outputs",
    "promote",
    "refusal",
    "remove_environment",
    "remove_model",
    "rename_model",
    "require_owners",
    "rows",
    "set_model",
    "set_owners",
    "settings_of",
    "switch_feature",
    "sync_outputs",
    "tried",
    "write_objectives",
]

_HOMES = {
    "Migration": "migrations",
    "migrate": "migrations",
    "require_owners": "owners",
    "set_owners": "owners",
    "ImportResult": "adopting",
    "ExternalDeployment": "sources",
    "adopt": "adopting",
    "foreign": "sources",
    "Changes": "changes",
    "FileChange": "changes",
    "Candidate": "choosing",
    "ModelChoice": "choosing",
    "ModelRequest": "choosing",
    "candidates": "choosing",
    "refusal": "choosing",
    "environment_files": "environment_folder",
    "EnvironmentRow": "environments",
    "environment_rows": "environments",
    "outputs": "environments",
    "remove_environment": "environments",
    "sync_outputs": "environments",
    "Menu": "menu",
    "remove_model": "models",
    "rename_model": "models",
    "rows": "models",
    "set_model": "models",
    "settings_of": "models",
    "switch_feature": "models",
    "model_name": "naming",
    "Promotion": "promotion",
    "promote": "promotion",
    "Served": "served",
    "Trial": "trials",
    "tried": "trials",
    "apply_candidate": "planned",
    "write_objectives": "planned",
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
