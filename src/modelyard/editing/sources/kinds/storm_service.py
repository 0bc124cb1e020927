"""StormServices and RoleSets of AIBrix: vllm-project/aibrix at e3e10f9e, api/orchestration/v1alpha1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelyard.editing.sources.ledger import Node
from modelyard.editing.sources.pods import (
    containers_of,
    engine_container,
    read_field,
    read_metadata,
    read_template,
    refuse_other_engines,
)
from modelyard.editing.sources.protocol import Candidate, Source, head_of, named
from modelyard.editing.sources.record import ExternalDeployment, number

_OF_AIBRIX = "AIBrix orders the pods of its roles; the base has its own workload"


class StormService(Source):
    """A set of roles of AIBrix, of which one runs vLLM."""

    title = "StormService of AIBrix"
    kinds = ("StormService", "RoleSet", "PodSet")

    def of_manifest(self, manifest: Node, documents: Sequence[Node]) -> Iterator[Candidate]:
        """Yield the set."""
        kind = manifest.at("kind").text
        spec = manifest.at("spec")
        inner = spec.at("template", "spec") if kind == "StormService" else spec
        roles = list(inner.at("roles").items())
        serving = [each for each in roles if engine_container(each.at("template", "spec")) is not None]

        def read(found: ExternalDeployment) -> None:
            _read(found, manifest, inner, roles, serving)

        yield Candidate(
            manifest.at("metadata", "name").text, named(manifest), manifest, read, serves=bool(serving), weight=1
        )


def _read(
    found: ExternalDeployment, manifest: Node, inner: Node, roles: Sequence[Node], serving: Sequence[Node]
) -> None:
    names = [each.at("name").text for each in roles]
    if len(serving) > 1 or {"prefill", "decode"} & set(names):
        raise found.refused(
            f"has the roles {' and '.join(names)}: prefill and decode are split, and are one engine here",
            "add the model with modelyard model add ID --env NAME, which serves both in one engine",
        )
    if not serving:
        refuse_other_engines(found, (each.at("template", "spec") for each in roles))
        images = [each.at("image").text for role in roles for each in containers_of(role.at("template", "spec"))]
        raise found.refused(f"has no role that runs vLLM (images {', '.join(images) or 'none'})")
    (role,) = serving
    head_of(manifest)
    spec = manifest.at("spec")
    sets = number(found, spec.at("replicas")) if inner.path != spec.path else None
    pods = number(found, role.at("replicas"))
    found.replicas = (1 if sets is None else sets) * (1 if pods is None else pods)
    if inner.path != spec.path:
        spec.at("replicas").feeds("replicas", "replicas of sets")
    role.at("replicas").feeds("replicas", "replicas of its role")
    found.framework = "aibrix"
    if (number(found, role.at("podGroupSize")) or 1) > 1:
        found.framework = "lws-vllm"
    for holder, read in ((spec, {"replicas", "template", "roles"}), (spec.at("template"), {"metadata", "spec"})):
        if holder.path == spec.path or inner.path != spec.path:
            for key, node in holder.entries():
                if key in ("stateful", "schedulingStrategy", "podGroupSize"):
                    node.is_set(_OF_AIBRIX)
                elif key not in read:
                    read_field(key, node)
    if inner.path != spec.path:
        read_metadata(spec.at("template", "metadata"), "its sets")
        for key, node in inner.entries():
            if key in ("stateful", "schedulingStrategy", "schedulerName"):
                node.is_set(_OF_AIBRIX)
            elif key != "roles":
                read_field(key, node)
    for each in roles:
        if each is not role:
            each.is_lost("only the role with the engine is carried over", f"role {each.at('name').text}")
    for key, node in role.entries():
        if key in ("stateful", "podGroupSize", "upgradeOrder", "dependencies", "schedulingStrategy"):
            node.is_set(_OF_AIBRIX)
        elif key not in ("template", "replicas"):
            read_field(key, node)
    container = engine_container(role.at("template", "spec"))
    assert container is not None  # noqa: S101 - it is one of those that serve
    read_template(found, role.at("template"), container)
