"""The page: complete, the same each time, and nothing that a repository holds is run by it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from modelyard.checking import CheckOptions, check_with_views
from modelyard.htmlreport import document, load_test_document, page_content
from modelyard.htmlreport.document import SCRIPTS
from modelyard.htmlreport.libraries import libraries
from modelyard.htmlreport.loadtest import SCRIPT
from modelyard.loadtests import client_result, merged
from modelyard.reporting import Presentation
from modelyard.rules import rules
from tests.repositories.copies import Copies

ASSETS = Path(__file__).parents[2] / "src/modelyard/htmlreport/assets"
RUNS = """\
model: Qwen/Qwen3-1.7B
runs:
  - {device: L4, ranks: 1, precision: bf16, version: 0.33.1, prompt: 1000, output: 200, reuse: 0.0, requests: 2.0,
     rate: 0.6, ttft-ms: 120.0, itl-ms: 15.0, day: "2026-11-12", file: a.json, tool: vllm bench serve}
"""
HOSTILE = "</script><script>alert(1)</script><!-- <script> \u202e \x1b[31m &amp; ' \" {{data}} %"

_MARKUP = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function")


class Blocks(HTMLParser):
    """The scripts and styles of a page, as a browser takes it apart."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.styles: list[str] = []
        self.tags: list[str] = []
        self.policy = ""
        self._open: tuple[str, dict[str, str | None]] | None = None
        self._text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append(tag)
        if tag in ("script", "style"):
            self._open, self._text = (tag, attributes), ""
        if attributes.get("http-equiv") == "Content-Security-Policy":
            self.policy = attributes["content"] or ""

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if self._open is not None and tag == self._open[0]:
            if tag == "script":
                self.scripts.append((self._open[1], self._text))
            else:
                self.styles.append(self._text)
            self._open = None


@pytest.fixture(scope="module")
def content(bases: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the content of a repository with one mistake in an overlay."""
    copies = Copies(bases, tmp_path_factory.mktemp("report"))
    objectives = "ttft: 2s\nitl: 1ms\nrate: 0.5\nprompt: 1000\noutput: 200\n"
    edit = {
        "edit": {"overlays/qwen3-1-7b-vllm-gpu/vllm.yaml": {"tensor-parallel-size": 3}},
        "write": {
            "environments/dev/models/chat/objectives.yaml": objectives,
            "measurements/Qwen--Qwen3-1.7B.load.yaml": RUNS,
        },
    }
    with copies.changed("one-model", edit) as root:
        checked = check_with_views(root, CheckOptions(policies=False))
        return page_content(checked, Presentation(rules=rules()), "my-platform")


def test_everything_that_was_worked_out_is_there(content: dict[str, Any]) -> None:
    (environment,) = content["environments"]
    assert content["verdict"]["fails"] is True
    assert {each["rule"] for each in content["findings"]} >= {"fit/indivisible-attention-heads"}
    finding = next(each for each in content["findings"] if each["rule"] == "fit/indivisible-attention-heads")
    assert finding["url"].endswith("indivisible_attention_heads/rule.md") and "3" in finding["source"]["text"]
    assert content["not-checked"], "charts that are not in the cache"
    (memory,) = environment["memory"]
    assert memory["name"] == "chat" and memory["devices"]
    assert set(environment["placement"]["pools"]) >= {"gpu", "cpu-amd64"}
    assert environment["cost"]["total"]["floor"][0] > 0
    assert [lane["wave"] for lane in environment["waves"]] == sorted(lane["wave"] for lane in environment["waves"])
    assert environment["references"]["edges"]
    (latency,) = environment["latency"]
    assert latency["itl"]["wanted"] == 1 and latency["ttft"]["wanted"] == 2000
    assert [run["itl"] for run in latency["runs"]] == [15.0]
    json.dumps(content)


def test_the_page_allows_what_stands_in_it_and_nothing_else(content: dict[str, Any]) -> None:
    page = Blocks(document(content))
    run = [text for attributes, text in page.scripts if attributes.get("type") != "application/json"]
    assert len(run) == len(libraries()) + len(SCRIPTS)
    for text in (*run, *page.styles):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in page.policy
    assert "default-src 'none'" in page.policy and "unsafe" not in page.policy and "http" not in page.policy
    assert not {"link", "img", "iframe", "object", "form", "base"} & set(page.tags)


def test_the_page_of_a_load_test_is_as_closed() -> None:
    told = {
        "errors": [""],
        "ttfts": [0.1],
        "itls": [[0.01, 0.02]],
        "output_lens": [3],
        "input_lens": [5],
        "duration": 1,
    }
    plain, hostile = (
        Blocks(load_test_document(merged([client_result("a", json.dumps({**told, "model_id": name}))])))
        for name in ("chat", HOSTILE)
    )
    assert hostile.tags == plain.tags and hostile.policy == plain.policy
    run = [text for attributes, text in plain.scripts if attributes.get("type") != "application/json"]
    assert len(run) == 2
    for text in (*run, *plain.styles):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in plain.policy
    assert "default-src 'none'" in plain.policy and "unsafe" not in plain.policy and "http" not in plain.policy


def test_hostile_values_are_data(content: dict[str, Any]) -> None:
    def spoiled(value: Any) -> Any:
        if isinstance(value, str):
            return HOSTILE
        if isinstance(value, dict):
            return {key: spoiled(below) for key, below in value.items()}
        return [spoiled(below) for below in value] if isinstance(value, list) else value

    plain, hostile = Blocks(document(content)), Blocks(document(spoiled(content)))
    assert hostile.tags == plain.tags and hostile.policy == plain.policy
    (data,) = (text for attributes, text in hostile.scripts if attributes.get("type") == "application/json")
    assert data.isascii() and not re.search(r"[<>&\x1b]", data)
    assert json.loads(data)["title"].startswith("</script>"), "a browser reads what was written"


def test_the_same_content_makes_the_same_page(content: dict[str, Any]) -> None:
    assert document(content) == document(content)


def test_libraries_are_what_their_packages_hold() -> None:
    for library in libraries():
        assert hashlib.sha256((ASSETS / "vendor" / library.file).read_bytes()).hexdigest() == library.sha256
        assert all((ASSETS / "vendor" / f"{library.name}.{notice}").is_file() for notice in library.notices)
    shipped = {path.name for path in ASSETS.iterdir() if path.suffix == ".js"}
    assert shipped == {*SCRIPTS, SCRIPT}, "a script that no page has"


def test_scripts_make_no_markup_of_values() -> None:
    for name in (*SCRIPTS, SCRIPT):
        used = re.findall(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", (ASSETS / name).read_text()
        )
        assert used == [], name
