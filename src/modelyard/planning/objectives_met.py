"""Whether the models of an environment that have objectives meet them as they are."""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.findings import Address, UserError
from modelyard.planning.floor import Floor, floor
from modelyard.planning.objectives import Objectives, objectives_of
from modelyard.planning.plan import Candidate, current
from modelyard.planning.ranges import tail
from modelyard.planning.runs import Run, runs_of
from modelyard.planning.speed import Machine
from modelyard.planning.subjects import Subject, not_estimated, subject_or_none
from modelyard.planning.work import model_work
from modelyard.repository import FileAddress, derived
from modelyard.sizing import fits
from modelyard.view import Environment, ServedModel

TAILS_DIFFER = 1.5
"""Times the published tail that nine of ten runs stay below: p99 over the median 2.1, and 3.2 at the most of those."""


@dataclass(frozen=True)
class ModelObjectives:
    """The objectives of one model, and how it lies to them.

    Attributes:
        model: The model.
        file: Its file of objectives.
        objectives: They; None where the file does not say any.
        subject: What its speed follows from; None where nothing is estimated.
        now: The deployment as it is; None where nothing is estimated.
        floors: What physics allow on each device that the pods can land on, by the device's name.
        runs: Load tests that the repository keeps of the model.
        gap: Why nothing is estimated; empty where something is.
        fix: What would help.
        at: Where the gap is, where a file is wrong.
    """

    model: ServedModel
    file: str
    objectives: Objectives | None = None
    subject: Subject | None = None
    now: Candidate | None = None
    floors: tuple[tuple[str, Floor], ...] = ()
    runs: tuple[Run, ...] = ()
    gap: str = ""
    fix: str = ""

    def address(self, *keys: str) -> Address:
        """Return the address of a key of the file of objectives."""
        return FileAddress(self.model.container.manifest.repository.files, self.file, keys)


@derived
def models_with_objectives(environment: Environment) -> tuple[ModelObjectives, ...]:
    """Return the models that have objectives, in the order of the models; the others cost nothing."""
    found = []
    for model in environment.models:
        files = model.container.manifest.repository.files
        folder = f"environments/{environment.name}/models/{model.application.name}"
        path = f"{folder}/objectives.yaml"
        try:
            told = objectives_of(files, folder)
            runs = runs_of(files, model.settings.model_id) if told is not None else ()
        except UserError as error:
            found.append(ModelObjectives(model, path, gap=error.message, fix=error.fix))
            continue
        if told is None:
            continue
        gap, fix = not_estimated(environment, model)
        subject = None if gap else subject_or_none(environment, model)
        if subject is None:
            found.append(ModelObjectives(model, path, told[0], runs=runs, gap=gap or "nothing is known of it", fix=fix))
            continue
        now = current(subject, told[0], runs)
        found.append(ModelObjectives(model, path, told[0], subject, now, _floors(subject, told[0]), runs))
    return tuple(found)


def limit_at(objectives: Objectives, metric: str, percentile: float) -> float | None:
    """Return the longest time in milliseconds that an objective may mean at a percentile; None without that objective.

    At another percentile than its own published tails carry it over, with what tails differ by among runs.

    Args:
        objectives: They.
        metric: `ttft` or `itl`.
        percentile: The other percentile; below the median and above the 99th there are no tails, and those count.
    """
    limit = objectives.ttft_ms if metric == "ttft" else objectives.itl_ms
    if limit is None:
        return None
    if percentile == objectives.percentile:
        return limit
    return (
        limit * TAILS_DIFFER * tail(metric, min(99, max(50, round(percentile)))) / tail(metric, objectives.percentile)
    )


def _floors(subject: Subject, objectives: Objectives) -> tuple[tuple[str, Floor], ...]:
    fit = next(each for each in fits(subject.environment) if each.model is subject.model)
    found = []
    for each in fit.devices:
        settings = each.assessment.settings
        work = model_work(subject.shape, settings.quantization, settings.kv_dtype_bytes)
        machine = Machine(work, each.eligible.device, settings.tensor_parallel_size)
        found.append((each.eligible.device.name, floor(machine, objectives.lengths)))
    return tuple(found)
