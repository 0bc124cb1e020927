"""The report in Chromium: axe-core, by keyboard, on a phone, with hostile values, with a thousand models."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from modelyard.htmlreport import document, load_test_document
from modelyard.loadtests import client_result, merged
from tests.browser.conftest import Open

HOSTILE = (
    "</script><script>window.ran = 1</script><img src=x onerror='window.ran = 2'>"
    "<a href='javascript:window.ran = 3'>x</a> {{data}} %"
)
PHONE = (390, 844)
WINDOWS = [("light", 1280, 900), ("dark", 1280, 900), ("light", *PHONE), ("dark", *PHONE)]
RUN = {
    "model_id": "chat",
    "errors": [""],
    "ttfts": [0.1],
    "itls": [[0.01, 0.02]],
    "output_lens": [3],
    "input_lens": [5],
    "duration": 1,
}


def fleet(content: dict[str, Any], environments: int, models: int) -> dict[str, Any]:
    """Return the content with so many environments of so many models, all like the one of `content`."""
    (template,) = content["environments"]
    grown = {**content, "environments": [], "findings": [], "not-checked": []}
    for number in range(environments):
        name = f"env{number}"
        environment = copy.deepcopy(template) | {"name": name}
        (memory,), names = template["memory"], [f"chat-{each}" for each in range(models)]
        (placed,) = (row for row in template["placement"]["rows"] if row["is-model"])
        environment["memory"] = [{**memory, "name": each} for each in names]
        environment["placement"]["rows"] = [{**placed, "name": each, "application": each} for each in names]
        last = environment["waves"][-1]
        (application,) = (each for each in last["applications"] if each["is-model"])
        last["applications"] = [{**application, "name": each} for each in names]
        grown["environments"].append(environment)
        for each in ("findings", "not-checked"):
            grown[each] += [{**found, "environment": name} for found in content[each]]
    return grown


@pytest.mark.parametrize(("theme", "width", "height"), WINDOWS)
def test_nothing_stands_against_the_report(opened: Open, report: str, theme: str, width: int, height: int) -> None:
    shown = opened(report, theme, width, height)
    for closed in shown.page.locator("details").all():
        closed.evaluate("each => { each.open = true; }")
    assert shown.violations() == []
    assert (shown.said, shown.asked) == ([], [])
    assert shown.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, "it scrolls sideways"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_stands_against_the_page_of_a_load_test(opened: Open, theme: str) -> None:
    shown = opened(load_test_document(merged([client_result("a", json.dumps(RUN))])), theme)
    assert shown.violations() == []
    assert (shown.said, shown.asked) == ([], [])


def test_axe_sees_what_is_wrong(opened: Open, report: str) -> None:
    shown = opened(report)
    shown.page.evaluate("""() => {
      const made = document.createElement("input");
      made.style.color = made.style.background = "#ccc";
      document.getElementById("findings").append(made);
    }""")
    assert any(each.startswith("label: <input") for each in shown.violations())


def test_values_of_a_repository_are_shown_and_do_nothing(opened: Open, content: dict[str, Any]) -> None:
    def spoiled(value: Any) -> Any:
        if isinstance(value, str):
            return f"{value} {HOSTILE}"
        if isinstance(value, dict):
            return {key: spoiled(below) for key, below in value.items()}
        return [spoiled(below) for below in value] if isinstance(value, list) else value

    told = copy.deepcopy(content)
    for each in (*told["findings"], *told["not-checked"]):
        each.update(
            {key: spoiled(each[key]) for key in ("message", "fix", "subject", "reason", "place") if each.get(key)}
        )
    for environment in told["environments"]:
        environment["placement"]["rows"] = spoiled(environment["placement"]["rows"])
        environment["references"]["objects"] = spoiled(environment["references"]["objects"])
    shown = opened(document(told))
    for closed in shown.page.locator("details").all():
        closed.evaluate("each => { each.open = true; }")
    shown.page.locator("#references").evaluate("each => each.scrollIntoView()")
    shown.page.locator("#canvas canvas").first.wait_for(state="attached")
    assert HOSTILE in shown.page.locator("#findings .message").first.inner_text()
    assert shown.page.evaluate("window.ran") is None
    assert shown.count("main img, main iframe, main a[href^='javascript']") == 0
    assert (shown.said, shown.asked) == ([], [])


def test_a_keyboard_is_enough(opened: Open, report: str) -> None:
    shown = opened(report)
    keys = shown.page.keyboard
    keys.press("Tab")
    assert shown.page.evaluate("document.activeElement.textContent") == "Skip to the findings"
    keys.press("Enter")
    assert shown.page.evaluate("location.hash") == "#findings"
    shown.page.locator("#theme").focus()
    keys.press("Enter")
    assert shown.page.evaluate("document.documentElement.dataset.theme") == "light"
    keys.press("Enter")
    assert shown.page.evaluate("document.documentElement.dataset.theme") == "dark"
    search = shown.page.get_by_label("Search findings")
    search.focus()
    keys.type("no such words anywhere")
    assert "Nothing matches" in shown.page.locator("#findings").inner_text()
    search.fill("tensor-parallel")
    assert shown.count("#findings .item") >= 1
    found = shown.page.get_by_label("Find an object")
    found.fill("Deployment models/chat")
    keys.press("Enter")
    assert shown.page.locator(".neighbours h3").first.inner_text() == "Deployment models/chat"
    zoomed = shown.page.get_by_label("Zoom in")
    zoomed.focus()
    keys.press("Enter")
    assert shown.said == []


def test_all_that_there_is_to_press_can_be_pressed(opened: Open, report: str) -> None:
    shown = opened(report)
    for label in shown.page.evaluate(
        "[...document.querySelectorAll('main button')].map((each, number) => (each.dataset.test = number))"
    ):
        button = shown.page.locator(f"main button[data-test='{label}']")
        if button.count() and button.is_enabled():
            button.evaluate("each => each.click()")
    assert shown.said == []


@pytest.mark.parametrize(("environments", "models"), [(20, 50), (1, 1000)])
def test_a_thousand_models_stay_usable(opened: Open, content: dict[str, Any], environments: int, models: int) -> None:
    shown = opened(document(fleet(content, environments, models)))
    page = shown.page
    assert page.evaluate("document.getElementsByTagName('*').length") < 6_000
    assert page.evaluate("document.documentElement.scrollHeight") < 20_000, "what many environments hold is folded"
    if environments > 1:
        assert "50 workloads" in page.locator("#placement summary").first.inner_text()
        page.locator("#placement summary").first.click()
        page.locator("#placement tbody tr").first.wait_for()
        assert shown.count("#placement tbody tr") == 40
        page.get_by_label("Search placement").fill("chat-49")
        assert shown.count("#placement details.panel") == environments
        page.locator("#environment").select_option("env7")
        assert shown.count("#placement details.panel") == 0
    else:
        page.get_by_label("Search placement").fill("chat-999")
    assert shown.count("#placement tbody tr") == 1
    page.locator("#placement").get_by_role("button", name="All workloads").click()
    page.get_by_label("Search memory").fill("no such model")
    assert "No model matches." in page.locator("#memory").inner_text()
    assert (shown.said, shown.asked) == ([], [])


def test_charts_and_the_graph_are_drawn(opened: Open, report: str) -> None:
    shown = opened(report)
    shown.page.locator("#references").evaluate("each => each.scrollIntoView()")
    shown.page.locator("#canvas canvas").first.wait_for(state="attached")
    drawn = shown.page.evaluate("""() => [...document.querySelectorAll("#canvas canvas")].some((canvas) => {
      const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
      return pixels.some((value, index) => index % 4 === 3 && value > 0);
    })""")
    assert drawn, "the graph is empty"
    assert shown.count("#memory .chart svg path, #memory .chart canvas") > 0
    assert shown.count("#cost .chart svg path, #cost .chart canvas") > 0
