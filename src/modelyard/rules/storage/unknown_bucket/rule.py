"""Buckets that Terraform does not make."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.graph import State, graph
from modelyard.rules import rule
from modelyard.rules.wording import nearest, one_of
from modelyard.view import Environment, Manifest


@rule("storage/unknown-bucket", error, since="0.1.0")
def unknown_bucket(environment: Environment) -> Iterator[Finding | NotChecked]:
    """The pods' role cannot read another bucket than the environment's, so weights are not loaded."""
    known = graph(environment).index.names("aws_s3_bucket")
    cluster = str(environment.facts.get("cluster") or "")
    if not known:
        return
    for edge in graph(environment).of("reads", State.DANGLING):
        manifest, name = edge.source.holder, edge.wanted.name
        if (
            edge.wanted.kind != "aws_s3_bucket"
            or not isinstance(manifest, Manifest)
            or not environment.is_ours(manifest)
        ):
            continue
        if (cluster and name.startswith(f"{cluster}-")) or nearest(name, known):
            yield Finding(
                at=manifest.at(edge.source.path),
                message=f"{manifest} uses the bucket {name}, which Terraform does not create",
                fix=f"name {nearest(name, known) or one_of(known)}",
            )
