"""Which rules there are: every folder `rules/<area>/<name>` with a `rule.py` is one."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING, Literal, TypeVar

from modelyard.findings import Finding, NotChecked, Severity
from modelyard.repository import Decision
from modelyard.rules.placeholders import holds_placeholder

if TYPE_CHECKING:
    from modelyard.view import Environment

Check = Callable[["Environment"], Iterator[Finding | NotChecked]]
Judgement = Callable[[Decision], Iterator[Finding]]

DOCUMENTATION = "https://github.com/modelyard/modelyard/blob/v{version}/src/modelyard/rules/{folder}/rule.md"
"""Where pages of rules lie: as runbooks, at the release that says so."""
_FILE = "rule.py"
_LOADING = RLock()
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*/[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        id: `area/name`; the name reads after "allow".
        severity: How bad its findings are.
        since: Version of Modelyard that brought it.
        summary: First line of the function's documentation.
        check: Reads the view and yields findings and gaps; does no I/O. None for a rule about decisions.
        judgement: Reads one decision of `modelyard.yaml`; None for a rule about environments.
        folder: Folder with the rule, its page and its cases.
        absence: What its findings miss: an object that what is not rendered may bring (`object`), or one that whoever
            made the cluster may have put there as well (`cluster`); empty for rules about what is there.
    """

    id: str
    severity: Severity
    since: str
    summary: str
    check: Check | None
    judgement: Judgement | None
    folder: Path
    absence: Absence = ""

    @property
    def area(self) -> str:
        """Return the part of the id before the slash."""
        return self.id.partition("/")[0]

    @property
    def page(self) -> Path:
        """Return the rule's page."""
        return self.folder / "rule.md"

    @property
    def url(self) -> str:
        """Return the address of the rule's page, as this version has it."""
        return DOCUMENTATION.format(version=_version(), folder="/".join(self.folder.parts[-2:]))

    def run(self, environment: Environment) -> Iterator[Finding | NotChecked]:
        """Yield what the rule says of an environment, stamped with rule, severity and environment."""
        for said in self.check(environment) if self.check else ():
            if isinstance(said, Finding):
                if not environment.is_generated and holds_placeholder(said.message):
                    reason = "what stands there is filled in before it is applied"
                    said = NotChecked(said.message, reason, application=said.application)
                    yield said.with_defaults(rule=self.id, environment=environment.name)
                    continue
                maker = self._maker(environment)
                if maker and not said.severity:
                    said = NotChecked(said.message, f"{maker} may bring it", application=said.application)
                    yield said.with_defaults(rule=self.id, environment=environment.name)
                    continue
                yield said.with_defaults(rule=self.id, severity=self.severity, environment=environment.name)
            else:
                yield said.with_defaults(rule=self.id, environment=environment.name)

    def _maker(self, environment: Environment) -> str:
        """Return what may bring what a finding misses; environments of the template say all, once they build."""
        if not self.absence:
            return ""
        if environment.is_generated:
            return environment.unbuilt
        return environment.unrendered or ("whoever made the cluster" if self.absence == "cluster" else "")

    def judge(self, decisions: Iterable[Decision]) -> Iterator[Finding]:
        """Yield what the rule says of the decisions in `modelyard.yaml`."""
        for decision in decisions if self.judgement else ():
            assert self.judgement is not None  # noqa: S101 - decided by the line above
            yield from (said.with_defaults(rule=self.id, severity=self.severity) for said in self.judgement(decision))


@cache
def _version() -> str:
    from modelyard import __version__  # reads the package's metadata, which not every command needs

    return __version__


Absence = Literal["", "object", "cluster"]
Marked = TypeVar("Marked", Check, Judgement)


def rule(identity: str, severity: Severity, *, since: str, absence: Absence = "") -> Callable[[Marked], Marked]:
    """Mark a function as the rule of its module; its parameter, `environment` or `decision`, says what it reads.

    Args:
        identity: `area/name` in lower case with dashes.
        severity: How bad its findings are.
        since: Version of Modelyard that brings it.
        absence: As for `Rule`.
    """
    if not _ID.fullmatch(identity):
        raise ValueError(f"{identity!r} is not area/name in lower case with dashes")

    def mark(check: Marked) -> Marked:
        check.__modelyard_rule__ = (identity, severity, since, absence)  # type: ignore[attr-defined]
        return check

    return mark


def rule_in(module: ModuleType) -> Rule:
    """Return the one rule of a module.

    Raises:
        ValueError: The module marks no function as a rule, or several.
    """
    marked = [each for each in vars(module).values() if hasattr(each, "__modelyard_rule__")]
    if len(marked) != 1 or module.__file__ is None:
        raise ValueError(f"{module.__name__} should mark one function with @rule, not {len(marked)}")
    check = marked[0]
    identity, severity, since, absence = check.__modelyard_rule__
    summary = (check.__doc__ or "").strip().partition("\n")[0]
    about_decisions = "decision" in check.__code__.co_varnames[: check.__code__.co_argcount]
    return Rule(
        identity,
        severity,
        since,
        summary,
        None if about_decisions else check,
        check if about_decisions else None,
        Path(module.__file__).parent,
        absence,
    )


class _Rules(Mapping[str, Rule]):
    """The rules by id, in order of id; the module of each is loaded when the rule is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loaded: dict[str, Rule] = {}

    @cached_property
    def _paths(self) -> dict[str, Path]:
        # `area/name` is the folder, with a dash for each underscore; a test holds each rule to it.
        found = {"/".join(path.parts[-3:-1]).replace("_", "-"): path for path in self._folder.glob(f"*/*/{_FILE}")}
        return dict(sorted(found.items()))

    def __getitem__(self, identity: str) -> Rule:
        path = self._paths[identity]
        # Threads that ask at once wait for the first.
        with _LOADING:
            if identity not in self._loaded:
                self._loaded[identity] = rule_in(_module(path, self._folder))
            return self._loaded[identity]

    def __contains__(self, identity: object) -> bool:
        return identity in self._paths

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


_RULES = _Rules(Path(__file__).parent)


def rules() -> Mapping[str, Rule]:
    """Return every rule by id, in order of id; a rule is loaded when it is first asked for."""
    return _RULES


def _module(path: Path, package: Path) -> ModuleType:
    """Return the module of a rule; its packages hold nothing, and importing them takes longer than the rules do."""
    name = ".".join((__package__, *path.relative_to(package).with_suffix("").parts))
    if name not in sys.modules:
        spec = spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path} cannot be loaded")
        sys.modules[name] = module_from_spec(spec)
        try:
            spec.loader.exec_module(sys.modules[name])
        except BaseException:
            del sys.modules[name]
            raise
    return sys.modules[name]
