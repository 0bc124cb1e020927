"""Check, edit and generate GitOps repositories that serve models on Amazon EKS."""

from importlib.metadata import version

__version__ = version("modelyard")
