"""Changing what a GitOps repository holds: models, features, environments; all files of an edit or none."""

from modelyard.editing.changes import Changes, FileChange
from modelyard.editing.choosing import Candidate, Choice, Wish, candidates, refusal
from modelyard.editing.environment_files import environment_files
from modelyard.editing.journal import FOLDER, finish_interrupted, write_together
from modelyard.editing.menu import Menu
from modelyard.editing.models import remove_model, rename_model, rows, set_model, settings_of, switch_feature
from modelyard.editing.naming import model_name
from modelyard.editing.served import Served
from modelyard.editing.trials import Trial, tried

__all__ = [
    "FOLDER",
    "Candidate",
    "Changes",
    "Choice",
    "FileChange",
    "Menu",
    "Served",
    "Trial",
    "Wish",
    "candidates",
    "environment_files",
    "finish_interrupted",
    "model_name",
    "refusal",
    "remove_model",
    "rename_model",
    "rows",
    "set_model",
    "settings_of",
    "switch_feature",
    "tried",
    "write_together",
]
