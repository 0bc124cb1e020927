"""The memory budget of a model: whether it fits its devices, why, and what would make it fit."""

from modelyard.sizing.bars import bars
from modelyard.sizing.budget import MemoryBudget, memory_budget
from modelyard.sizing.calibration import CalibrationPoint, Coverage, calibration_points, coverage
from modelyard.sizing.changes import Change, changes_that_fit
from modelyard.sizing.fit import Assessment, Verdict, assess
from modelyard.sizing.host import HostBudget, HostNeed, host_budget, host_problems
from modelyard.sizing.kv_cache import bytes_per_token, largest_length, request_bytes
from modelyard.sizing.logs import measured_budget
from modelyard.sizing.measured import MeasuredBudget
from modelyard.sizing.neuron import NeuronBudget, automatic_buckets, neuron_budget
from modelyard.sizing.parallelism import legal_tensor_parallel_sizes, stage_layers, tensor_parallel_problem
from modelyard.sizing.pipelines import PipelineBudget, pipeline_budget
from modelyard.sizing.settings import AUTO_LENGTH, EngineSettings, Problem, engine_settings
from modelyard.sizing.slices import slice_gib
from modelyard.sizing.support import refusals
from modelyard.sizing.weights import RankWeights, rank_weights, stored_weights_gib

__all__ = [
    "AUTO_LENGTH",
    "Assessment",
    "CalibrationPoint",
    "Change",
    "Coverage",
    "EngineSettings",
    "HostBudget",
    "HostNeed",
    "MeasuredBudget",
    "MemoryBudget",
    "NeuronBudget",
    "PipelineBudget",
    "Problem",
    "RankWeights",
    "Verdict",
    "assess",
    "automatic_buckets",
    "bars",
    "bytes_per_token",
    "calibration_points",
    "changes_that_fit",
    "coverage",
    "engine_settings",
    "host_budget",
    "host_problems",
    "largest_length",
    "legal_tensor_parallel_sizes",
    "measured_budget",
    "memory_budget",
    "neuron_budget",
    "pipeline_budget",
    "rank_weights",
    "refusals",
    "request_bytes",
    "slice_gib",
    "stage_layers",
    "stored_weights_gib",
    "tensor_parallel_problem",
]
