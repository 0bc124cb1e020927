"""The table of overlays: whole, and filtered by its script in a browser."""

from __future__ import annotations

import re
import shutil
import subprocess
from html import escape
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
TABLE = [
    [cell.strip().strip("`") for cell in line.strip("|").split("|")]
    for line in (PROJECT / "docs/choose.md").read_text().splitlines()
    if line.startswith("| ")
]
HEADS, ROWS = TABLE[0], [dict(zip(TABLE[0], row, strict=True)) for row in TABLE[2:]]


def test_the_table_has_every_overlay_once() -> None:
    overlays = sorted(path.parent.name for path in (PROJECT / "overlays").glob("*/overlay.yaml"))
    assert [row["overlay"] for row in ROWS] == overlays, "run make docs-choices"


def shown(tmp_path: Path, **filters: str) -> set[str]:
    """Return the overlays that a browser shows after filters are set, by their labels."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("Chromium is not on PATH")
    head = "".join(f"<th>{escape(each)}</th>" for each in HEADS)
    body = "".join("<tr>" + "".join(f"<td>{escape(row[each])}</td>" for each in HEADS) + "</tr>" for row in ROWS)
    setting = "".join(
        f"set({label!r}, {value!r});" for label, value in {k.replace("_", " "): v for k, v in filters.items()}.items()
    )
    page = tmp_path / "page.html"
    page.write_text(
        f"<!doctype html><meta charset='utf-8'><article><div id='choose' hidden></div><table><thead><tr>{head}</tr>"
        f"</thead><tbody>{body}</tbody></table></article>"
        f"<script>{(PROJECT / 'docs/javascripts/choose.js').read_text()}</script><script>"
        "function set(label, value) {"
        " const labels = [...document.querySelectorAll('#choose label')];"
        " const found = labels.find((each) => each.textContent.startsWith(label));"
        " const control = found.querySelector('input, select');"
        " control.value = value; control.dispatchEvent(new Event('input')); }"
        f"{setting}</script>"
    )
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", page.as_uri()]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    kept = set(re.findall(r"<tr><td>([^<]+)</td>", told))
    assert f"{len(kept)} of {len(ROWS)} overlays" in told
    return kept


def test_filters_keep_what_was_asked_for(tmp_path: Path) -> None:
    wanted = {
        row["overlay"]
        for row in ROWS
        if row["task"] == "generate"
        and "L4" in row["fits on"].split(", ")
        and int(row["longest request"].replace(",", "")) >= 16384
        and float(row["USD/month"].split(" to ")[0].replace(",", "")) <= 1000
    }
    assert 0 < len(wanted) < len(ROWS)
    filters = {"I need to": "generate", "on": "L4", "for at most": "1000", "with requests": "16384"}
    assert shown(tmp_path, **filters) == wanted


def test_without_filters_all_is_shown(tmp_path: Path) -> None:
    assert shown(tmp_path) == {row["overlay"] for row in ROWS}
