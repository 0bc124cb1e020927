"""Which overlay serves a model in an environment, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from modelyard.catalog import UNPREFERRED, ModelShape, feature_problems
from modelyard.editing.changes import Changes
from modelyard.editing.environment_folder import EnvironmentFiles, environment_files
from modelyard.editing.identity import write_model
from modelyard.editing.menu import CONSENT, Menu, Overlay
from modelyard.editing.naming import model_name
from modelyard.editing.overlay_making import make_overlay
from modelyard.editing.readiness import how_to_bring
from modelyard.editing.trials import Trial, tried
from modelyard.findings import ExitCode, UserError
from modelyard.repository import Files
from modelyard.wording import nearest


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """What the user asked for; empty where anything will do.

    Attributes:
        overlay: Name of the overlay.
        accelerator: `gpu`, `neuron` or `cpu`.
        engine: Folder of `bases/serving`.
        features: Features besides those that the overlay requires.
        max_model_len: Longest request in tokens, for an overlay that is made.
        check: Whether candidates are tried out.
    """

    overlay: str = ""
    accelerator: str = ""
    engine: str = ""
    features: tuple[str, ...] = ()
    max_model_len: int | None = None
    check: bool = True


@dataclass(frozen=True)
class Candidate:
    """One way to serve the model.

    Attributes:
        overlay: The overlay.
        features: The features that would be on.
        changes: The edit that adds the model so.
        problems: Why it cannot be; empty when it can.
        trial: What a check says of it; None where it was not tried.
        reasons: Why it is this overlay with these features, one sentence each.
        made: Whether the overlay is made for this model.
    """

    overlay: Overlay
    features: tuple[str, ...]
    changes: Changes
    problems: tuple[str, ...] = ()
    trial: Trial | None = None
    reasons: tuple[str, ...] = ()
    made: bool = False

    @property
    def possible(self) -> bool:
        """Return whether nothing stands in the way, as far as it was tried."""
        return not self.problems and (self.trial is None or self.trial.passes)

    @property
    def why_not(self) -> str:
        """Return what stands in the way, in one sentence without a final stop; empty where nothing does."""
        if self.problems:
            return "; ".join(self.problems)
        if self.trial is None or self.trial.passes:
            return ""
        if not self.trial.fits:
            return f"it does not fit {self.trial.device}: {self.trial.fit.partition(': ')[2]}"
        if self.trial.findings:
            first = self.trial.findings[0]
            return f"{first.rule}: {first.message}"
        return "no node pool takes its pods"


@dataclass(frozen=True)
class ModelChoice:
    """What there is to choose from for one model.

    Attributes:
        model: The model's id.
        name: Name that it gets.
        candidates: Ways to serve it, the best first.
    """

    model: str
    name: str
    candidates: tuple[Candidate, ...] = field(default=())

    @property
    def possible(self) -> tuple[Candidate, ...]:
        """The candidates that nothing stands in the way of."""
        return tuple(each for each in self.candidates if each.possible)


def candidates(
    changes: Callable[[], Changes], model_id: str, environment: str, name: str, wish: ModelRequest
) -> ModelChoice:
    """Return the ways to serve a model in an environment.

    Args:
        changes: Makes an empty edit of the repository; each candidate gets its own.
        model_id: The model's id, or the name of an overlay.
        environment: The environment.
        name: The model's name there; None takes it from the id.
        wish: What the user asked for.

    Raises:
        UserError: There is no such model, overlay, engine, feature or environment, or nothing fits the wish.
    """
    first = changes()
    files = environment_files(first, environment)
    menu = Menu(first.files)
    _require_known(wish, menu)
    if model_id in menu.overlays and wish.overlay in ("", model_id):
        wish = ModelRequest(model_id, wish.accelerator, wish.engine, wish.features, wish.max_model_len, wish.check)
        model_id = menu.overlays[model_id].model
    overlays = [each for each in menu.overlays.values() if each.model == model_id]
    if not overlays and not _made(first, menu, model_id):
        raise _unknown(first, menu, model_id)
    named = name or model_name(model_id)
    wanted = [each for each in overlays if _wanted(each, wish)]
    if overlays and not wanted and wish.overlay:
        other = menu.overlays[wish.overlay].model
        raise UserError(f"overlay {wish.overlay} serves {other}, not {model_id}", fix=f"name one of {_names(overlays)}")
    wanted.sort(key=lambda each: (_preference(menu, each), each.devices))
    found = [_candidate(changes(), files.name, named, each, wish, len(overlays)) for each in wanted]
    if not any(each.possible for each in found) and not wish.overlay:
        found += _with_made(changes, files, named, model_id, wish, found)
    if not found:
        raise UserError(
            f"no overlay serves {model_id} as asked ({_asked(wish)})", fix=f"there are {_names(overlays) or 'none'}"
        )
    found.sort(key=lambda each: (not each.possible, each.made, _cost(each)))
    return ModelChoice(model_id, named, tuple(found))


def refusal(choice: ModelChoice, environment: str) -> UserError:
    """Return the refusal for a model that nothing can serve in an environment."""
    reasons: dict[str, list[str]] = {}
    for each in choice.candidates:
        reasons.setdefault(each.why_not, []).append("an overlay made for it" if each.made else each.overlay.name)
    told = [f"{', '.join(names)}: {why}" for why, names in reasons.items()] if len(reasons) > 1 else list(reasons)
    first = choice.candidates[0]
    fix = next((each.fix for each in (first.trial.findings if first.trial else ()) if each.fix), "")
    return UserError(
        f"{choice.model} cannot be added to {environment}: {'; '.join(told)}",
        fix=fix or _remedy(first, environment) or "choose another overlay or accelerator",
        exit_code=ExitCode.FINDINGS,
    )


def _remedy(candidate: Candidate, environment: str) -> str:
    """Return how the environment gets what a candidate needs; empty where something else is in the way."""
    menu = Menu(candidate.changes.files)
    engine = menu.engines.get(candidate.overlay.engine)
    features = [menu.features[each] for each in candidate.features if each in menu.features]
    if engine is None or any(engine.name not in each.engines for each in features):
        return ""
    needs = [need for each in features for need in each.needs]
    return how_to_bring(environment_files(candidate.changes, environment), [*engine.needs, *needs])


def _require_known(wish: ModelRequest, menu: Menu) -> None:
    for what, name in (
        ("overlay", wish.overlay),
        ("engine", wish.engine),
        *(("feature", each) for each in wish.features),
    ):
        if name:
            menu.require(what, name)
    kinds = {each.accelerator for each in menu.engines.values()}
    if wish.accelerator and wish.accelerator not in kinds:
        raise UserError(f"there is no accelerator {wish.accelerator}", fix=f"name one of {', '.join(sorted(kinds))}")


def _wanted(overlay: Overlay, wish: ModelRequest) -> bool:
    return (
        (not wish.overlay or overlay.name == wish.overlay)
        and (not wish.engine or overlay.engine == wish.engine)
        and (not wish.accelerator or overlay.accelerator == wish.accelerator)
    )


def _candidate(
    changes: Changes, environment: str, name: str, overlay: Overlay, wish: ModelRequest, count: int, *, made: str = ""
) -> Candidate:
    """Return one way to serve a model, tried out.

    Args:
        changes: An edit that holds the overlay already where it is made.
        environment: The environment.
        name: The model's name.
        overlay: The overlay.
        wish: What the user asked for.
        count: How many overlays serve the model.
        made: Why the overlay is made as it is; empty where it was there.
    """
    files = environment_files(changes, environment)
    menu = Menu(changes.files)
    engine = menu.engines.get(overlay.engine)
    features = tuple(dict.fromkeys((*overlay.requires, *wish.features)))
    reasons = [made or _why_this(overlay, wish, count)]
    reasons += [
        f"feature {each}: "
        + ("the model asks for consent" if overlay.gated and each == CONSENT else "the overlay requires it")
        for each in overlay.requires
    ]
    reasons += [f"feature {each}: asked for" for each in wish.features if each not in overlay.requires]
    if engine is None:
        missing = f"there is no engine {overlay.engine} in bases/serving"
        return Candidate(overlay, features, changes, (missing,), None, tuple(reasons), bool(made))
    provided = menu.provided(files.applications)
    problems = [
        f"its engine {engine.name} needs {each} in the environment" for each in engine.needs if each not in provided
    ]
    problems += feature_problems(features, menu.features, engine.name, files.applications)
    if not problems:
        write_model(files, name, overlay, engine, features, menu)
    trial = tried(changes, environment, name) if wish.check and not problems else None
    return Candidate(overlay, features, changes, tuple(problems), trial, tuple(reasons), bool(made))


def _why_this(overlay: Overlay, wish: ModelRequest, count: int) -> str:
    if wish.overlay:
        return f"overlay {overlay.name}: asked for"
    if count == 1:
        return f"overlay {overlay.name}: the only one for {overlay.model}"
    asked = _asked(wish)
    return f"overlay {overlay.name}: one of {count} for {overlay.model}" + (f", asked for by {asked}" if asked else "")


def _asked(wish: ModelRequest) -> str:
    parts = {"accelerator": wish.accelerator, "engine": wish.engine, "overlay": wish.overlay}
    return ", ".join(f"{name} {value}" for name, value in parts.items() if value)


def _with_made(
    changes: Callable[[], Changes],
    files: EnvironmentFiles,
    name: str,
    model_id: str,
    wish: ModelRequest,
    others: Sequence[Candidate],
) -> list[Candidate]:
    """Return the candidate with an overlay that is made, where one can be."""
    if wish.engine not in ("", "vllm") or wish.accelerator not in ("", "gpu"):
        return []
    edit = changes()
    try:
        made = make_overlay(environment_files(edit, files.name), model_id, wish.max_model_len)
    except UserError:
        if others:
            return []  # what stands in the way of the overlays that there are says more
        raise
    if made is None:
        return []
    return [_candidate(edit, files.name, name, made.overlay, wish, len(others), made=made.reason)]


def _made(changes: Changes, menu: Menu, model_id: str) -> bool:
    from modelyard.sizing import known_model

    known = known_model(changes.files, model_id)
    return known is not None and known.shape is not None and "vllm" in menu.engines


def namesake(known: Iterable[str], model_id: str) -> str:
    """Return the model that has the same name with another publisher, as copies have; empty where none does."""
    others = (each for each in known if "/" in each and each != model_id)
    return next((each for each in others if _own_name(each) == _own_name(model_id)), "")


def quantised(files: Files, known: Iterable[str], model_id: str) -> str:
    """Return the model that is the same with smaller weights, such as in FP8; empty where none is known."""
    from modelyard.sizing import known_model

    def shape(name: str) -> ModelShape | None:
        found = known_model(files, name)
        return found.shape if found is not None else None

    own = shape(model_id)
    if own is None or own.quantization is not None:
        return ""
    for each in known:
        other = shape(each) if each.startswith(f"{model_id}-") else None
        if other is not None and other.quantization and replace(other, quantization=None) == own:
            return each
    return ""


def _own_name(model_id: str) -> str:
    return model_id.rpartition("/")[2].lower()


def known_models(changes: Changes, menu: Menu) -> Mapping[str, object]:
    """Return what a model may be named by: ids of models that are known, and names of overlays."""
    from modelyard.catalog import models
    from modelyard.sizing import team_models

    return {
        **{each.model: each for each in menu.overlays.values()},
        **menu.overlays,
        **models(),
        **team_models(changes.files),
    }


def _unknown(changes: Changes, menu: Menu, model_id: str) -> UserError:
    known = known_models(changes, menu)
    if model_id in known:
        return UserError(
            f"no overlay serves {model_id}, and none can be made: the catalogue does not have its shape",
            fix="write one: copy the overlay of a neighbour to a new name in overlays/ and change it",
        )
    folded = {each.lower(): each for each in known}
    likely = namesake(known, model_id) or folded.get(nearest(model_id.lower(), folded), "")
    first = f"did you mean {likely}? If not, " if likely else ""
    return UserError(
        f"no overlay serves {model_id}, and its shape is not in the catalogue",
        fix=f"{first}add its facts: modelyard catalog add {model_id} --config config.json",
    )


def _preference(menu: Menu, overlay: Overlay) -> int:
    engine = menu.engines.get(overlay.engine)
    return UNPREFERRED if engine is None else engine.preference


def _names(overlays: Sequence[Overlay]) -> str:
    return ", ".join(each.name for each in overlays)


def _cost(candidate: Candidate) -> float:
    price = candidate.trial.usd_per_hour if candidate.trial else None
    return float("inf") if price is None else price
