"""The table of one model."""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.view.environment import Environment
from modelyard.view.models import ServedModel
from modelyard.view.times.answer import answering
from modelyard.view.times.end import ending
from modelyard.view.times.model import Phase, TimeLimit
from modelyard.view.times.start import starting


@dataclass(frozen=True, slots=True)
class TimeTable:
    """Every time on one model's start, answers and end.

    Attributes:
        model: The model.
        rows: What is taken, in order, then who gives up, the smallest first, by phase.
    """

    model: ServedModel
    rows: tuple[TimeLimit, ...]

    def limits(self, phase: Phase) -> tuple[TimeLimit, ...]:
        """Return who gives up, the smallest first."""
        return tuple(row for row in self.rows if row.phase == phase and not row.need)

    def needs(self, phase: Phase) -> tuple[TimeLimit, ...]:
        """Return what takes time."""
        return tuple(row for row in self.rows if row.phase == phase and row.need)

    def needed(self, phase: Phase) -> float | None:
        """Return the sum of what takes time, a start's in a rollout's; None where a part is not known."""
        parts = [row.seconds for row in (*self.needs(phase), *(self.needs("start") if phase == "rollout" else ()))]
        return None if None in parts else sum(part for part in parts if part is not None)


def time_table(environment: Environment, model: ServedModel) -> TimeTable:
    """Return the table of a model."""
    rows = (*starting(environment, model), *answering(environment, model), *ending(model))
    order: tuple[Phase, ...] = ("rollout", "start", "answer", "end")
    return TimeTable(model, tuple(sorted(rows, key=lambda row: _place(row, order))))


def _place(row: TimeLimit, order: tuple[Phase, ...]) -> tuple[int, bool, float]:
    return (
        order.index(row.phase),
        not row.need,
        0.0 if row.need else float("inf") if row.seconds is None else row.seconds,
    )
