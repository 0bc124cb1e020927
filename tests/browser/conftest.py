"""Pages in a real browser, by Playwright; where that is missing tests are skipped: `make test-browser` installs it."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from modelyard.checking import CheckOptions, check_with_views
from modelyard.htmlreport import document, page_content
from modelyard.reporting import Presentation
from modelyard.rules import rules
from tests.repositories.copies import Copies


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave what starts a browser to `make test-browser`, which is asked for when the pages change."""
    for item in items:
        if "opened" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


@dataclass
class Opened:
    """A page that a browser shows.

    Attributes:
        page: Playwright's page.
        said: What it wrote to the console, and errors of its scripts.
        asked: Addresses that it asked for beside its own file.
    """

    page: Any
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def count(self, selector: str) -> int:
        """Return how many elements a selector finds."""
        return int(self.page.locator(selector).count())

    def violations(self) -> list[str]:
        """Return what axe-core holds against the page as it stands, as rule and element."""
        axe = importlib.import_module("axe_playwright_python.sync_playwright")
        found = axe.Axe().run(self.page).response["violations"]
        return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]


Open = Callable[..., Opened]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, headless; tests are skipped where it or Playwright is not installed."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: run make test-browser")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium on PATH: the pages are not shown to a browser")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Open a page by its HTML, in a theme and a window of some size."""
    contexts = []

    def open_page(html: str, theme: str = "light", width: int = 1280, height: int = 900) -> Opened:
        context = browser.new_context(color_scheme=theme, viewport={"width": width, "height": height})
        contexts.append(context)
        shown = Opened(context.new_page())
        # A loaded machine is slow, which says nothing of the page.
        shown.page.set_default_timeout(120_000)
        shown.page.on("console", lambda message: shown.said.append(f"{message.type}: {message.text}"))
        shown.page.on("pageerror", lambda error: shown.said.append(f"error: {error}"))
        shown.page.on("dialog", lambda dialog: shown.said.append(f"dialog: {dialog.message}"))
        path = tmp_path / "page.html"
        path.write_text(html, encoding="utf-8")
        shown.page.on("request", lambda request: shown.asked.append(request.url))
        shown.page.goto(path.as_uri())
        shown.asked.remove(path.as_uri())
        return shown

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def content(bases: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the report says of one model with one mistake in its overlay."""
    copies = Copies(bases, tmp_path_factory.mktemp("report"))
    edit = {
        "edit": {"overlays/qwen3-1-7b-vllm-gpu/vllm.yaml": {"tensor-parallel-size": 3}},
        "write": {
            "environments/dev/models/chat/objectives.yaml": "ttft: 2s\nitl: 1ms\nrate: 0.5\nprompt: 1000\noutput: 200\n"
        },
    }
    with copies.changed("one-model", edit) as root:
        checked = check_with_views(root, CheckOptions(policies=False))
        return page_content(checked, Presentation(rules=rules()), "my-platform")


@pytest.fixture(scope="session")
def report(content: dict[str, Any]) -> str:
    """The page of that report."""
    return document(content)
