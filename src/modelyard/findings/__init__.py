"""What a check says: findings, gaps, their places, and the report that holds them."""

from modelyard.findings.credentials import HIDDEN, credential_in, is_secret, without_credentials
from modelyard.findings.edits import Edit, Operation, to_add, to_remove, to_set
from modelyard.findings.model import Finding, NotChecked, Severity, error, note, warning
from modelyard.findings.places import Address, At, Place, Precision
from modelyard.findings.redaction import (
    hides,
    masked,
    secret_texts,
    secrets_in_source,
    source_without_secrets,
    whole_and_lines,
    without_secrets,
)
from modelyard.findings.report import EnvironmentSummary, ExitCode, Report
from modelyard.findings.user_error import UserError

__all__ = [
    "HIDDEN",
    "Address",
    "At",
    "Edit",
    "EnvironmentSummary",
    "ExitCode",
    "Finding",
    "NotChecked",
    "Operation",
    "Place",
    "Precision",
    "Report",
    "Severity",
    "UserError",
    "credential_in",
    "error",
    "hides",
    "is_secret",
    "masked",
    "note",
    "secret_texts",
    "secrets_in_source",
    "source_without_secrets",
    "to_add",
    "to_remove",
    "to_set",
    "warning",
    "whole_and_lines",
    "without_credentials",
    "without_secrets",
]
