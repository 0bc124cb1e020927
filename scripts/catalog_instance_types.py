"""Rebuild the EC2 part of the catalogue from packages.

Reads three published packages and writes `src/modelyard/catalog/data/ec2/`:

- the wheel of moto: what DescribeInstanceTypes and DescribeInstanceTypeOfferings answer (shape, devices, zones);
- the Go module of Karpenter's AWS provider: on-demand prices of us-east-1 and the GovCloud and China regions,
  network bandwidth, branch network interfaces;
- the Go module ec2-instances-info: on-demand prices of every region on one day of 2025, used to infer regional
  prices that did not move since (see `regional_price`).

Usage: python scripts/catalog_instance_types.py [--check] [--moto-wheel FILE]
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

MOTO = "5.2.5"
KARPENTER = ("github.com/aws/karpenter-provider-aws", "v1.14.1")
PRICES_2025 = ("github.com/cristim/ec2-instances-info", "v0.0.0-20250528091325-32acf84f42eb")
TARGET = Path(__file__).resolve().parent.parent / "src" / "modelyard" / "catalog" / "data" / "ec2"
RESOURCES = "moto/ec2/resources/"
ARCHITECTURES = {"x86_64": "amd64", "arm64": "arm64"}


def module_directory(path: str, version: str) -> Path:
    """Return where the Go toolchain keeps a module, downloading it when it is not there."""
    with tempfile.TemporaryDirectory() as work:
        argv = ["go", "mod", "download", "-json", f"{path}@{version}"]
        done = subprocess.run(argv, cwd=work, check=True, capture_output=True, timeout=600)
    return Path(json.loads(done.stdout)["Dir"])


def moto_wheel(given: Path | None) -> Path:
    """Return moto's wheel, downloading it with pip when no file is given."""
    if given is not None:
        return given
    work = Path(tempfile.mkdtemp(prefix="moto-"))
    argv = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", f"moto=={MOTO}", "-d", str(work)]
    subprocess.run(argv, check=True, timeout=600)
    return next(work.glob("moto-*.whl"))


def resource(wheel: zipfile.ZipFile, name: str) -> Any:
    """Return one of moto's gzipped JSON resources."""
    return json.loads(gzip.decompress(wheel.read(RESOURCES + name)))


def go_prices(source: str) -> dict[str, dict[str, float]]:
    """Return region to type to hourly price from a generated pricing table of Karpenter."""
    regions: dict[str, dict[str, float]] = {}
    current: dict[str, float] = {}
    for line in source.splitlines():
        if opened := re.match(r'\t"([a-z0-9-]+)": \{$', line):
            current = regions.setdefault(opened[1], {})
        for name, price in re.findall(r'"([a-z0-9-]+\.[a-z0-9-]+)": ([0-9.]+)', line):
            current[name] = float(price)
    return regions


def go_bandwidth(source: str) -> dict[str, int]:
    """Return type to network bandwidth in Mbit/s from Karpenter's generated table."""
    return {name: int(value) for name, value in re.findall(r'^\t\t"([^"]+)":\s+(\d+),', source, re.M)}


def go_vpc_limits(source: str) -> dict[str, dict[str, Any]]:
    """Return type to VPC limits from Karpenter's generated table."""
    limits: dict[str, dict[str, Any]] = {}
    for name, body in re.findall(r'^\t"([^"]+)": \{\n(.*?)^\t\},', source, re.M | re.S):
        fields = dict(re.findall(r"^\t\t(\w+):\s+([^,{\[]+),$", body, re.M))
        limits[name] = {
            "ipv4": int(fields["IPv4PerInterface"]),
            "trunking": fields["IsTrunkingCompatible"] == "true",
            "branch": int(fields["BranchInterface"]),
        }
    return limits


def generated_on(source: str) -> str:
    """Return the date that a generated Go file carries."""
    found = re.search(r"generated at (\d{4}-\d{2}-\d{2})", source)
    return found[1] if found else "unknown"


def instance_type(raw: dict[str, Any], bandwidth: int | None, limits: dict[str, Any] | None) -> dict[str, Any]:
    """Return one row of the catalogue; absent keys stand for the defaults of `InstanceType`."""
    network, processor, ebs = raw["NetworkInfo"], raw["ProcessorInfo"], raw["EbsInfo"]
    default_card = network["DefaultNetworkCardIndex"]
    row: dict[str, Any] = {
        "name": raw["InstanceType"],
        "vcpus": raw["VCpuInfo"]["DefaultVCpus"],
        "cores": raw["VCpuInfo"].get("DefaultCores"),
        "memory_mib": raw["MemoryInfo"]["SizeInMiB"],
        "architecture": next(
            (ARCHITECTURES[name] for name in processor["SupportedArchitectures"] if name in ARCHITECTURES), None
        ),
        "cpu_manufacturer": processor.get("Manufacturer"),
        "sustained_clock_ghz": processor.get("SustainedClockSpeedInGhz"),
        "hypervisor": raw.get("Hypervisor"),
        "usage_classes": sorted(raw["SupportedUsageClasses"]),
        "max_enis": network["MaximumNetworkInterfaces"],
        "default_card_enis": network["NetworkCards"][default_card]["MaximumNetworkInterfaces"],
        "network_cards": network["MaximumNetworkCards"],
        "ipv4_per_eni": network["Ipv4AddressesPerInterface"],
        "network_performance": network["NetworkPerformance"],
        "network_mbps": bandwidth,
        "encryption_in_transit": network["EncryptionInTransitSupported"],
        "ebs_attachments": ebs.get("MaximumEbsAttachments"),
        "ebs_attachments_shared_with_enis": ebs.get("AttachmentLimitType") == "shared" or None,
    }
    if (optimised := ebs.get("EbsOptimizedInfo")) and ebs.get("EbsOptimizedSupport") == "default":
        row["ebs_max_mbps"] = optimised["MaximumBandwidthInMbps"]
        row["ebs_max_mbyte_per_s"] = optimised["MaximumThroughputInMBps"]
    row["bare_metal"] = raw["BareMetal"] or None
    row["burstable"] = raw["BurstablePerformanceSupported"] or None
    row["previous_generation"] = (not raw["CurrentGeneration"]) or None
    if efa := network.get("EfaInfo"):
        row["efa_interfaces"] = efa["MaximumEfaInterfaces"]
    if limits and limits["trunking"]:
        row["branch_enis"] = limits["branch"]
    if store := raw.get("InstanceStorageInfo"):
        row["instance_store"] = {
            "gb": store["TotalSizeInGB"],
            "disks": [[disk["Count"], disk["SizeInGB"], disk["Type"]] for disk in store["Disks"]],
            "nvme": store.get("NvmeSupport", "unsupported") != "unsupported",
        }
    if devices := list(accelerators(raw)):
        row["accelerators"] = devices
    return {key: value for key, value in row.items() if value is not None}


def accelerators(raw: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the GPUs, Neuron devices and other accelerators of a type."""
    for gpu in raw.get("GpuInfo", {}).get("Gpus", []):
        yield {
            "kind": "gpu",
            "manufacturer": gpu["Manufacturer"],
            "name": gpu["Name"],
            "count": gpu["Count"],
            "logical_count": gpu.get("LogicalGpuCount", gpu["Count"]),
            "partition": gpu.get("GpuPartitionSize", 1.0),
            "memory_mib": gpu.get("MemoryInfo", {}).get("SizeInMiB"),
        }
    for device in raw.get("NeuronInfo", {}).get("NeuronDevices", []):
        yield {
            "kind": "neuron",
            "manufacturer": "AWS",
            "name": device["Name"],
            "count": device["Count"],
            "logical_count": device["Count"],
            "partition": 1.0,
            "memory_mib": device["MemoryInfo"]["SizeInMiB"],
            "cores_per_device": device["CoreInfo"]["Count"],
            "core_version": device["CoreInfo"]["Version"],
        }
    if "NeuronInfo" not in raw:
        others = raw.get("InferenceAcceleratorInfo", {}).get("Accelerators", [])
        for kind, listed in (("inference", others), ("fpga", raw.get("FpgaInfo", {}).get("Fpgas", []))):
            for device in listed:
                yield {
                    "kind": kind,
                    "manufacturer": device["Manufacturer"],
                    "name": device["Name"],
                    "count": device["Count"],
                    "logical_count": device["Count"],
                    "partition": 1.0,
                    "memory_mib": device.get("MemoryInfo", {}).get("SizeInMiB"),
                }


def regional_price(
    now: float | None, base_2025: float | None, region_2025: float | None, always_equal: bool
) -> float | None:
    """Infer a region's price today from us-east-1 today and both prices of 2025; None where nothing follows.

    A region that asked the us-east-1 price in 2025 is taken to ask it still; a region that asked another price is
    taken to ask it still when us-east-1 has not moved. For types that are newer than 2025, a region in which every
    type cost as much as in us-east-1 (`always_equal`; us-west-2, 904 of 904) is taken to go on so. Everything else is
    unknown.
    """
    if now is None:
        return None
    if base_2025 is None or region_2025 is None:
        return now if always_equal else None
    if abs(base_2025 - region_2025) < 1e-6:
        return now
    return region_2025 if abs(now - base_2025) < 1e-6 else None


def asks_the_same(region: str, older: dict[str, dict[str, float]]) -> bool:
    """Tell whether every type of 2025 cost as much in the region as in us-east-1, over at least 100 types."""
    both = [(row[region], row["us-east-1"]) for row in older.values() if region in row and "us-east-1" in row]
    return len(both) >= 100 and all(abs(here - there) < 1e-6 for here, there in both)


def readings() -> dict[str, dict[str, float]]:
    """Return region to type to the prices that were read by hand."""
    listed = yaml.safe_load((TARGET / "readings.yaml").read_text(encoding="utf-8"))["readings"]
    return {reading["region"]: reading["usd-per-hour"] for reading in listed}


def prices_2025(directory: Path) -> dict[str, dict[str, float]]:
    """Return type to region to Linux on-demand price as read on 2025-05-28."""
    rows = json.loads((directory / "data" / "instances.json").read_text(encoding="utf-8"))
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        prices = found.setdefault(row["instance_type"], {})
        for region, systems in row["pricing"].items():
            price = systems.get("linux", {}).get("ondemand") if isinstance(systems, dict) else None
            if price and float(price) > 0:
                prices[region] = float(price)
    return found


def regions(
    wheel: zipfile.ZipFile, published: dict[str, dict[str, float]], older: dict[str, dict[str, float]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each region's zones, the types offered in them, and their prices."""
    folder = f"{RESOURCES}instance_type_offerings/availability-zone-id/"
    read = readings()
    base = read["us-east-1"] | published["us-east-1"]
    for member in sorted(name for name in wheel.namelist() if name.startswith(folder)):
        region = member.removeprefix(folder).removesuffix(".json.gz")
        offered: dict[str, set[str]] = {}
        for row in json.loads(gzip.decompress(wheel.read(member))):
            offered.setdefault(row["InstanceType"], set()).add(row["Location"])
        zones = sorted({zone for listed in offered.values() for zone in listed})
        same = asks_the_same(region, older)
        rows = []
        for name in sorted(offered):
            where = [zones.index(zone) for zone in sorted(offered[name])]
            then = older.get(name, {})
            if name in published.get(region, {}):
                rows.append([name, where, published[region][name], "published"])
            elif name in read.get(region, {}):
                rows.append([name, where, read[region][name], "read"])
            else:
                price = regional_price(base.get(name), then.get("us-east-1"), then.get(region), same)
                rows.append([name, where, None if region in published else price, "inferred"])
        yield region, {"zones": zones, "rows": [row if row[2] is not None else row[:2] for row in rows]}


def build(wheel_file: Path) -> dict[str, str]:
    """Return the text of every generated file by its path under the target folder."""
    provider = module_directory(*KARPENTER)
    tables = {
        name: (provider / "pkg" / "providers" / path).read_text(encoding="utf-8")
        for name, path in {
            "prices": "pricing/zz_generated.pricing_aws.go",
            "gov": "pricing/zz_generated.pricing_aws_us_gov.go",
            "china": "pricing/zz_generated.pricing_aws_cn.go",
            "bandwidth": "instancetype/zz_generated.bandwidth.go",
            "limits": "instancetype/zz_generated.vpclimits.go",
        }.items()
    }
    # China is priced in yuan, so its table does not belong among dollars.
    published = go_prices(tables["prices"]) | go_prices(tables["gov"])
    bandwidth, limits = go_bandwidth(tables["bandwidth"]), go_vpc_limits(tables["limits"])
    older = prices_2025(module_directory(*PRICES_2025))
    named = {*bandwidth, *limits, *older, *(name for prices in published.values() for name in prices)}
    files: dict[str, str] = {}
    with zipfile.ZipFile(wheel_file) as wheel:
        raw = resource(wheel, "instance_types.json.gz")
        rows = [instance_type(raw[name], bandwidth.get(name), limits.get(name)) for name in sorted(raw)]
        files["instance-types.jsonl"] = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
        files["undescribed.json"] = json.dumps(sorted(named - raw.keys()), indent=0) + "\n"
        for region, value in regions(wheel, published, older):
            lines = ",\n".join("  " + json.dumps(row, separators=(",", ":")) for row in value["rows"])
            zones = json.dumps(value["zones"])
            files[f"regions/{region}.json"] = f'{{"region": "{region}", "zones": {zones}, "types": [\n{lines}\n]}}\n'
    sources = {
        "instance types": f"moto {MOTO} (wheel), moto/ec2/resources/instance_types.json.gz",
        "offerings": f"moto {MOTO} (wheel), moto/ec2/resources/instance_type_offerings/availability-zone-id",
        "published prices": f"{KARPENTER[0]} {KARPENTER[1]} pkg/providers/pricing, "
        f"generated {generated_on(tables['prices'])}",
        "published prices date": generated_on(tables["prices"]),
        "read prices": "read by hand in the tables that readings.yaml names",
        "inferred prices": f"{PRICES_2025[0]} {PRICES_2025[1]} data/instances.json of 2025-05-28 against the published "
        "us-east-1 price: taken over where the region asked the same then, or where us-east-1 has not moved "
        "since; us-west-2 asked the us-east-1 price for all 904 types compared and is taken to do so for newer types",
        "undescribed": "types in the tables of prices, bandwidth and limits that moto does not describe: EC2 has or "
        "had them, and their shape is not known",
        "network bandwidth": f"{KARPENTER[0]} {KARPENTER[1]} pkg/providers/instancetype/zz_generated.bandwidth.go",
        "branch network interfaces": f"{KARPENTER[0]} {KARPENTER[1]} "
        f"pkg/providers/instancetype/zz_generated.vpclimits.go, generated {generated_on(tables['limits'])}",
    }
    files["sources.json"] = json.dumps(sources, indent=2) + "\n"
    return files


def main() -> int:
    """Write the files, or with `--check` tell which ones are not current; 2 when a package cannot be had."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is not current")
    parser.add_argument("--moto-wheel", type=Path, help="moto's wheel, when it is at hand")
    options = parser.parse_args()
    try:
        files = build(moto_wheel(options.moto_wheel))
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired, FileNotFoundError) as cause:
        print(f"a package could not be had: {cause}", file=sys.stderr)
        return 2
    stale = [
        name
        for name, text in files.items()
        if not (TARGET / name).is_file() or (TARGET / name).read_text(encoding="utf-8") != text
    ]
    if options.check:
        for name in stale:
            print(f"not current: {TARGET / name}; run python scripts/catalog_instance_types.py")
        return 1 if stale else 0
    for name in stale:
        (TARGET / name).parent.mkdir(parents=True, exist_ok=True)
        (TARGET / name).write_text(files[name], encoding="utf-8")
    print(f"{len(files)} files, {len(stale)} written")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
