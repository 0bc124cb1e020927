"""Storage classes and volumes of a driver that nobody installs."""

from collections.abc import Iterator

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.view import Environment, text

# Drivers with the add-on of EKS that brings each; charts have the add-on's name too.
# https://docs.aws.amazon.com/eks/latest/userguide/workloads-add-ons-available-eks.html, read 2026-12-01
_ADDONS = {
    "ebs.csi.aws.com": "aws-ebs-csi-driver",
    "efs.csi.aws.com": "aws-efs-csi-driver",
    "fsx.csi.aws.com": "aws-fsx-csi-driver",
    "s3.csi.aws.com": "aws-mountpoint-s3-csi-driver",
}


@rule("storage/missing-driver", error, since="0.3.0")
def missing_driver(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Without its CSI driver no volume of a class is made or mounted, and pods that mount one stay Pending."""
    terraform = environment.terraform
    addons = {block.text("addon_name") for block in terraform.resources("aws_eks_addon")} if terraform else set()
    if not addons or "" in addons:
        return  # whoever made the cluster may have installed it
    charts = {source.chart for application in environment.applications for source in application.sources}
    brought = {manifest.name for manifest in environment.of_kind("CSIDriver", "storage.k8s.io")}
    for kind, group, holder, name in (
        ("StorageClass", "storage.k8s.io", (), "provisioner"),
        ("PersistentVolume", "", ("spec", "csi"), "driver"),
    ):
        for manifest in environment.of_kind(kind, group):
            driver, path = text(manifest.mapping(holder), name), (*holder, name)
            addon = _ADDONS.get(driver)
            if addon and addon not in addons | charts and driver not in brought and environment.is_ours(manifest):
                yield Finding(
                    at=manifest.at(path),
                    message=f"{manifest} is of the driver {driver}, and Terraform installs no add-on {addon}",
                    fix=f"add {addon} to the cluster's add-ons",
                )
