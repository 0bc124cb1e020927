"""Changing a model into what a candidate of its plan is: flags, GPUs, instance type, replicas, and its objectives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelyard.editing.changes import Changes, StagedFiles
from modelyard.editing.environment_folder import environment_files
from modelyard.editing.menu import Menu
from modelyard.editing.models import SCALED_BY, set_model
from modelyard.editing.served import Served
from modelyard.findings import UserError
from modelyard.planning.objectives import FILE, Objectives

if TYPE_CHECKING:
    from modelyard.planning.plan import Candidate

_GPUS = "/spec/template/spec/containers/0/resources/limits/nvidia.com~1gpu"
_TYPE = "/spec/template/spec/nodeSelector/node.kubernetes.io~1instance-type"
HEADER = "# What this model is to achieve; `modelyard plan`, `check` and `diff` read it.\n"


def apply_candidate(
    changes: Changes,
    environment: str,
    name: str,
    candidate: Candidate,
    objectives: Objectives,
    *,
    ranks: int,
    instance: str,
) -> tuple[str, ...]:
    """Change a model into a candidate of its plan, and return what was set, in words.

    Args:
        changes: The edit.
        environment: The environment.
        name: The model.
        candidate: The candidate; its pool must exist.
        objectives: What is written beside the model.
        ranks: GPUs that a pod asks for now.
        instance: Instance type that Karpenter would start for a pod with the candidate's GPUs.

    Raises:
        UserError: The environment cannot have it so.
    """
    if not candidate.offer.pool:
        raise UserError(
            f"no pool of {environment} starts {candidate.offer.name}",
            fix="let a NodePool have that instance type first; a plan changes no pool",
        )
    if not candidate.replicas:
        raise UserError(f"{candidate.offer.name}: {candidate.verdict.value}, {candidate.reason}", fix="choose another")
    served = Served(environment_files(changes, environment), name, Menu(StagedFiles(changes)))
    size = "replicas"
    if any(feature in served.features for feature in SCALED_BY):
        size = "max-replicas"
    values = {size: str(candidate.replicas), **{flag: str(value) for flag, value in candidate.flags.items()}}
    if candidate.way.machine.ranks != ranks:
        values["tensor-parallel-size"] = str(candidate.way.machine.ranks)
    set_model(changes, environment, name, values)
    told = [f"{key} {value}" for key, value in values.items()]
    served = Served(environment_files(changes, environment), name, Menu(StagedFiles(changes)))
    kind = served.engine.workload if served.engine else "Deployment"
    if candidate.way.machine.ranks != ranks:
        served.set_operation(kind, "replace", _GPUS, str(candidate.way.machine.ranks))
        told.append(f"{candidate.way.machine.ranks} GPUs a pod")
    if candidate.offer.name != instance:
        served.set_operation(kind, "add", _TYPE, candidate.offer.name)
        told.append(f"on {candidate.offer.name}")
    write_objectives(changes, environment, name, objectives)
    return tuple(told)


def write_objectives(changes: Changes, environment: str, name: str, objectives: Objectives) -> None:
    """Write the objectives of a model beside it."""
    folder = environment_files(changes, environment).model_folder(name)
    rows = "".join(f"{key}: {value}\n" for key, value in objectives.to_mapping().items())
    changes.write(f"{folder}/{FILE}", HEADER + rows)
