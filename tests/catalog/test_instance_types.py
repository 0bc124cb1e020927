"""EC2 instance types, regions and prices."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from modelyard import catalog

ROOT = Path(__file__).resolve().parents[2]


def test_a_gpu_type_has_what_ec2_and_karpenter_say() -> None:
    found = catalog.instance_type("p5.48xlarge")
    assert found is not None
    assert (found.vcpus, found.memory_mib, found.architecture) == (192, 2_097_152, "amd64")
    assert (found.efa_interfaces, found.network_cards, found.default_card_enis, found.ipv4_per_eni) == (32, 32, 2, 50)
    assert found.accelerator == catalog.Accelerator("gpu", "NVIDIA", "H100", 8, 8, 1.0, 81920)
    assert found.instance_store == catalog.InstanceStore(30400, ((8, 3800, "ssd"),), nvme=True)
    assert (found.family, found.size) == ("p5", "48xlarge")


def test_a_share_of_a_device_counts_no_whole_device_and_one_logical_one() -> None:
    found = catalog.instance_type("g6f.large")
    assert found is not None and found.accelerator is not None
    assert (found.accelerator.count, found.accelerator.logical_count, found.accelerator.partition) == (0, 1, 0.125)


def test_a_neuron_type_has_devices_and_cores() -> None:
    found = catalog.instance_type("trn1.32xlarge")
    assert found is not None and found.accelerator is not None
    assert (found.accelerator.kind, found.accelerator.count, found.accelerator.cores_per_device) == ("neuron", 16, 2)


def test_every_type_can_take_pods_and_has_a_known_architecture_or_none() -> None:
    types = catalog.instance_types()
    assert len(types) > 1300
    for found in types.values():
        assert found.vcpus > 0 and found.memory_mib > 0 and found.default_card_enis > 0, found.name
        assert found.architecture in ("amd64", "arm64", None), found.name
        assert found.default_card_enis <= found.max_enis, found.name


def test_every_accelerator_of_the_gpu_and_neuron_families_has_a_device() -> None:
    expected = {"g4dn", "g5", "g5g", "g6", "g6e", "g6f", "g7", "g7e", "gr6", "p4d", "p4de", "p5", "p5e", "p5en", "inf2"}
    expected |= {"p6-b200", "p6-b300", "trn1", "trn1n", "trn2", "inf1"}
    seen = set()
    for found in catalog.instance_types().values():
        device = found.accelerator
        if found.family in expected and device is not None:
            seen.add(found.family)
            assert catalog.device(device.name, device.memory_mib) is not None, found.name
    assert seen == expected


def test_prices_tell_how_they_are_known_and_none_is_zero() -> None:
    statuses = set()
    for name in catalog.regions():
        region = catalog.region(name)
        assert region is not None
        for offer in region.offers.values():
            statuses.add(offer.price.status)
            if offer.price.status is catalog.PriceStatus.UNKNOWN:
                assert offer.price.usd_per_hour is None, (name, offer.name)
            else:
                assert offer.price.usd_per_hour is not None and offer.price.usd_per_hour > 0, (name, offer.name)
            assert offer.price.source and offer.price.date
    assert statuses == set(catalog.PriceStatus)


@pytest.mark.parametrize(
    ("region", "name", "usd", "status"),
    [
        ("us-east-1", "m5.large", 0.096, "published"),
        ("us-west-2", "m5.large", 0.096, "inferred"),
        ("eu-west-1", "m5.large", 0.107, "inferred"),
        ("us-west-2", "p5.48xlarge", 55.04, "inferred"),
        ("us-east-1", "g7.2xlarge", 2.52, "read"),
        ("us-west-2", "p5e.48xlarge", None, "unknown"),
    ],
)
def test_price(region: str, name: str, usd: float | None, status: str) -> None:
    found = catalog.region(region)
    assert found is not None
    assert (found.offers[name].price.usd_per_hour, found.offers[name].price.status) == (usd, status)


def test_an_offer_names_zone_ids_of_its_region() -> None:
    region = catalog.region("us-west-2")
    assert region is not None
    assert region.zone_ids == ("usw2-az1", "usw2-az2", "usw2-az3", "usw2-az4")
    assert all(set(offer.zone_ids) <= set(region.zone_ids) for offer in region.offers.values())
    assert "trn2.48xlarge" not in region.offers


def test_what_is_not_in_the_data_is_none() -> None:
    assert catalog.instance_type("p99.metal") is None
    assert catalog.region("mars-north-1") is None


@pytest.mark.slow
@pytest.mark.parametrize("script", ["catalog_instance_types.py", "catalog_vllm.py"])
def test_generated_data_are_current(script: str) -> None:
    """Says which script to run when a data file is not what its packages give."""
    argv = [sys.executable, f"scripts/{script}", "--check"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode == 2:
        pytest.skip(f"{script}: {done.stderr.strip()}")
    assert done.returncode == 0, done.stdout + done.stderr
