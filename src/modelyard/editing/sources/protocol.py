"""What is asked of a kind of source: where it serves in a file, and what it says there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from modelyard.editing.sources.ledger import Ledger, Node
from modelyard.editing.sources.record import ExternalDeployment
from modelyard.findings import UserError


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something of a file that may be imported.

    Attributes:
        name: Its name, by which `--only` chooses it.
        source: What it is, in words, such as `Deployment chat`.
        node: Where it stands.
        read: Reads it, given what is known of it before; raises UserError where it cannot be imported.
        serves: Whether it serves a model by vLLM, as far as it can be told without reading; what does not is named only
            where nothing of the file serves.
        half: By what it is one half of a pair of prefill and decode; empty for a whole one.
        weight: Which refusal is told where nothing serves: that of the greatest.
    """

    name: str
    source: str
    node: Node
    read: Callable[[ExternalDeployment], None]
    serves: bool = True
    half: str = ""
    weight: int = 0


class Source:
    """One kind of source. A module of `kinds` that defines a subclass is one; no list names it.

    Attributes:
        title: What it is called in help and documentation.
        kinds: The Kubernetes kinds that it reads; empty for one that is no manifest.
        groups: Beginnings of the API groups of those kinds; empty for any.
    """

    title: str = ""
    kinds: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    def of_text(self, path: str, text: str) -> Ledger | None:
        """Return the ledger of a text that is no YAML of manifests or values; None where it is not of this kind."""
        return None

    def candidates(self, documents: Sequence[Node]) -> Iterator[Candidate]:
        """Yield what of a file is of this kind.

        Args:
            documents: The places of the file's documents.
        """
        for each in documents:
            group = each.at("apiVersion").text
            if each.at("kind").text in self.kinds and (not self.groups or group.startswith(self.groups)):
                yield from self.of_manifest(each, documents)

    def of_manifest(self, manifest: Node, documents: Sequence[Node]) -> Iterator[Candidate]:
        """Yield what a manifest of one of the kinds serves."""
        return iter(())


def refusing(error_of: Callable[[ExternalDeployment], UserError]) -> Callable[[ExternalDeployment], None]:
    """Return a reader that refuses."""

    def read(found: ExternalDeployment) -> None:
        raise error_of(found)

    return read


def named(manifest: Node) -> str:
    """Return a manifest's kind and name."""
    name = manifest.at("metadata", "name").text
    return f"{manifest.at('kind').text} {name}".strip()


def candidate_of(
    manifest: Node,
    read: Callable[[ExternalDeployment], None],
    *,
    serves: bool = True,
    half: str = "",
    weight: int = 0,
) -> Candidate:
    """Return a whole manifest as a candidate under its own name; the arguments are those of Candidate."""
    name = manifest.at("metadata", "name").text
    return Candidate(name, named(manifest), manifest, read, serves=serves, half=half, weight=weight)


def head_of(manifest: Node) -> None:
    """Say what becomes of the head of a manifest: its kind, metadata and status."""
    from modelyard.editing.sources.pods import read_metadata

    manifest.at("apiVersion").is_form()
    manifest.at("kind").is_form()
    manifest.at("status").is_set("the API server writes it")
    read_metadata(manifest.at("metadata"), manifest.at("kind").text, named=True)
