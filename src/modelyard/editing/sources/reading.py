"""The one deployment that a file describes, read by whichever kind of source it is."""

from __future__ import annotations

from collections.abc import Sequence

from modelyard.editing.sources.ledger import Ledger, Node, Outcome
from modelyard.editing.sources.protocol import Candidate
from modelyard.editing.sources.record import ExternalDeployment
from modelyard.editing.sources.registry import sources
from modelyard.findings import At, Place, UserError
from modelyard.repository.yaml import documents
from modelyard.wording import join_and


def foreign(path: str, text: str, only: str = "") -> ExternalDeployment:
    """Return the deployment that a file describes.

    Args:
        path: The file's name, for messages.
        text: Its content.
        only: Which one, where the file has several.

    Raises:
        UserError: It describes none that can be imported; the words say which kind it is, and why not.
    """
    ledger, parts = _parsed(path, text)
    found = [each for source in sources() for each in source.candidates(parts)]
    chosen = _chosen(path, found, parts, only)
    record = ExternalDeployment(chosen.source, ledger, path, name=chosen.name)
    chosen.read(record)
    record.decide("name", Outcome.CARRIED)
    if not (record.model or record.weights):
        raise record.refused("names no model in its arguments", "name it with --model ID")
    _beside(chosen, found, parts)
    return record


def _parsed(path: str, text: str) -> tuple[Ledger, list[Node]]:
    for source in sources():
        ledger = source.of_text(path, text)
        if ledger is not None:
            return ledger, [ledger.top]
    try:
        content = [each for each in documents(path, text) if each is not None]
    except UserError as error:
        if "{{" in text:
            raise UserError(
                error.message, at=error.at, fix="it looks like a template: render it first, and import the result"
            ) from None
        raise
    content = [item for each in content for item in _unlisted(each)]
    ledger = Ledger(content[0] if len(content) == 1 else content)
    return ledger, [ledger.top] if len(content) == 1 else list(ledger.top.items())


def _unlisted(document: object) -> list[object]:
    """Return the items of a List, as `kubectl get` writes it."""
    if isinstance(document, dict) and str(document.get("kind")) == "List" and isinstance(document.get("items"), list):
        return [each for each in document["items"] if each is not None]
    return [document]


def _chosen(path: str, found: Sequence[Candidate], parts: Sequence[Node], only: str) -> Candidate:
    serving = [each for each in found if each.serves]
    if only:
        matching = [each for each in found if each.name == only]
        if not matching:
            names = join_and(each.name for each in serving) or "none"
            raise UserError(f"{path} has no model {only}", fix=f"it has {names}", at=At(Place(path)))
        matching.sort(key=lambda each: not each.serves)
        serving = matching[:1]
    halves = [each for each in serving if each.half]
    if halves:
        told = join_and(f"{each.source} ({each.half})" if each.half else each.source for each in serving)
        raise UserError(
            f"{told}: prefill and decode are split over two workloads, and one would be imported without the other",
            fix="add the model with modelyard model add ID --env NAME, which serves both in one engine",
            at=At(Place(path)),
        )
    if len(serving) > 1:
        raise UserError(
            f"the file holds {len(serving)} models: {join_and(each.source for each in serving)}",
            fix=f"name one: --only {serving[0].name}",
            at=At(Place(path)),
        )
    if serving:
        return serving[0]
    if found:
        return max(found, key=lambda each: each.weight)
    kinds = sorted({each.at("kind").text for each in parts if each.at("kind").text})
    what = f": it holds {join_and(kinds)}" if kinds else ""
    raise UserError(
        f"the file serves no model in a way that import knows{what}",
        fix="name a file of one of the kinds that `modelyard import --help` lists; other models are added with "
        "`modelyard model add`",
        at=At(Place(path)),
    )


def _beside(chosen: Candidate, found: Sequence[Candidate], parts: Sequence[Node]) -> None:
    """Say what becomes of everything of the file that is not what was chosen."""
    for part in parts:
        if chosen.node.path[: len(part.path)] == part.path:
            continue
        kind, name = part.at("kind").text, part.at("metadata", "name").text
        label = f"{kind} {name}".strip() or "a document without a kind"
        if kind in ("Service", "PodDisruptionBudget", "ServiceMonitor", "PodMonitor", "NetworkPolicy"):
            part.is_set("the base brings its own", label)
        elif kind == "Namespace":
            part.is_set("models share the namespace models", label)
        elif kind == "ConfigMap":
            part.is_lost("only what the engine's arguments and variables take from it is read", label)
        else:
            part.is_lost("only what serves the model is read", label)
    for each in found:
        if each is not chosen and each.serves and each.node.path != chosen.node.path:
            each.node.is_lost(f"another model of the file; import it with --only {each.name}", each.source)
