"""LeaderWorkerSets: one engine over the pods of a group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelyard.editing.sources.arguments import words_of
from modelyard.editing.sources.ledger import Node
from modelyard.editing.sources.others import half
from modelyard.editing.sources.pods import (
    containers_of,
    engine_container,
    read_field,
    read_template,
    read_workers,
    refuse_other_engines,
)
from modelyard.editing.sources.protocol import Candidate, Source, head_of, named
from modelyard.editing.sources.record import ExternalDeployment, number


class LeaderWorkerSet(Source):
    """A LeaderWorkerSet whose leader, or every pod, runs vLLM."""

    title = "LeaderWorkerSet"
    kinds = ("LeaderWorkerSet",)

    def of_manifest(self, manifest: Node, documents: Sequence[Node]) -> Iterator[Candidate]:
        """Yield the set; one without vLLM refuses, and names what it runs."""
        group = manifest.at("spec", "leaderWorkerTemplate")
        leader = group.at("leaderTemplate") if group.at("leaderTemplate").exists else group.at("workerTemplate")
        container = engine_container(leader.at("spec"))
        words = words_of(container.at("command"), container.at("args")) if container is not None else []

        def read(found: ExternalDeployment) -> None:
            if container is None:
                refuse_other_engines(found, iter((leader.at("spec"), group.at("workerTemplate", "spec"))))
                images = ", ".join(each.at("image").text for each in containers_of(leader.at("spec"))) or "no image"
                raise found.refused(f"does not run vLLM in its leader (image {images})")
            _read(found, manifest, leader, container)

        yield Candidate(
            manifest.at("metadata", "name").text,
            named(manifest),
            manifest,
            read,
            serves=container is not None,
            half=half([each.text for each in words]),
            weight=1,
        )


def _read(found: ExternalDeployment, manifest: Node, leader: Node, container: Node) -> None:
    head_of(manifest)
    spec, group = manifest.at("spec"), manifest.at("spec", "leaderWorkerTemplate")
    spec.at("replicas").feeds("replicas")
    found.replicas = number(found, spec.at("replicas"))
    size = number(found, group.at("size")) or 1
    found.framework = "lws-vllm" if size > 1 else "vllm"
    for key, node in spec.entries():
        if key in ("startupPolicy", "networkConfig"):
            node.is_set("the base of a group has its own")
        elif key not in ("replicas", "leaderWorkerTemplate"):
            read_field(key, node)
    for key, node in group.entries():
        if key == "size":
            node.is_set("the overlay says how many nodes a group has")
        elif key in ("restartPolicy", "subGroupPolicy"):
            node.is_set("the base of a group has its own")
        elif key not in ("leaderTemplate", "workerTemplate"):
            read_field(key, node)
    read_template(found, leader, container, owner="its leader")
    if leader.path[-1] == "leaderTemplate":
        read_workers(found, group.at("workerTemplate"))
