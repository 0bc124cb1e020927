"""Deployments, StatefulSets and Pods, as Kubernetes has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from modelyard.editing.sources.arguments import words_of
from modelyard.editing.sources.ledger import Node
from modelyard.editing.sources.others import half
from modelyard.editing.sources.pods import (
    BESIDE,
    containers_of,
    engine_container,
    read_field,
    read_pod,
    read_template,
    refuse_other_engines,
)
from modelyard.editing.sources.protocol import Candidate, Source, head_of, named
from modelyard.editing.sources.record import ExternalDeployment, number


class Workload(Source):
    """A workload of Kubernetes that keeps replicas."""

    title = "Deployment, StatefulSet, ReplicaSet, Pod"
    kinds = ("Deployment", "StatefulSet", "ReplicaSet", "Pod")

    def of_manifest(self, manifest: Node, documents: Sequence[Node]) -> Iterator[Candidate]:
        """Yield the workload; one without vLLM refuses, and names what it runs."""
        is_pod = manifest.at("kind").text == "Pod"
        pod = manifest.at("spec") if is_pod else manifest.at("spec", "template", "spec")
        container = engine_container(pod)
        name = manifest.at("metadata", "name").text
        if container is None:
            yield Candidate(name, named(manifest), manifest, _other(pod), serves=False, weight=1)
            return
        words = [each.text for each in words_of(container.at("command"), container.at("args"))]

        def read(found: ExternalDeployment) -> None:
            _read(found, manifest, pod, container, is_pod=is_pod)

        yield Candidate(name, named(manifest), manifest, read, half=half(words))


def _other(pod: Node) -> Callable[[ExternalDeployment], None]:
    def read(found: ExternalDeployment) -> None:
        refuse_other_engines(found, iter((pod,)))
        if any(BESIDE.search(each.at("image").text.rpartition("/")[2]) for each in containers_of(pod)):
            raise found.refused(
                "is a router, gateway or helper beside engines, and serves no model itself",
                "import the manifest of the engine; a Service of its own reaches each model here, and the feature "
                "prefix-cache-routing chooses among replicas",
            )
        if not any(each.at("image").exists for each in containers_of(pod)):
            raise found.refused(
                "names no image: it is a patch of another manifest, or a part of one",
                "build the kustomization that takes it: kustomize build FOLDER | modelyard import -",
            )
        images = ", ".join(each.at("image").text for each in containers_of(pod)) or "no image"
        raise found.refused(
            f"does not run vLLM (image {images})",
            "name a manifest that does; other models are added with `modelyard model add`",
        )

    return read


def _read(found: ExternalDeployment, manifest: Node, pod: Node, container: Node, *, is_pod: bool) -> None:
    head_of(manifest)
    spec = manifest.at("spec")
    if is_pod:
        read_pod(found, pod, container)
        return
    spec.at("replicas").feeds("replicas")
    found.replicas = number(found, spec.at("replicas"))
    for key, node in spec.entries():
        if key not in ("replicas", "template"):
            read_field(key, node)
    read_template(found, spec.at("template"), container)
