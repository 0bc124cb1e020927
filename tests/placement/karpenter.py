"""The real Karpenter, asked about clusters that are written down as JSON: the driver in `tools/placement-truth`."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from modelyard.catalog import InstanceType
from modelyard.findings import UserError
from modelyard.tooling import cache
from modelyard.tooling.processes import run
from modelyard.tooling.toolchain import BUILD_ENVIRONMENT, find_go

SOURCES = Path(__file__).parents[2] / "tools" / "placement-truth"
_BUILD_SECONDS = 3000.0


class NoDriver(Exception):
    """The driver cannot be built here; the message says why."""


def driver() -> Path:
    """Return the driver, built into the cache unless it is there.

    Raises:
        NoDriver: There is no Go, or the modules cannot be had.
    """
    digest = hashlib.sha256()
    for file in sorted(SOURCES.iterdir()):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    target = cache() / "placement-truth" / digest.hexdigest()[:16] / "placement-truth"
    if target.is_file():
        return target
    go = find_go()
    if go is None:
        raise NoDriver("Go is not installed, so Karpenter's scheduler cannot be built")
    target.parent.mkdir(parents=True, exist_ok=True)
    made = target.with_suffix(".new")
    nice = ["nice", "-n", "15"] if os.name == "posix" else []
    try:
        built = run(
            [*nice, str(go.path), "build", "-mod=readonly", "-trimpath", "-o", str(made), "."],
            cwd=SOURCES,
            timeout=_BUILD_SECONDS,
            env=BUILD_ENVIRONMENT,
        )
    except UserError as error:
        raise NoDriver(error.message) from None
    if built.returncode != 0:
        raise NoDriver("Karpenter's modules cannot be built: " + built.stderr.strip()[-300:])
    made.replace(target)
    return target


def ask(kinds: Iterable[InstanceType], region: str, cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return Karpenter's verdict on each case, in order."""
    lines = [json.dumps({"region": region, "types": [described(kind) for kind in kinds]})]
    lines += [json.dumps(case) for case in cases]
    completed = run([driver()], timeout=1800.0, stdin="\n".join(lines).encode())
    assert completed.returncode == 0, completed.stderr
    return [json.loads(line) for line in completed.stdout.splitlines()]


def described(kind: InstanceType) -> dict[str, Any]:
    """Return an instance type as EC2's DescribeInstanceTypes does, as far as Karpenter reads it."""
    cards = [{"NetworkCardIndex": 0, "MaximumNetworkInterfaces": kind.default_card_enis}]
    cards += [
        {"NetworkCardIndex": index, "MaximumNetworkInterfaces": max(kind.max_enis // kind.network_cards, 1)}
        for index in range(1, kind.network_cards)
    ]
    info: dict[str, Any] = {
        "InstanceType": kind.name,
        "SupportedUsageClasses": list(kind.usage_classes),
        "BareMetal": kind.bare_metal,
        "Hypervisor": kind.hypervisor,
        "ProcessorInfo": {
            "SupportedArchitectures": ["arm64" if kind.architecture == "arm64" else "x86_64"],
            "Manufacturer": kind.cpu_manufacturer,
            "SustainedClockSpeedInGhz": kind.sustained_clock_ghz,
        },
        "VCpuInfo": {"DefaultVCpus": kind.vcpus},
        "MemoryInfo": {"SizeInMiB": kind.memory_mib},
        "NetworkInfo": {
            "EncryptionInTransitSupported": kind.encryption_in_transit,
            "EnaSupport": "required",
            "DefaultNetworkCardIndex": 0,
            "Ipv4AddressesPerInterface": kind.ipv4_per_eni,
            "NetworkCards": cards,
        },
    }
    if kind.efa_interfaces:
        info["NetworkInfo"]["EfaInfo"] = {"MaximumEfaInterfaces": kind.efa_interfaces}
    if kind.ebs_max_mbps is not None:
        info["EbsInfo"] = {
            "EbsOptimizedSupport": "default",
            "EbsOptimizedInfo": {"MaximumBandwidthInMbps": kind.ebs_max_mbps},
        }
    if kind.instance_store is not None:
        store = kind.instance_store
        info["InstanceStorageInfo"] = {
            "TotalSizeInGB": store.gb,
            "NvmeSupport": "required" if store.nvme else "unsupported",
        }
    gpus = [
        {
            "Manufacturer": each.manufacturer,
            "Name": each.name,
            "Count": each.count,
            "MemoryInfo": {"SizeInMiB": each.memory_mib or 0},
        }
        for each in kind.accelerators
        if each.kind == "gpu"
    ]
    if gpus:
        info["GpuInfo"] = {"Gpus": gpus}
    neuron = [
        {"Name": each.name, "Count": each.count, "CoreInfo": {"Count": each.cores_per_device}}
        for each in kind.accelerators
        if each.kind == "neuron"
    ]
    if neuron:
        info["NeuronInfo"] = {"NeuronDevices": neuron}
    return info
