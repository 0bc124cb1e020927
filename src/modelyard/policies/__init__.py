"""The team's own rules, plain Python in the GitOps repository.

A policy is a function marked with `@policy` in a file of `policies/`; it reads the same view as a rule and yields
findings and gaps.
"""

from modelyard.findings import Finding, NotChecked, error, note, warning
from modelyard.policies.loading import Policy, load_policies, policy
from modelyard.view import Environment

__all__ = ["Environment", "Finding", "NotChecked", "Policy", "error", "load_policies", "note", "policy", "warning"]
