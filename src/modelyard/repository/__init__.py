"""What is on disk: environments, kustomizations, settings; read once, never outside the repository."""

from modelyard.repository.addresses import FileAddress
from modelyard.repository.files import Files, UnreadableFile, joined
from modelyard.repository.kustomization import InputProblem, Kustomization, Kustomizations, Tree, kustomization_file
from modelyard.repository.repository import ANSWERS, ENVIRONMENTS, EnvironmentFolder, Repository
from modelyard.repository.settings import AcceptedGap, Ceiling, Decision, Settings, Waiver
from modelyard.repository.yaml import MalformedYAML

__all__ = [
    "ANSWERS",
    "ENVIRONMENTS",
    "AcceptedGap",
    "Ceiling",
    "Decision",
    "EnvironmentFolder",
    "FileAddress",
    "Files",
    "InputProblem",
    "Kustomization",
    "Kustomizations",
    "MalformedYAML",
    "Repository",
    "Settings",
    "Tree",
    "UnreadableFile",
    "Waiver",
    "joined",
    "kustomization_file",
]
