"""A check as one HTML page that needs no network: findings, memory, placement, latency, cost, order and references."""

from modelyard.htmlreport.content import page_content
from modelyard.htmlreport.document import document
from modelyard.htmlreport.loadtest import load_test_document

__all__ = ["document", "load_test_document", "page_content"]
