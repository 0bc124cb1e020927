"""vLLM-Omni, to which vLLM hands over when it is told so."""

from __future__ import annotations

from modelyard.view.workloads import Container


def runs_omni(container: Container) -> bool:
    """Return whether a container's vLLM hands over to vLLM-Omni; it reads the flag from its command line alone."""
    return "--omni" in container.args
