"""Ports of charts, held against what the charts render and which values they take."""

from __future__ import annotations

import re
from pathlib import Path

from modelyard.catalog import chart, chart_ports

INVENTORIES = Path(__file__).parents[1] / "chart_inventories"


def test_each_port_is_rendered_and_each_value_is_the_chart_s() -> None:
    assert chart_ports()
    for name, ports in chart_ports().items():
        (inventory,) = (path for path in INVENTORIES.glob("*.json") if re.fullmatch(rf"{name}-v?\d\S+", path.stem))
        known = chart(name, inventory.stem.removeprefix(f"{name}-"))
        assert known is not None
        for each in ports:
            assert re.search(rf"\b{each.port}\b", inventory.read_text()), f"{name} renders no port {each.port}"
            assert not each.value or known.key(tuple(each.value.split("."))), f"{name} takes no {each.value}"
