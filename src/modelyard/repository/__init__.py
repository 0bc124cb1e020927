"""What is on disk: environments, kustomizations, settings; read once, never outside the repository."""

from modelyard.repository.addresses import FileAddress
from modelyard.repository.answers import ANSWERS, PLATFORM, how_to_bring, how_to_bring_pool
from modelyard.repository.decisions import Decision
from modelyard.repository.files import Files, UnreadableFile, joined
from modelyard.repository.kustomization import InputProblem, Kustomization, Kustomizations, Tree, kustomization_file
from modelyard.repository.repository import ENVIRONMENTS, SETTINGS, EnvironmentFolder, Repository
from modelyard.repository.yaml import MalformedYAML

__all__ = [
    "ANSWERS",
    "ENVIRONMENTS",
    "PLATFORM",
    "SETTINGS",
    "Decision",
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
    "how_to_bring",
    "how_to_bring_pool",
    "joined",
    "kustomization_file",
]
