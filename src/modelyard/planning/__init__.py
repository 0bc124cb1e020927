"""Plans for objectives of latency: which instance types, how many, with which settings, at which cost."""

from modelyard.planning.calibration import Basis, basis_for, correction
from modelyard.planning.candidates import Offer, Way, pools_for, ways
from modelyard.planning.floor import Floor, floor
from modelyard.planning.objectives import FILE as OBJECTIVES
from modelyard.planning.objectives import Objectives, objectives_from, objectives_of
from modelyard.planning.plan import Candidate, Plan, Verdict, current, first_instance, plan
from modelyard.planning.ranges import Range, point_name
from modelyard.planning.reports import LoadResult, load_results
from modelyard.planning.runs import Run, past_saturation, refusal, runs_file, runs_of, runs_text
from modelyard.planning.speed import Lengths, Machine, Speed, at_rate, speed
from modelyard.planning.subjects import Subject, not_estimated, subject_of, subject_or_none
from modelyard.planning.tuning import Advice, Bottleneck, Observed, advise, observed
from modelyard.planning.work import ModelWork, model_work

__all__ = [
    "OBJECTIVES",
    "Advice",
    "Basis",
    "Bottleneck",
    "Candidate",
    "Floor",
    "Lengths",
    "LoadResult",
    "Machine",
    "ModelWork",
    "Objectives",
    "Observed",
    "Offer",
    "Plan",
    "Range",
    "Run",
    "Speed",
    "Subject",
    "Verdict",
    "Way",
    "advise",
    "at_rate",
    "basis_for",
    "correction",
    "current",
    "first_instance",
    "floor",
    "load_results",
    "model_work",
    "not_estimated",
    "objectives_from",
    "objectives_of",
    "observed",
    "past_saturation",
    "plan",
    "point_name",
    "pools_for",
    "refusal",
    "runs_file",
    "runs_of",
    "runs_text",
    "speed",
    "subject_of",
    "subject_or_none",
    "ways",
]
