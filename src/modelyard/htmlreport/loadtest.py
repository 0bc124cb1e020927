"""The report of a load test as one HTML page."""

from __future__ import annotations

from modelyard.htmlreport.document import assembled, asset
from modelyard.htmlreport.libraries import libraries
from modelyard.loadtests import CURVE, LoadReport

SCRIPT = "loadtest.js"
"""What draws the page, beside ECharts."""


def load_test_document(report: LoadReport) -> str:
    """Return a page with the distribution of each time that was measured, and with what was asked of it."""
    charts = [each.script for each in libraries() if each.name == "echarts"]
    content = {**report.content(), "shares": list(CURVE), "curves": {k: list(v) for k, v in report.curves.items()}}
    return assembled("loadtest.html", {"": asset("page.css")}, (*charts, asset(SCRIPT)), content)
