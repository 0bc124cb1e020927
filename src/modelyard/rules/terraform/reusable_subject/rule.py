"""Roles that know a repository by its name alone."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, warning
from modelyard.rules import rule
from modelyard.view import Environment
from modelyard.view.github import trust


@rule("terraform/reusable-subject", warning, since="0.2.0")
def reusable_subject(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A role that trusts only names rejects newer repositories, and trusts anyone who takes over an older name."""
    known = trust(environment)
    if known is not None and not known.ids:
        name = known.repository or "OWNER/NAME"
        yield Finding(
            at=known.at(),
            message=f"github has {name} without the ids of owner and repository",
            fix=f"add owner_id and repository_id (gh api repos/{name} --jq '.owner.id, .id'); a repository "
            "created before 2026-07-15 must enable immutable subjects first (Settings, Actions, OIDC)",
        )
