"""The memory budget of a model: whether it fits its devices, why, and what would make it fit."""

from modelyard.sizing.bars import bars, budget_parts
from modelyard.sizing.budget import MemoryBudget, memory_budget
from modelyard.sizing.calibration import CalibrationPoint, Coverage, calibration_points, coverage
from modelyard.sizing.changes import Change, changes_that_fit
from modelyard.sizing.device_parts import DevicePart, device_part
from modelyard.sizing.eligible_devices import EligibleDevice, device_resource, eligible_devices
from modelyard.sizing.fit import Assessment, FitVerdict, assess
from modelyard.sizing.flag_values import AUTO_LENGTH, SettingProblem
from modelyard.sizing.host import HostBudget, HostNeed, host_budget, host_problems
from modelyard.sizing.kv_cache import bytes_per_token, largest_length, request_bytes
from modelyard.sizing.logs import measured_budget
from modelyard.sizing.measured import MeasuredBudget, conditions_of
from modelyard.sizing.measurements import (
    MEASUREMENTS,
    Measurement,
    measured_for,
    measurements,
    measurements_file,
    text_with,
)
from modelyard.sizing.neuron import NeuronBudget, automatic_buckets, neuron_budget
from modelyard.sizing.parallelism import legal_tensor_parallel_sizes, stage_layers, tensor_parallel_problem
from modelyard.sizing.pipelines import PipelineBudget, pipeline_budget
from modelyard.sizing.served import CoreFit, DeviceFit, Fit, changes_for, fit_of, fits, variables
from modelyard.sizing.settings import EffectiveSettings, effective_settings
from modelyard.sizing.slices import slice_gib
from modelyard.sizing.support import refusals
from modelyard.sizing.team_models import TEAM_MODELS, known_model, team_models
from modelyard.sizing.weights import RankWeights, rank_weights, stored_weights_gib

__all__ = [
    "AUTO_LENGTH",
    "MEASUREMENTS",
    "TEAM_MODELS",
    "Assessment",
    "CalibrationPoint",
    "Change",
    "CoreFit",
    "Coverage",
    "DeviceFit",
    "DevicePart",
    "EffectiveSettings",
    "EligibleDevice",
    "Fit",
    "FitVerdict",
    "HostBudget",
    "HostNeed",
    "MeasuredBudget",
    "Measurement",
    "MemoryBudget",
    "NeuronBudget",
    "PipelineBudget",
    "RankWeights",
    "SettingProblem",
    "assess",
    "automatic_buckets",
    "bars",
    "budget_parts",
    "bytes_per_token",
    "calibration_points",
    "changes_for",
    "changes_that_fit",
    "conditions_of",
    "coverage",
    "device_part",
    "device_resource",
    "effective_settings",
    "eligible_devices",
    "fit_of",
    "fits",
    "host_budget",
    "host_problems",
    "known_model",
    "largest_length",
    "legal_tensor_parallel_sizes",
    "measured_budget",
    "measured_for",
    "measurements",
    "measurements_file",
    "memory_budget",
    "neuron_budget",
    "pipeline_budget",
    "rank_weights",
    "refusals",
    "request_bytes",
    "slice_gib",
    "stage_layers",
    "stored_weights_gib",
    "team_models",
    "tensor_parallel_problem",
    "text_with",
    "variables",
]
