"""What is on disk: environments, kustomizations, settings; read once, never outside the repository."""

from modelyard.repository.addresses import FileAddress
from modelyard.repository.decisions import Decision
from modelyard.repository.derived import Derivable, derived
from modelyard.repository.files import Files, joined, mapping_in
from modelyard.repository.kustomization import InputProblem, Kustomization, Kustomizations, Tree, kustomization_file
from modelyard.repository.layout import ANSWERS, ENVIRONMENTS, PLATFORM, SETTINGS
from modelyard.repository.limits import UnreadableFile
from modelyard.repository.repository import EnvironmentFolder, Repository
from modelyard.repository.yaml import DuplicateKey, MalformedYAML

__all__ = [
    "ANSWERS",
    "ENVIRONMENTS",
    "PLATFORM",
    "SETTINGS",
    "Decision",
    "Derivable",
    "DuplicateKey",
    "EnvironmentFolder",
    "FileAddress",
    "Files",
    "InputProblem",
    "Kustomization",
    "Kustomizations",
    "MalformedYAML",
    "Repository",
    "Tree",
    "UnreadableFile",
    "derived",
    "joined",
    "kustomization_file",
    "mapping_in",
]
