"""Whether each resource is legal for the pinned versions: schemas, and kubeconform over them."""

from modelyard.schemas.bundle import (
    DEFAULT_KUBERNETES,
    SchemaBundle,
    kubernetes_versions,
    native_version,
    schema_file,
)
from modelyard.schemas.validation import Validator, validate

__all__ = [
    "DEFAULT_KUBERNETES",
    "SchemaBundle",
    "Validator",
    "kubernetes_versions",
    "native_version",
    "schema_file",
    "validate",
]
