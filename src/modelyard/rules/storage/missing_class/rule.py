"""Claims of a storage class that nobody defines."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.graph import ObjectRef, graph
from modelyard.rules import rule
from modelyard.rules.remedies import bring_component
from modelyard.rules.wording import nearest, one_of
from modelyard.view import CLASS_OF_EKS, Environment

# Charts that may bring storage classes; others have no reason to.
_BRING_CLASSES = ("aws-ebs-csi-driver", "aws-efs-csi-driver", "aws-fsx-csi-driver", "openebs", "rook-ceph-cluster")


@rule("storage/missing-class", error, since="0.1.0", absence="cluster")
def missing_class(environment: Environment) -> Iterator[Finding | NotChecked]:
    """A claim whose StorageClass does not exist is never bound, and the pods that mount it stay Pending."""
    known = {manifest.name for manifest in environment.of_kind("StorageClass", "storage.k8s.io")}
    charts = {source.chart for application in environment.applications for source in application.sources}
    bringing = next(iter(sorted(charts.intersection(_BRING_CLASSES))), "")
    bringing = bringing and f"chart {bringing}"
    for edge in graph(environment).of("is of"):
        name, source = edge.wanted.name, edge.source
        if edge.wanted.kind != "StorageClass" or edge.targets or source.at is None:
            continue
        named = isinstance(edge.reference.wanted, ObjectRef)
        maker = "whoever created the cluster" if not named else "EKS" if name == CLASS_OF_EKS else bringing
        if maker:
            yield NotChecked(source.node, f"{maker} may have created its storage class ({name})")
            continue
        yield Finding(
            at=source.at,
            message=f"{source.node} uses the storage class {name}, which does not exist in this environment",
            fix=f"name {nearest(name, known) or one_of(known)}"
            if known
            else f"gp3 comes with storage: {bring_component(environment, 'storage')}",
        )
