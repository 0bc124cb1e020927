"""Volumes of EBS that EC2 does not make, and parameters that the drivers of EBS and EFS do not take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modelyard.findings import Finding, NotChecked, error
from modelyard.rules import rule
from modelyard.rules.wording import did_you_mean, either
from modelyard.view import Environment, Manifest, mapping, numbered, quantity, text

_GIB = 1024**3
_EBS = ("ebs.csi.aws.com", "ebs.csi.eks.amazonaws.com")
_EFS = "efs.csi.aws.com"
# pkg/driver/controller.go and docs/parameters.md of kubernetes-sigs/aws-efs-csi-driver (read 2026-12-01): the driver
# refuses a claim of any other mode.
_ACCESS_POINTS = "efs-ap"


@dataclass(frozen=True, slots=True)
class _Volume:
    """What a type of volume can be: GiB, operations per second and for each GiB, MiB/s; 0 for what it does not take."""

    smallest: int
    largest: int
    iops: tuple[int, int] = (0, 0)
    iops_per_gib: int = 0
    throughput: tuple[int, int] = (0, 0)


# https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html; gp3 since 2025-09-26
_TYPES = {
    "gp3": _Volume(1, 65536, (3000, 80000), 500, (125, 2000)),
    "gp2": _Volume(1, 16384),
    "io1": _Volume(4, 16384, (100, 64000), 50),
    "io2": _Volume(4, 65536, (100, 256000), 1000),
    "st1": _Volume(125, 16384),
    "sc1": _Volume(125, 16384),
    "standard": _Volume(1, 1024),
}
_MIB_PER_OPERATION = 0.25
_PROVISIONED = ("io1", "io2")
# pkg/driver/constants.go and controller.go of kubernetes-sigs/aws-ebs-csi-driver@429e202e: in any case of letters; the
# driver refuses others. Those of the external provisioner, csi.storage.k8s.io/…, do not reach it.
_PARAMETERS = frozenset({
    "type", "iopsPerGB", "allowAutoIOPSPerGBIncrease", "iops", "throughput", "encrypted", "blockExpress",
    "kmsKeyId", "blockSize", "inodeSize", "bytesPerInode", "numberOfInodes", "ext4BigAlloc", "ext4ClusterSize",
    "ext4EncryptionSupport", "fsType", "csi.storage.k8s.io/fstype", "volumeInitializationRate",
    "allowAutoIOPSIncreaseOnModify", "blockAttachUntilInitialized",
})  # fmt: skip


_KNOWN = frozenset(each.lower() for each in _PARAMETERS)
_OTHERS = ("tagSpecification", "csi.storage.k8s.io/")
_WHOLE = frozenset({"iops", "iopspergb", "throughput", "volumeinitializationrate"})


@rule("storage/refused-volume", error, since="0.3.0")
def refused_volume(environment: Environment) -> Iterator[Finding | NotChecked]:
    """Disks beyond the bounds of their type, and parameters a driver refuses: no node starts, no claim is bound."""
    for manifest in environment.of_kind("EC2NodeClass", "karpenter.k8s.aws"):
        for index, each in numbered(manifest.value, "spec", "blockDeviceMappings"):
            path = ("spec", "blockDeviceMappings", index, "ebs")
            disk = mapping(each, "ebs")
            size = quantity(disk.get("volumeSize"))
            # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EbsBlockDevice.html: required for io1 and io2
            if text(disk, "volumeType") in _PROVISIONED and disk.get("iops") is None:
                yield Finding(
                    at=manifest.at((*path, "volumeType")),
                    message=f"{manifest} has a volume of type {text(disk, 'volumeType')} without iops",
                    fix="set iops, or use gp3",
                )
            for field, message, fix in _faults(
                text(disk, "volumeType") or "gp2",
                {key: disk.get(key) for key in ("volumeSize", "iops", "throughput")},
                float(size) / _GIB if size is not None else None,
            ):
                at = manifest.at((*path, field if field in disk else "volumeType"))
                yield Finding(at=at, message=f"{manifest} has {message}", fix=fix)
    for manifest in environment.of_kind("StorageClass", "storage.k8s.io"):
        if manifest.get("provisioner") in _EBS:
            yield from _of_class(manifest)
        elif manifest.get("provisioner") == _EFS:
            yield from _of_file_system(manifest)


def _of_file_system(manifest: Manifest) -> Iterator[Finding]:
    parameters = manifest.mapping("parameters")
    mode = parameters.get("provisioningMode")
    if mode != _ACCESS_POINTS:
        yield Finding(
            at=manifest.at(("parameters", "provisioningMode") if mode is not None else "provisioner"),
            message=f"{manifest} has provisioningMode {mode}, and the EFS driver provisions {_ACCESS_POINTS} alone"
            if mode is not None
            else f"{manifest} has no provisioningMode, without which the EFS driver makes no volume",
            fix=f"write provisioningMode: {_ACCESS_POINTS}",
        )
    first, last = (_number(parameters.get(name)) for name in ("gidRangeStart", "gidRangeEnd"))
    if first is not None and last is not None and first >= last:
        yield Finding(
            at=manifest.at(("parameters", "gidRangeEnd")),
            message=f"{manifest} has gidRangeStart {first:.0f} and gidRangeEnd {last:.0f}, a range of no group",
            fix="write an end beyond the start",
        )


def _of_class(manifest: Manifest) -> Iterator[Finding]:
    parameters = manifest.mapping("parameters")
    for name in parameters:
        if str(name).lower() not in _KNOWN and not str(name).startswith(_OTHERS):
            yield Finding(
                at=manifest.at(("parameters", name), key=True),
                message=f"{manifest} sets {name}, which the EBS driver does not take",
                fix=did_you_mean(str(name), _PARAMETERS) or "remove it",
            )
    for name, value in parameters.items():
        if str(name).lower() in _WHOLE and not str(value).isdigit():
            yield Finding(
                at=manifest.at(("parameters", name)),
                message=f"{manifest} sets {name} to {value}, where the EBS driver reads a whole number",
                fix="write the number without a unit",
            )
    kind = text(parameters, "type") or "gp3"
    if kind not in _TYPES:
        return
    if "iops" in parameters and "iopsPerGB" in parameters:
        yield Finding(
            at=manifest.at(("parameters", "iopsPerGB")),
            message=f"{manifest} sets both iops and iopsPerGB, of which the EBS driver takes one",
            fix="remove one of them",
        )
    for field, message, fix in _faults(kind, parameters, None):
        at = manifest.at(("parameters", field if field in parameters else "type"))
        yield Finding(at=at, message=f"{manifest} makes volumes with {message}", fix=fix)


def _faults(kind: str, disk: Mapping[str, Any], gib: float | None) -> Iterator[tuple[str, str, str]]:
    """Yield the field, what it says beyond the bounds of its type, and what to do."""
    volume = _TYPES.get(kind)
    if volume is None:
        return  # the definition names the types
    if gib is not None and not volume.smallest <= gib <= volume.largest:
        bounds = f"{volume.smallest:,} to {volume.largest:,} GiB"
        yield "volumeSize", f"a volume of {gib:,.0f} GiB, and {kind} has {bounds}", f"write {bounds}"
    iops, throughput = _number(disk.get("iops")), _number(disk.get("throughput"))
    for field, value, (low, high) in (("iops", iops, volume.iops), ("throughput", throughput, volume.throughput)):
        if value is None:
            continue
        if not high:
            with_it = [name for name, each in _TYPES.items() if (each.iops if field == "iops" else each.throughput)[1]]
            yield field, f"{field} {value:,.0f}, which {kind} does not take", f"remove it, or choose {either(with_it)}"
        elif not low <= value <= high:
            yield field, f"{field} {value:,.0f}, and {kind} takes {low:,} to {high:,}", f"write {low} to {high}"
        elif field == "iops" and gib is not None and value > max(gib * volume.iops_per_gib, low):
            most = int(gib * volume.iops_per_gib)
            yield field, f"{value:,.0f} iops on {gib:,.0f} GiB, where {kind} takes {most:,}", f"write {most} at most"
        elif field == "throughput" and value > _MIB_PER_OPERATION * (iops or volume.iops[0]):
            needed = int(value / _MIB_PER_OPERATION)
            yield field, f"{value:,.0f} MiB/s, which needs {needed:,} iops", f"set iops to {needed}"


def _number(value: Any) -> float | None:
    try:
        return float(value) if value is not None and not isinstance(value, bool) else None
    except (TypeError, ValueError):
        return None
