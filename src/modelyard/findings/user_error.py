"""Errors that a user can cause and mend."""

from __future__ import annotations

from modelyard.findings.places import Address
from modelyard.findings.report import ExitCode


class UserError(Exception):
    """The command cannot go on: what was found, where, and what to do.

    The command line prints it without a traceback and exits with `exit_code`.
    """

    def __init__(
        self, message: str, *, fix: str = "", at: Address | None = None, exit_code: ExitCode = ExitCode.USAGE
    ) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.at = at
        self.exit_code = exit_code
