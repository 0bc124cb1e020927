"""EC2 instance types: what DescribeInstanceTypes says, and what Karpenter's provider adds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from modelyard.catalog.loading import DATA, Decoded, read_json


@dataclass(frozen=True, slots=True)
class Accelerator:
    """The GPUs or other accelerators of an instance type.

    Attributes:
        kind: `gpu`, `neuron`, `inference` or `fpga`.
        manufacturer: As EC2 writes it, such as `NVIDIA`.
        name: As EC2 writes it, such as `H100`; the key of `catalog.device` together with the memory.
        count: Whole devices; 0 for a type that has a share of one device.
        logical_count: Devices that the operating system sees; this is what pods are scheduled on.
        partition: Share of a physical device that one logical device has, 1.0 for whole ones.
        memory_mib: Nominal memory of each logical device in MiB as EC2 reports it; wrong for Trainium2.
        cores_per_device: NeuronCores of a device; None for other kinds.
        core_version: NeuronCore version; None for other kinds.
    """

    kind: str
    manufacturer: str
    name: str
    count: int
    logical_count: int
    partition: float
    memory_mib: int | None
    cores_per_device: int | None = None
    core_version: int | None = None


@dataclass(frozen=True, slots=True)
class InstanceStore:
    """Local disks of an instance type.

    Attributes:
        gb: Total size in GB (10^9 bytes).
        disks: Count, size in GB and type of each kind of disk.
        nvme: Whether the disks are NVMe; only then Karpenter counts them as local NVMe.
    """

    gb: int
    disks: tuple[tuple[int, int, str], ...]
    nvme: bool


@dataclass(frozen=True, slots=True)
class InstanceType:
    """One EC2 instance type. Prices and zones are in `catalog.region`.

    Attributes:
        name: Such as `g6e.12xlarge`.
        vcpus: Default vCPUs.
        memory_mib: Nominal memory in MiB.
        usage_classes: `on-demand`, `spot`, `capacity-block`.
        max_enis: Network interfaces of all cards together.
        default_card_enis: Network interfaces of the default card; pods get addresses from these only.
        ipv4_per_eni: IPv4 addresses of one interface, its own included.
        architecture: `amd64` or `arm64`; None for what Kubernetes has no name for.
        cores: Physical cores.
        cpu_manufacturer: Such as `Intel`.
        sustained_clock_ghz: None where EC2 does not say.
        hypervisor: `nitro` or `xen`; empty for bare metal.
        network_cards: Number of network cards.
        network_performance: EC2's words.
        network_mbps: Karpenter's figure in Mbit/s; None where its table has none.
        encryption_in_transit: Whether traffic between instances is encrypted by the hardware.
        ebs_attachments: EBS volumes that fit.
        ebs_attachments_shared_with_enis: Whether network interfaces and volumes share that number.
        ebs_max_mbps: Peak EBS bandwidth in Mbit/s; None where the type is not EBS-optimised by default.
        ebs_max_mbyte_per_s: Peak EBS throughput in MB/s.
        bare_metal: Whether it is a bare-metal type.
        burstable: Whether it runs on CPU credits.
        previous_generation: Whether EC2 calls it so.
        efa_interfaces: EFA interfaces; 0 where EFA is not supported.
        branch_enis: Branch network interfaces for security groups of pods; 0 without trunking.
        instance_store: Local disks, if any.
        accelerators: GPUs and other accelerators; empty for most types.
    """

    name: str
    vcpus: int
    memory_mib: int
    usage_classes: tuple[str, ...]
    max_enis: int
    default_card_enis: int
    ipv4_per_eni: int
    architecture: str | None = None
    cores: int | None = None
    cpu_manufacturer: str = ""
    sustained_clock_ghz: float | None = None
    hypervisor: str = ""
    network_cards: int = 1
    network_performance: str = ""
    network_mbps: int | None = None
    encryption_in_transit: bool = False
    ebs_attachments: int | None = None
    ebs_attachments_shared_with_enis: bool = False
    ebs_max_mbps: int | None = None
    ebs_max_mbyte_per_s: float | None = None
    bare_metal: bool = False
    burstable: bool = False
    previous_generation: bool = False
    efa_interfaces: int = 0
    branch_enis: int = 0
    instance_store: InstanceStore | None = None
    accelerators: tuple[Accelerator, ...] = ()

    @property
    def family(self) -> str:
        """The part before the dot, such as `g6e`."""
        return self.name.partition(".")[0]

    @property
    def size(self) -> str:
        """The part after the dot, such as `12xlarge`."""
        return self.name.partition(".")[2]

    @property
    def accelerator(self) -> Accelerator | None:
        """The first kind of accelerator; no EC2 type has two."""
        return self.accelerators[0] if self.accelerators else None


_NAME = b'{"name":"'


def _instance_type(line: bytes) -> InstanceType:
    import orjson

    row = orjson.loads(line)
    row["usage_classes"] = tuple(row["usage_classes"])
    if store := row.get("instance_store"):
        disks = tuple((count, gb, kind) for count, gb, kind in store["disks"])
        row["instance_store"] = InstanceStore(store["gb"], disks, store["nvme"])
    if devices := row.get("accelerators"):
        row["accelerators"] = tuple(Accelerator(**device) for device in devices)
    return InstanceType(**row)


@cache
def instance_types() -> Mapping[str, InstanceType]:
    """Return every EC2 instance type in the data by its name."""
    lines = (DATA / "ec2" / "instance-types.jsonl").read_bytes().splitlines()
    return Decoded({line[len(_NAME) : line.index(b'"', len(_NAME))].decode(): line for line in lines}, _instance_type)


@cache
def undescribed_types() -> frozenset[str]:
    """Return the types that EC2 has or had by lists of names, and whose shape is not in the data."""
    return frozenset(read_json("ec2", "undescribed.json"))


def instance_type(name: str) -> InstanceType | None:
    """Return one EC2 instance type, or None when the data do not have it."""
    return instance_types().get(name)
