"""Objectives of models, how they lie to them, and the load tests that the repository keeps, for the page."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from modelyard.planning import Range, Run
from modelyard.planning.objectives_met import ModelObjectives, models_with_objectives
from modelyard.view import Environment


def latency_content(view: Environment, shown: Collection[str]) -> list[dict[str, Any]]:
    """Return each model that has objectives: what is asked, what is estimated and what was measured.

    Times are in milliseconds; an estimate is a median with the ends between which 80 % of measurements lie.

    Args:
        view: The environment.
        shown: Applications to show.
    """
    return [_model(each) for each in models_with_objectives(view) if each.model.application.name in shown]


def _model(each: ModelObjectives) -> dict[str, Any]:
    content: dict[str, Any] = {
        "name": each.model.name,
        "application": each.model.application.name,
        "model": each.model.settings.model_id or "",
        "file": each.file,
        "gap": each.gap,
        "fix": each.fix,
        "runs": [_run(run) for run in each.runs],
    }
    asked, now = each.objectives, each.now
    if asked is not None:
        content |= {
            "load": f"{asked.load}, {asked.prompt:,} tokens in and {asked.output:,} out, {asked.reuse:.0%} reused",
            "percentile": asked.percentile,
            "ttft": {"wanted": asked.ttft_ms, "estimate": None},
            "itl": {"wanted": asked.itl_ms, "estimate": None},
        }
    if asked is not None and now is not None:
        content["ttft"]["estimate"] = _ends(now.ttft)
        content["itl"]["estimate"] = _ends(now.itl)
        content |= {
            "verdict": now.verdict.value,
            "reason": now.reason,
            "calibrated": now.basis.calibrated,
            "device": now.offer.name,
            "usd-per-million": now.usd_per_million(asked.prompt + asked.output),
        }
    return content


def _ends(found: Range | None) -> list[float] | None:
    return [round(found.low, 1), round(found.middle, 1), round(found.high, 1)] if found is not None else None


def _run(run: Run) -> dict[str, Any]:
    return {
        "device": run.device,
        "ranks": run.ranks,
        "version": run.version_text,
        "prompt": run.prompt,
        "output": run.output,
        "requests": run.requests,
        "rate": run.rate,
        "ttft": run.ttft_ms,
        "itl": run.itl_ms,
        "day": run.day,
        "file": run.file,
        "tool": run.tool,
    }
