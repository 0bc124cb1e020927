"""What a check says: findings, gaps, their places, and the report that holds them."""

from modelyard.findings.credentials import credential_in, is_secret, without_credentials
from modelyard.findings.model import (
    Address,
    At,
    Finding,
    NotChecked,
    Place,
    Precision,
    Severity,
    error,
    note,
    warning,
)
from modelyard.findings.refusal import Refusal
from modelyard.findings.report import EnvironmentSummary, ExitCode, Report

__all__ = [
    "Address",
    "At",
    "EnvironmentSummary",
    "ExitCode",
    "Finding",
    "NotChecked",
    "Place",
    "Precision",
    "Refusal",
    "Report",
    "Severity",
    "credential_in",
    "error",
    "is_secret",
    "note",
    "warning",
    "without_credentials",
]
