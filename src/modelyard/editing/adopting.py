"""A foreign deployment of a model made one of an environment, and what has no place here."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from modelyard.catalog import engine as engine_of_version
from modelyard.editing.changes import Changes, StagedFiles
from modelyard.editing.choosing import Candidate, ModelRequest, candidates, known_models, namesake, quantised
from modelyard.editing.environment_folder import environment_files
from modelyard.editing.external import ExternalDeployment, kept
from modelyard.editing.menu import CONSENT, OVERLAYS, Menu
from modelyard.editing.models import set_model
from modelyard.editing.naming import model_name
from modelyard.editing.overlay_making import engine_version
from modelyard.editing.promotion import BOUND_TO_DEVICES
from modelyard.editing.served import REPLICATED, Served, argument_paths
from modelyard.editing.splicing import Text
from modelyard.findings import UserError

_DEFAULTS = {"tensor-parallel-size": "1", "pipeline-parallel-size": "1", "data-parallel-size": "1"}
# Read by what the engine stands on: communication, tensors, threads, fetching, Python itself.
_OF_LIBRARIES = re.compile(
    r"(?i:https?|no)_proxy$|(?:NCCL|UCX|FI|OMP|MKL|PYTORCH|TORCH|TORCHINDUCTOR|CUDA|TRITON|PYTHON|LMCACHE|RAY|HF_HUB)_?[A-Z]"
)
_ENVIRONMENT = "/spec/template/spec/containers/0/env/-"


@dataclass(slots=True)
class ImportResult:
    """What became of a foreign deployment.

    Attributes:
        name: Name of the model here.
        candidate: What serves it.
        carried: What was carried over, one phrase each.
        lost: What was not, and why, one sentence each.
    """

    name: str
    candidate: Candidate
    carried: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def adopt(
    changes: Callable[[], Changes], environment: str, found: ExternalDeployment, name: str = "", model: str = ""
) -> ImportResult:
    """Write the model folder that does the same here as a foreign deployment does elsewhere.

    Args:
        changes: Makes an empty edit of the repository.
        environment: The environment.
        found: The foreign deployment.
        name: Name of the model here; empty takes the foreign one's.
        model: Another id for the model, such as the one of its publisher; empty takes the foreign one's.

    Raises:
        UserError: Nothing here serves the model, or the name is taken or cannot be one.
    """
    wanted = name or model_name(found.name or found.model)
    model_id = model or found.model
    lost = list(found.lost)
    if model and model != found.model:
        lost.append(f"model {found.model}: {model} is served instead")
    candidate = _candidate(changes, environment, found, model_id, wanted, lost)
    made = ImportResult(wanted, candidate, lost=lost)
    _carry_flags(candidate.changes, environment, wanted, found, made)
    return made


def _candidate(
    changes: Callable[[], Changes],
    environment: str,
    found: ExternalDeployment,
    model_id: str,
    name: str,
    lost: list[str],
) -> Candidate:
    engine = _engine(Menu(changes().files), found)
    if not engine:
        lost.insert(0, f"framework {found.framework or 'unknown'} on {found.accelerator}: no engine here does the same")
    length = found.flags.get("max-model-len", "")
    wish = ModelRequest(
        engine=engine,
        accelerator=found.accelerator,
        features=(CONSENT,) if found.token else (),
        max_model_len=int(length) if length.isascii() and length.isdigit() else None,
        check=False,
    )
    problems: list[UserError] = []
    for each in (wish, replace(wish, engine="")):
        try:
            choice = candidates(changes, model_id, environment, name, each)
        except UserError as error:
            problems.append(error)
            continue
        if choice.possible:
            best = choice.possible[0]
            if engine and best.overlay.engine != engine:
                lost.append(f"engine {engine}: {problems[0].message}; {best.overlay.engine} serves it instead")
            return best
        told = "; ".join(f"{one.overlay.name}: {one.why_not}" for one in choice.candidates)
        problems.append(UserError(f"{model_id} cannot be served in {environment}: {told}"))
    # The last one stands in the way of any engine, those before it of the one that is served by there.
    *_, last = problems
    told = "; ".join(dict.fromkeys(each.message for each in problems))
    blank = changes()
    known = known_models(blank, Menu(blank.files))
    twin = namesake(known, model_id) or quantised(blank.files, known, model_id)
    other = f"--model {twin or 'ID'} serves that one instead"
    fix = f"{last.fix}; {other}" if last.fix else other
    raise UserError(told, fix=fix, at=last.at, exit_code=last.exit_code)


def _engine(menu: Menu, found: ExternalDeployment) -> str:
    """Return the engine here that does the same; empty where none does."""
    return next(
        (
            engine.name
            for engine in menu.engines.values()
            if found.framework in engine.frameworks and engine.accelerator == found.accelerator
        ),
        "",
    )


def _carry_flags(changes: Changes, environment: str, name: str, found: ExternalDeployment, made: ImportResult) -> None:
    files = environment_files(changes, environment)
    served = Served(files, name, Menu(StagedFiles(changes)))
    engine, overlay = served.engine, served.overlay
    if engine is None or overlay is None:
        return
    own = _settings(changes, f"{OVERLAYS}/{overlay.name}/{engine.settings}")
    paths = argument_paths(engine)
    version = engine.version or engine_version(files, next(iter(engine.images), "")) or ""
    known = engine_of_version(engine.engine, version)
    if found.devices != overlay.devices:
        made.lost.append(f"{found.devices} devices: the overlay is sized for {overlay.devices}")
    values: dict[str, str] = {}
    for flag, value in kept(found):
        if own.get(flag, _DEFAULTS.get(flag)) == value:
            made.carried.append(f"{flag} {value}, as the overlay has it")
        elif known is not None and known.flag(flag) is None:
            made.lost.append(f"{flag} {value}: {engine.engine} {version} has no such flag")
        elif flag in BOUND_TO_DEVICES:
            made.lost.append(f"{flag} {value}: the overlay splits the model over its devices, {own.get(flag, '1')}")
        elif not paths:
            made.lost.append(f"{flag} {value}: the overlay has {own.get(flag, 'the default')}; copy it to change that")
        else:
            values[flag] = value
    if found.replicas > 1 and engine.workload in REPLICATED:
        values["replicas"] = str(found.replicas)
    elif found.replicas > 1:
        made.lost.append(f"{found.replicas} replicas: the overlay's bounds decide")
    for key, value in values.items():
        try:
            set_model(changes, environment, name, {key: value})
            made.carried.append(f"{key} {value}")
        except UserError as error:
            made.lost.append(f"{key} {value}: {error.message}")
    for variable, value in found.variables.items():
        if known is not None and variable not in known.environment and not _OF_LIBRARIES.match(variable):
            made.lost.append(
                f"variable {variable}: {engine.engine} {version} does not read it, nor a library known here"
            )
        elif engine.workload != "Deployment":
            made.lost.append(f"variable {variable}: patch it in by hand for a {engine.workload}")
        else:
            served.add_variable(_ENVIRONMENT, variable, value)
            made.carried.append(f"variable {variable}")


def _settings(changes: Changes, file: str) -> dict[str, str]:
    """Return an overlay's settings by flag, as texts."""
    if not changes.exists(file):
        return {}
    told = Text(file, changes.text(file)).value
    return {
        str(flag): ("true" if value is True else "false" if value is False else str(value))
        for flag, value in told.items()
        if not isinstance(value, dict | list)
    }
