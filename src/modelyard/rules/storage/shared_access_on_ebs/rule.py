"""Claims for a disk that many nodes should mount."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, Manifest

EBS = ("ebs.csi.aws.com", "ebs.csi.eks.amazonaws.com", "kubernetes.io/aws-ebs")
_SHARED = ("ReadWriteMany", "ReadOnlyMany")


@rule("storage/shared-access-on-ebs", error, since="0.1.0")
def shared_access_on_ebs(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Only one node can mount an EBS file system; a claim for shared access is never bound."""
    classes = {manifest.name: manifest for manifest in environment.of_kind("StorageClass", "storage.k8s.io")}
    for manifest in environment.of_kind("PersistentVolumeClaim", ""):
        modes = manifest.get("spec.accessModes")
        for index, mode in enumerate(modes if isinstance(modes, list) else ()):
            if mode not in _SHARED or manifest.get("spec.volumeMode") == "Block":
                continue
            name = manifest.get("spec.storageClassName")
            storage = classes.get(str(name)) if name else None
            if storage is None and name:
                yield NotChecked(manifest, f"the storage class {name} is not in this environment")
            elif storage is not None and _is_ebs(storage):
                yield Finding(
                    at=manifest.at(("spec", "accessModes", index)),
                    message=f"{manifest} requests {mode} from storage class {name}, which creates EBS volumes",
                    fix="use ReadWriteOnce, or a storage class of EFS, FSx or S3",
                )


def _is_ebs(storage: Manifest) -> bool:
    return storage.get("provisioner") in EBS
