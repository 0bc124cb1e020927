"""Finding and running the policies of a repository."""

from __future__ import annotations

import importlib.util
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from modelyard.findings import At, Finding, NotChecked, Place, Severity, UserError
from modelyard.repository import Repository
from modelyard.view import Environment

Check = Callable[[Environment], Iterator[Finding | NotChecked]]
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*/[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy of a team.

    Attributes:
        id: `area/name`, as for rules; the area is the team's, not one of the rules'.
        severity: How bad its findings are.
        summary: First line of the function's documentation.
        check: The function.
        file: Where it is written, relative to the repository.
    """

    id: str
    severity: Severity
    summary: str
    check: Check
    file: str

    def run(self, environment: Environment) -> Iterator[Finding | NotChecked]:
        """Yield what the policy says; a policy that fails is `not checked`, never a pass or a crash."""
        try:
            for said in self.check(environment):
                if isinstance(said, Finding):
                    yield said.with_defaults(rule=self.id, severity=self.severity, environment=environment.name)
                elif isinstance(said, NotChecked):
                    yield said.with_defaults(rule=self.id, environment=environment.name)
                else:
                    raise TypeError(f"it yielded {type(said).__name__}, not Finding or NotChecked")
        except UserError:
            raise
        except Exception as fault:
            last = traceback.extract_tb(fault.__traceback__)[-1]
            where = f"{self.file}:{last.lineno}" if last.filename.endswith(self.file) else self.file
            yield NotChecked(
                f"policy {self.id}",
                f"it failed: {type(fault).__name__}: {fault}",
                f"mend {where}",
                rule=self.id,
                environment=environment.name,
            )


def policy(identity: str, severity: Severity) -> Callable[[Check], Check]:
    """Mark a function as a policy.

    Args:
        identity: `area/name` in lower case with dashes, such as `team/untrusted-image`.
        severity: How bad its findings are.
    """
    if not _ID.fullmatch(identity):
        raise ValueError(f"{identity!r} is not area/name in lower case with dashes")

    def mark(check: Check) -> Check:
        check.__modelyard_policy__ = (identity, severity)  # type: ignore[attr-defined]
        return check

    return mark


def load_policies(repository: Repository) -> list[Policy]:
    """Run the files of `policies/` and return the policies that they mark, in order of file and definition.

    This runs the repository's code: only for repositories that are trusted.

    Raises:
        UserError: A file cannot be imported, or two policies share a name.
    """
    found: dict[str, Policy] = {}
    for file in repository.policy_files:
        for check in _marked(repository, file):
            identity, severity = check.__modelyard_policy__  # type: ignore[attr-defined]
            if identity in found:
                raise UserError(f"{file} marks {identity}, which {found[identity].file} marks too", at=At(Place(file)))
            summary = (check.__doc__ or "").strip().partition("\n")[0]
            found[identity] = Policy(identity, severity, summary, check, file)
    return list(found.values())


def _marked(repository: Repository, file: str) -> list[Check]:
    path = repository.files.real(file)
    module_name = f"_modelyard_policy_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise UserError(f"{file} cannot be imported", at=At(Place(file)))
    module = importlib.util.module_from_spec(spec)
    writes_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    except Exception as fault:
        line = next(
            (f.lineno for f in reversed(traceback.extract_tb(fault.__traceback__)) if f.filename == str(path)),
            getattr(fault, "lineno", None),
        )
        raise UserError(
            f"{file} cannot be imported: {type(fault).__name__}: {fault}",
            fix="mend it, or check with --no-policies",
            at=At(Place(file, line, 1 if line else None)),
        ) from None
    finally:
        sys.dont_write_bytecode = writes_bytecode
    return [each for each in vars(module).values() if hasattr(each, "__modelyard_policy__")]
