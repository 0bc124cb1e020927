"""What three judges say about a resource: an API server, kubeconform and the renderer's library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from modelyard.rehearsal.api import Answer, Api
from modelyard.rehearsal.dry_run import apply
from modelyard.rehearsal.objections import Objection, objections
from modelyard.rendering import LibraryRenderer, SchemaProblem
from modelyard.repository import Repository
from modelyard.schemas import SchemaBundle, Validator
from modelyard.tooling import parallel


@dataclass(frozen=True, slots=True)
class Judged:
    """One resource with what each judge says.

    Attributes:
        kind: Its kind.
        what: How it was changed; empty for one that was not.
        value: The manifest as Kustomize hands it on, which is what a cluster would be given.
        refusals: Why the server refuses it; empty when it takes it.
        kubeconform: Problems that kubeconform finds.
        library: Problems that the library finds.
    """

    kind: str
    what: str
    value: dict[str, Any]
    refusals: tuple[Objection, ...] = ()
    kubeconform: tuple[SchemaProblem, ...] = ()
    library: tuple[SchemaProblem, ...] = field(default=())

    def __str__(self) -> str:
        lines = [f"{self.kind}: {self.what or 'unchanged'}"]
        lines += [f"  server       {each.path}: {each.message[:200]}" for each in self.refusals]
        lines += [f"  kubeconform  {each.path}: {each.message[:200]}" for each in self.kubeconform]
        lines += [f"  library      {each.path}: {each.message[:200]}" for each in self.library]
        return "\n".join(lines)


def judged(
    api: Api, version: str, namespace: str, resources: Sequence[tuple[str, dict[str, Any]]], scratch: Path
) -> list[Judged]:
    """Return the verdicts on resources; those that Kustomize itself refuses are left out.

    Args:
        api: The server, which knows all definitions that are needed.
        version: Version of Kubernetes whose schemas are held against it.
        namespace: Where objects go that name no namespace.
        resources: How each was changed, and the manifest.
        scratch: An empty folder.
    """
    bundle = SchemaBundle(version)
    renderer = LibraryRenderer(bundle.native_file, [bundle.crd_folder], schemas=bundle.identity)
    for number, (_, value) in enumerate(resources):
        (scratch / f"t{number}").mkdir()
        (scratch / f"t{number}" / "kustomization.yaml").write_text("resources: [a.json]\n")
        (scratch / f"t{number}" / "a.json").write_bytes(orjson.dumps(value))
    targets = [f"t{number}" for number in range(len(resources))]
    rendered = {each.target: each for each in renderer.render(Repository(scratch), targets)}
    found = [
        (what, rendered[target].resources[0])
        for target, (what, _) in zip(targets, resources, strict=True)
        if not rendered[target].errors and rendered[target].resources
    ]
    values = [resource.value for _, resource in found]
    served = api.served()

    def ask(value: dict[str, Any]) -> Answer:
        kind = served.get((str(value.get("apiVersion")), str(value.get("kind"))))
        if kind is None:
            return Answer(404, {"message": f"the server serves no {value.get('kind')} in {value.get('apiVersion')}"})
        own = value["metadata"].get("namespace")
        return apply(api, kind, own if isinstance(own, str) and own else namespace, value, dry_run=True)

    answers = parallel(ask, values, workers=4)
    verdicts = Validator(version).verdicts(values)
    return [
        Judged(
            str(resource.value.get("kind")),
            what,
            resource.value,
            () if answer.ok else tuple(objections(answer, resource.value)),
            verdict.problems,
            resource.verdict.problems if resource.verdict else (),
        )
        for (what, resource), answer, verdict in zip(found, answers, verdicts, strict=True)
    ]
