"""A foreign deployment of a model made one of an environment, and what became of each of its fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from modelyard.catalog import EngineBase
from modelyard.catalog import engine as engine_of_version
from modelyard.editing.changes import Changes, StagedFiles
from modelyard.editing.choosing import Candidate, ModelRequest, candidates, known_models, namesake, quantised
from modelyard.editing.environment_folder import environment_files
from modelyard.editing.menu import CONSENT, OVERLAYS, Menu
from modelyard.editing.models import SCALED_BY, set_model, switch_feature
from modelyard.editing.naming import model_name
from modelyard.editing.overlay_making import engine_version
from modelyard.editing.promotion import BOUND_TO_DEVICES
from modelyard.editing.served import REPLICATED, Served, argument_paths
from modelyard.editing.sources import SAYS_NOTHING, ExternalDeployment, FieldOutcome, Outcome, Verdict
from modelyard.editing.splicing import Text
from modelyard.findings import UserError

_DEFAULTS = {"tensor-parallel-size": "1", "pipeline-parallel-size": "1", "data-parallel-size": "1"}
# Read by what the engine stands on: communication, tensors, threads, fetching, Python itself.
_OF_LIBRARIES = re.compile(
    r"(?i:https?_proxy|no_proxy)$|(?:NCCL|UCX|FI|OMP|MKL|PYTORCH|TORCH|TORCHINDUCTOR|CUDA|TRITON|PYTHON|LMCACHE|RAY|HF_HUB)_?[A-Z]"
)
_OF_THE_BASE = frozenset({"HOME", "USER", "HF_HOME", "DO_NOT_TRACK", "MODEL_NAME", "VLLM_PORT"})
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(slots=True)
class ImportResult:
    """What became of a foreign deployment.

    Attributes:
        name: Name of the model here.
        candidate: What serves it.
        source: What it was read from, in words.
        fields: What became of each field of the source.
        notes: What changes beyond fields, one sentence each.
    """

    name: str
    candidate: Candidate
    source: str
    fields: list[FieldOutcome] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def told(self, outcome: Outcome) -> list[str]:
        """Return what became of fields, folded: one line for each reason, with what it is the reason of."""
        subjects: dict[str, dict[str, None]] = {}
        for each in self.fields:
            if each.outcome is outcome and each.why not in SAYS_NOTHING:
                subjects.setdefault(each.why, {})[_HOLDERS.sub("", each.subject)] = None
        lines = []
        for why, names in subjects.items():
            shown = list(names)[:_MOST_NAMED]
            more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
            lines.append(", ".join(shown) + more + (f": {why}" if why else ""))
        return lines

    @property
    def carried(self) -> list[str]:
        """What was carried."""
        return self.told(Outcome.CARRIED)

    @property
    def set(self) -> list[str]:
        """What this repository has values of its own for."""
        return self.told(Outcome.SET)

    @property
    def lost(self) -> list[str]:
        """What was lost, and why."""
        return self.told(Outcome.LOST)


_MOST_NAMED = 8
_UNDECIDED = Verdict(Outcome.SET)
_HOLDERS = re.compile(r"^(?:\[\d+\]|[\w.\[\]]*(?:containers\[\d+\]|modelSpec\[\d+\]|template\.spec|\bspec))\.")


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
    model_id = model or _model(changes, found)
    wanted = name or model_name(found.name or model_id)
    notes: list[str] = []
    told = found.model or found.weights
    if model_id == told:
        found.decide("model", Outcome.CARRIED)
    elif found.family and not model:
        found.decide("model", Outcome.CARRIED, f"it is {model_id}")
    else:
        found.decide("model", Outcome.LOST, f"--model: {model_id} is served instead")
    if wanted == found.name:
        found.decide("name", Outcome.CARRIED)
    else:
        found.decide("name", Outcome.SET, f"the model is called {wanted} here")
    candidate = _candidate(changes, environment, found, model_id, wanted, notes)
    made = ImportResult(wanted, candidate, found.source, notes=notes)
    _Carrying(candidate.changes, environment, wanted, found, changed=model_id != told).all()
    made.fields = found.fields()
    notes += found.notes
    return made


def _model(changes: Callable[[], Changes], found: ExternalDeployment) -> str:
    """Return the id of the model.

    Raises:
        UserError: The source has a path or a placeholder in its place, or a name that no publisher's model has.
    """
    if not found.model:
        text = found.weights
        if "$" in text or "{{" in text or "<" in text:
            raise found.refused(
                f"takes its model from {text}, which is filled in elsewhere", "fill it in, or name it with --model ID"
            )
        if text.startswith("image "):
            raise found.refused(
                f"runs {text}, which brings engine, model and settings in one", "name the model with --model ID"
            )
        blank = changes()
        twin = namesake(known_models(blank, Menu(blank.files)), f"any/{text.rstrip('/').rpartition('/')[2]}")
        raise found.refused(
            f"loads weights from {text}, and does not say which model they are",
            f"name it with --model {twin or 'ID'}; the features weights-* take weights from where they lie",
        )
    if not found.family:
        return found.model
    blank = changes()
    known = known_models(blank, Menu(blank.files))
    publisher = namesake(known, f"any/{found.model}")
    if not publisher:
        raise found.refused(
            f"serves {found.model}, a name that no model of the catalogue has",
            "name it with --model ORGANISATION/MODEL",
        )
    return publisher


def _candidate(
    changes: Callable[[], Changes],
    environment: str,
    found: ExternalDeployment,
    model_id: str,
    name: str,
    notes: list[str],
) -> Candidate:
    engine = _engine(Menu(changes().files), found)
    if not engine:
        notes.append(f"framework {found.framework or 'unknown'} on {found.accelerator}: no engine here does the same")
    length = found.flags["max-model-len"].value if "max-model-len" in found.flags else ""
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
                why = problems[0].message if problems else "it cannot be had in this environment"
                notes.append(f"engine {engine}: {why}; {best.overlay.engine} serves it instead")
            return best
        told = "; ".join(f"{one.overlay.name}: {one.why_not}" for one in choice.candidates)
        problems.append(UserError(f"{model_id} cannot be served in {environment}: {told}"))
    # The last one stands in the way of any engine, those before it of the one that is served by there.
    *_, last = problems
    if "--name" in last.fix:  # the name is in the way, and no other model would help
        raise last
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


class _Carrying:
    """Carries flags, variables and sizes onto the model that was added, and says what became of each.

    Args:
        changes: The edit that added the model.
        environment: The environment.
        name: The model here.
        found: The foreign deployment.
        changed: Whether another model is served than there.
    """

    def __init__(
        self, changes: Changes, environment: str, name: str, found: ExternalDeployment, *, changed: bool
    ) -> None:
        self.changes = changes
        self.environment = environment
        self.name = name
        self.found = found
        self.changed = changed
        self.files = environment_files(changes, environment)
        self.served = Served(self.files, name, Menu(StagedFiles(changes)))

    def all(self) -> None:
        """Carry everything that has a place."""
        engine, overlay = self.served.engine, self.served.overlay
        if engine is None or overlay is None:
            return
        if self.found.devices is None:
            self.found.notes.append(f"devices: it asks for none by name; the overlay has {overlay.devices}")
        if self.found.devices == overlay.devices:
            self.found.decide("devices", Outcome.CARRIED, "as the overlay has it")
        else:
            self.found.decide("devices", Outcome.SET, f"the overlay is sized for {overlay.devices}")
        self._flags(engine, _settings(self.changes, f"{OVERLAYS}/{overlay.name}/{engine.settings}"))
        self._scale(engine)
        self._variables(engine)

    def _flags(self, engine: EngineBase, own: Mapping[str, str]) -> None:
        known = engine_of_version(engine.engine, self._version(engine))
        for flag, given in list(self.found.flags.items()):
            value, slot = given.value, given.slot
            if flag == "served-model-name":
                self._served_name(slot)
            elif own.get(flag, _DEFAULTS.get(flag)) == value:
                self.found.decide(slot, Outcome.CARRIED, "as the overlay has it")
            elif flag == "revision" and (self.changed or not _COMMIT.fullmatch(value)):
                why = "it is of the model that is served there" if self.changed else "a branch moves; the overlay pins"
                self.found.decide(slot, Outcome.SET, f"{why} revision {own.get(flag, 'of the hub')}")
            elif known is not None and known.flag(flag) is None:
                near = known.nearest_flag(flag)
                why = f"{engine.engine} {self._version(engine)} has no such flag"
                self.found.decide(slot, Outcome.LOST, f"{why}; the nearest is {near}" if near else why)
            elif flag in BOUND_TO_DEVICES:
                why = f"the overlay splits the model over its devices, {own.get(flag, '1')}"
                self.found.decide(slot, Outcome.SET, why)
            elif not argument_paths(engine):
                why = f"the overlay has {own.get(flag, 'the default')}; copy it to change that"
                self.found.decide(slot, Outcome.LOST, why)
            else:
                self._set(slot, flag, value)

    def _served_name(self, slot: str) -> None:
        others = [each for each in self.found.served_names if each != self.name]
        if not others:
            self.found.decide(slot, Outcome.CARRIED, "the model is called so here")
        elif any("$" in each or not each.isprintable() for each in others):
            self.found.decide(slot, Outcome.LOST, "a variable tells its value when it runs")
        elif self.served.serve_also(others):
            self.found.decide(slot, Outcome.CARRIED, f"it answers to {self.name} as well")
        else:
            self.found.decide(slot, Outcome.LOST, f"callers ask for {self.name} here; choose a name with --name")

    def _scale(self, engine: EngineBase) -> None:
        found = self.found
        most = found.most if found.most is not None else found.least
        scaled = most is not None and most > (found.least or 0) and most > 1
        if scaled and engine.workload in REPLICATED:
            feature = SCALED_BY[0]
            try:
                switch_feature(self.changes, self.environment, self.name, feature, on=True)
            except UserError as error:
                why = f"{error.message}; {error.fix}" if error.fix else error.message
                for slot in ("least", "most", "scaling"):
                    found.decide(slot, Outcome.LOST, why)
                self._replicas(engine, found.replicas if found.replicas is not None else found.least)
                return
            found.decide("scaling", Outcome.SET, f"the feature {feature} adds replicas while requests wait")
            found.decide("replicas", Outcome.SET, f"the feature {feature} decides, within its bounds")
            self._set("least", "min-replicas", str(max(found.least or 1, 1)))
            if found.least == 0:
                found.decide("least", Outcome.SET, "one stays; the feature scale-to-zero removes the last one as well")
            self._set("most", "max-replicas", str(most))
            return
        for slot in ("least", "most", "scaling"):
            found.decide(slot, Outcome.SET, "the number of replicas is fixed here")
        self._replicas(engine, found.replicas if found.replicas is not None else most)

    def _replicas(self, engine: EngineBase, count: int | None) -> None:
        found = self.found
        slots = ["replicas"]
        if found.replicas is None:  # the bounds of its autoscaling say the number
            slots += [slot for slot, bound in (("least", found.least), ("most", found.most)) if bound == count]
            slots = [each for each in slots if found.slots.get(each, _UNDECIDED).outcome is not Outcome.LOST]
        if count is None:
            return
        for slot in slots:
            if count == 0 and slot == "least":
                found.decide(slot, Outcome.LOST, "one stays; the feature scale-to-zero removes the last one as well")
            elif count == 0:
                found.decide(slot, Outcome.LOST, "it is parked there, and starts here; remove it, or add it later")
            elif count == 1:
                found.decide(slot, Outcome.CARRIED, "as the base has it")
            elif engine.workload in REPLICATED:
                self._set(slot, "replicas", str(count))
            else:
                found.decide(slot, Outcome.LOST, "the overlay's bounds decide")

    def _variables(self, engine: EngineBase) -> None:
        version = self._version(engine)
        known = engine_of_version(engine.engine, version)
        paths = [f"{path.removesuffix('/args/-')}/env/-" for path in argument_paths(engine)]
        for name, given in self.found.variables.items():
            if name in _OF_THE_BASE:
                self.found.decide(given.slot, Outcome.SET, "the base has its own")
            elif known is not None and name not in known.environment and not _OF_LIBRARIES.match(name):
                why = f"{engine.engine} {version} does not read it, nor a library known here"
                self.found.decide(given.slot, Outcome.LOST, why)
            elif not paths:
                self.found.decide(given.slot, Outcome.LOST, f"patch it in by hand for a {engine.workload}")
            elif "\n" in given.value:
                self.found.decide(given.slot, Outcome.LOST, "it has several lines; patch it in by hand")
            else:
                for path in paths:
                    self.served.add_variable(path, name, given.value)
                self.found.decide(given.slot, Outcome.CARRIED)

    def _set(self, slot: str, key: str, value: str) -> None:
        try:
            set_model(self.changes, self.environment, self.name, {key: value})
        except UserError as error:
            self.found.decide(slot, Outcome.LOST, error.message)
        else:
            self.found.decide(slot, Outcome.CARRIED)

    def _version(self, engine: EngineBase) -> str:
        return engine.version or engine_version(self.files, next(iter(engine.images), "")) or ""


def _settings(changes: Changes, file: str) -> dict[str, str]:
    """Return an overlay's settings by flag, as texts."""
    if not changes.exists(file):
        return {}
    content = Text(file, changes.text(file)).value
    return dict(_flat(content)) if isinstance(content, dict) else {}


def _flat(told: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for flag, value in told.items():
        if flag == "applications":  # Ray Serve's config, whose settings lie below
            yield from _of_ray(value)
        elif not isinstance(value, dict | list):
            yield str(flag).replace("_", "-"), _as_flag(value)


def _of_ray(applications: object) -> Iterator[tuple[str, str]]:
    from modelyard.view.shapes import entries, mapping

    for each in entries({"applications": applications}, "applications"):
        for config in entries(each, "args", "llm_configs"):
            yield from _flat(mapping(config, "engine_kwargs"))


def _as_flag(value: object) -> str:
    return "true" if value is True else "false" if value is False else str(value)
