"""An edit tried out before it is written: what a check says of the environment as it will be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from modelyard.checking import CheckOptions, check
from modelyard.checking.environments import environments
from modelyard.costing import price_provenance
from modelyard.editing.changes import Changes
from modelyard.editing.splicing import Text
from modelyard.findings import Finding, Severity, UserError
from modelyard.placement import Placement, placements
from modelyard.repository import ENVIRONMENTS, Repository
from modelyard.repository.layout import FACTS
from modelyard.repository.limits import content_of
from modelyard.repository.trust import may_run
from modelyard.sizing import Fit, fits
from modelyard.view import Environment

WORKING_TREE = "main"
"""A branch: the trial renders what the files are, also where the environment follows a tag or a commit."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What an environment would be after an edit.

    Attributes:
        findings: Errors that a check finds then and does not find now.
        warnings: Warnings about the model.
        fit: Verdict and reason whether the model fits its devices; empty where no model was asked for, or nothing can
            be said.
        fits: Whether the model fits, as far as it can be said.
        device: Device on which it fits worst; empty where nothing can be said.
        places: Whether some pool takes the model's pods; None where it cannot be said.
        runs_on: Pool and instance type that its pods get first; empty where none does.
        usd_per_hour: Price of a node of that type; None where it is unknown.
        price_source: What kind of price that is, of which day, and how sure; empty where it is unknown.
        unknown: What could not be told of the model, and why.
    """

    findings: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    fit: str = ""
    fits: bool = True
    device: str = ""
    places: bool | None = None
    runs_on: str = ""
    usd_per_hour: float | None = None
    price_source: str = ""
    unknown: tuple[str, ...] = ()

    @property
    def passes(self) -> bool:
        """Return whether nothing stands in the way."""
        return not self.findings and self.fits and self.places is not False


def tried(changes: Changes, environment: str, model: str = "") -> Trial:
    """Return what a check says of an environment after an edit.

    Args:
        changes: The edit.
        environment: The environment, as it is called after the edit.
        model: A model of it to say more about.

    Raises:
        UserError: A required tool is missing, or the environment cannot be read.
    """
    with changes.tried(environment) as folder:
        _unpin(folder, environment)
        found = _findings(folder, environment, may_run(changes.root))
        trial = _of_model(folder, environment, model) if model else Trial()
    findings = [each for each in found if each.severity is Severity.ERROR]
    warnings = [each for each in found if each.severity is Severity.WARNING and model and each.application == model]
    if findings:
        with changes.tried(environment, edited=False) as folder:
            known = set()
            if (folder / ENVIRONMENTS / environment).is_dir():
                _unpin(folder, environment)
                known = {_same(each) for each in _findings(folder, environment, may_run(changes.root))}
        findings = [each for each in findings if _same(each) not in known]
    return replace(trial, findings=tuple(findings), warnings=tuple(warnings))


def _findings(folder: Path, environment: str, policies: bool) -> list[Finding]:
    return check(folder, CheckOptions(environments=(environment,), policies=policies)).findings


def _same(finding: Finding) -> tuple[str, str, str]:
    return finding.rule, finding.message, finding.at.place().file


def _unpin(folder: Path, environment: str) -> None:
    """Let the environment's Applications follow the files; a scratch folder has no commits to follow."""
    own = folder / ENVIRONMENTS / environment
    facts = own / FACTS
    revision = Text(str(facts), _text(facts)).get(["revision"]) if facts.is_file() else None
    if not isinstance(revision, str) or revision == WORKING_TREE:
        return
    for file in (facts, own / "kustomization.yaml"):
        if file.is_file():
            text = _text(file)
            file.unlink()  # it may share its content with the repository's own
            file.write_text(text.replace(f'"{revision}"', f'"{WORKING_TREE}"'), encoding="utf-8")


def _text(file: Path) -> str:
    try:
        return content_of(file).decode("utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{file.name} is not UTF-8 text", fix="write it in UTF-8") from None


def _of_model(folder: Path, environment: str, model: str) -> Trial:
    (view,) = environments(Repository(folder), CheckOptions(environments=(environment,))).views
    fit = next((each for each in fits(view) if each.model.name == model), None)
    trial = Trial() if fit is None else _fitted(fit)
    return _placed(trial, view, model)


def _fitted(fit: Fit) -> Trial:
    if fit.verdict is None:
        return Trial(unknown=(f"whether it fits: {fit.gap}",))
    if fit.cores:
        core = fit.cores[0]
        reasons, device = core.budget.reasons, core.eligible.device.name
    else:
        worst = fit.devices[0]
        reasons, device = worst.assessment.reasons, worst.eligible.device.name
    told = f"{fit.verdict.value}: {reasons[0]}" if reasons else fit.verdict.value
    return Trial(fit=told, fits=fit.verdict.value != "does not fit", device=device)


def _placed(trial: Trial, view: Environment, model: str) -> Trial:
    own = [each for each in placements(view) if each.workload.manifest.application == model and not each.daemon]
    unknown = tuple(f"where it runs: {each.unknown}" for each in own if each.unknown)
    if unknown or not own:
        why = unknown or ("where it runs: it has no pods that are known",)
        return replace(trial, unknown=(*trial.unknown, *why))
    dearest = max(own, key=lambda each: _price(each) or 0.0)
    places = all(each.accepting for each in own)
    if not places:
        return replace(trial, places=False)
    verdict = dearest.accepting[0]
    kind, price = verdict.options[0].name, _price(dearest)
    return replace(
        trial,
        places=True,
        runs_on=f"{kind} in pool {verdict.pool}",
        usd_per_hour=price,
        price_source="" if price is None else price_provenance(str(view.facts.get("region") or ""), [kind]),
    )


def _price(placement: Placement) -> float | None:
    if not placement.accepting:
        return None
    verdict = placement.accepting[0]
    return verdict.options[0].price(verdict.requirements)
