"""A check as one HTML page that needs no network: findings, memory, placement, latency, cost, order and references."""

from modelyard.htmlreport.content import page_content
from modelyard.htmlreport.document import document

__all__ = ["document", "page_content"]
