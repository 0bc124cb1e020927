"""A check as one HTML page: findings, memory, placement, latency, cost, sync order and references, without a network."""

from modelyard.htmlreport.content import page_content
from modelyard.htmlreport.document import document

__all__ = ["document", "page_content"]
