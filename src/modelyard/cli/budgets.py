"""Memory budgets as lines and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from modelyard.reporting import visible, wrapped

if TYPE_CHECKING:
    from modelyard.reporting import Line
    from modelyard.sizing import Assessment, Change, CoreFit, Fit

STYLES = {"fits": "good", "tight": "warning", "does not fit": "error", "unsure": "gap"}


def budget_lines(name: str, assessment: Assessment, width: int | None) -> Iterator[Line]:
    """Yield verdict and bars of one device."""
    from modelyard.sizing import bars

    verdict = assessment.verdict.value
    lead: Line = [(f"  {visible(name):<8} ", "plain"), (f"{verdict:<13}", STYLES[verdict])]
    yield from wrapped(lead, bars(assessment), "plain", width=width, indent=24)


def explanation(assessment: Assessment, changes: Iterable[Change], width: int | None) -> Iterator[Line]:
    """Yield why, what the figures rest on, and what would make it fit."""
    budget = assessment.budget
    unit = "GPU" if assessment.device.kind == "gpu" else "core"
    indent: Line = [("  ", "plain")]
    for reason in assessment.reasons:
        yield from wrapped(indent, visible(reason), "plain", width=width, indent=2)
    if budget.requests > 0:
        kept = f"{budget.tokens:,} tokens per {unit}, " if budget.kv_bytes_per_token else ""
        tokens = f"{kept}{_requests(budget.requests)} at a time"
        yield from wrapped(indent, tokens, "plain", width=width, indent=2)
    yield from wrapped(indent, visible(assessment.basis), "faint", width=width, indent=2)
    for number, change in enumerate(changes):
        lead: Line = [("  ", "plain"), ("fix:" if number == 0 else " or:", "fix"), (" ", "plain")]
        yield from wrapped(lead, visible(change.text), "plain", width=width, indent=7)


def _requests(count: int) -> str:
    return "1 such request" if count == 1 else f"{count} such requests"


def fit_lines(environment: str, fit: Fit, width: int | None) -> Iterator[Line]:
    """Yield what is known of one model of an environment."""
    from modelyard.sizing import changes_for
    from modelyard.view import title_of

    model = fit.model
    verdict = "not checked" if fit.verdict is None else fit.verdict.value
    runs = f"{title_of(model.engine.core)} {model.engine_version or 'of unknown version'}"
    told = visible(f"  {model.settings.model_id or 'no model'}  {runs}  ")
    yield [(visible(f"{environment}/{model.name}"), "strong"), (told, "plain"), (verdict, STYLES.get(verdict, "gap"))]
    if fit.gap:
        yield from wrapped([("  ", "plain")], visible(fit.gap), "plain", width=width, indent=2)
        if fit.fix:
            lead: Line = [("  ", "plain"), ("fix:", "fix"), (" ", "plain")]
            yield from wrapped(lead, visible(fit.fix), "plain", width=width, indent=7)
    for each in fit.devices:
        yield from budget_lines(each.eligible.device.name, each.assessment, width)
    if fit.worst is not None:
        yield from explanation(fit.worst.assessment, changes_for(fit, fit.worst), width)
    for core in fit.cores:
        yield from _core_lines(core, width)


def _core_lines(each: CoreFit, width: int | None) -> Iterator[Line]:
    verdict = each.budget.verdict.value
    lead: Line = [(f"  {visible(each.eligible.device.name):<12} ", "plain"), (f"{verdict:<13}", STYLES[verdict])]
    yield from wrapped(lead, visible("; ".join(each.budget.reasons)), "plain", width=width, indent=28)


def fit_content(environment: str, fit: Fit) -> dict[str, Any]:
    """Return what is known of one model of an environment, for JSON."""
    from modelyard.sizing import changes_for

    model = fit.model
    content: dict[str, Any] = {
        "environment": environment,
        "name": model.name,
        "model": model.settings.model_id or None,
        "engine-version": model.engine_version,
        "verdict": fit.verdict.value if fit.verdict else None,
        "not-checked": fit.gap or None,
        "devices": [
            {
                **assessment_content(each.assessment, changes_for(fit, each)),
                "instance-types": list(each.eligible.instance_types),
                "pools": list(each.eligible.pools),
            }
            for each in fit.devices
        ],
    }
    if fit.cores:
        content["cores"] = [
            {"device": each.eligible.device.name, **_plain(asdict(each.budget)), "verdict": each.budget.verdict.value}
            for each in fit.cores
        ]
    return content


def assessment_content(assessment: Assessment, changes: Iterable[Change]) -> dict[str, Any]:
    """Return an assessment for JSON; memory is in GiB."""
    near = assessment.coverage
    return {
        "device": assessment.device.name,
        "verdict": assessment.verdict.value,
        "reasons": list(assessment.reasons),
        "budget": _plain(asdict(assessment.budget)),
        "needed-margin-gib": round(assessment.needed_margin_gib, 3),
        "measured": near is None,
        "nearest-calibrated": None if near is None else near.point.title,
        "differs-in": None if near is None else near.reason or None,
        "changes": [{"flags": dict(each.flags), "text": each.text} for each in changes],
    }


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name.replace("_", "-"): round(value, 3) if isinstance(value, float) else value for name, value in values.items()
    }
