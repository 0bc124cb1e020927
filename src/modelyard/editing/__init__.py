"""Changing what a GitOps repository holds: models, features, environments; all files of an edit or none."""

from modelyard.editing.changes import Changes, FileChange
from modelyard.editing.choosing import Candidate, Choice, Wish, candidates, refusal
from modelyard.editing.environment_files import environment_files
from modelyard.editing.environments import (
    EnvironmentRow,
    environment_rows,
    outputs,
    remove_environment,
    sync_outputs,
)
from modelyard.editing.journal import FOLDER, finish_interrupted, write_together
from modelyard.editing.menu import Menu
from modelyard.editing.models import remove_model, rename_model, rows, set_model, settings_of, switch_feature
from modelyard.editing.naming import model_name
from modelyard.editing.promotion import Promotion, promote
from modelyard.editing.served import Served
from modelyard.editing.trials import Trial, tried

__all__ = [
    "FOLDER",
    "Candidate",
    "Changes",
    "Choice",
    "EnvironmentRow",
    "FileChange",
    "Menu",
    "Promotion",
    "Served",
    "Trial",
    "Wish",
    "candidates",
    "environment_files",
    "environment_rows",
    "finish_interrupted",
    "model_name",
    "outputs",
    "promote",
    "refusal",
    "remove_environment",
    "remove_model",
    "rename_model",
    "rows",
    "set_model",
    "settings_of",
    "switch_feature",
    "sync_outputs",
    "tried",
    "write_together",
]
