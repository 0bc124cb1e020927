"""Whether vLLM keeps less than every token where layers differ: its hybrid cache manager, by version and flags.

Read from `vllm/config/vllm.py` and `vllm/envs.py` of 0.11.0, 0.14.1, 0.16.0, 0.19.1, 0.20.0, 0.22.0, 0.26.0 and 0.33.0,
and from the classes under `vllm/distributed/kv_transfer/kv_connector/v1` that derive from `SupportsHMA`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelyard.sizing.engine_defaults import Version

CONNECTORS_DECIDE = (0, 22, 0)
"""Since then a connector decides for itself; before, any of them turned the manager off."""

SUPPORTING: Mapping[str, Version] = {
    "NixlConnector": (0, 22, 0),
    "MooncakeConnector": (0, 22, 0),
    "MooncakeStoreConnector": (0, 22, 0),
    "OffloadingConnector": (0, 22, 0),
    "SimpleCPUOffloadConnector": (0, 22, 0),
    "ExampleHiddenStatesConnector": (0, 22, 0),
    "DecodeBenchConnector": (0, 22, 0),
    "NixlPullConnector": (0, 33, 0),
    "NixlPushConnector": (0, 33, 0),
    "MoRIIOConnector": (0, 33, 0),
    "HiSparseConnector": (0, 33, 0),
    "UMBPStoreConnector": (0, 33, 0),
}
"""Connectors that work with the manager, and the first version that was read in which they do."""

CHUNKED_BY_DEFAULT = (0, 13, 0)
"""Since then chunked layers keep their chunk only, unless the environment says no (on in 0.14.1, off in 0.11.0)."""


def turned_off_by(
    version: Version,
    transfer: Mapping[str, Any],
    *,
    chunked: bool,
    events: bool,
    offloading: bool,
    environment: Mapping[str, str],
) -> str:
    """Return what turns the hybrid manager off where no flag decides; empty where it stays on.

    Args:
        version: vLLM's version.
        transfer: `--kv-transfer-config`.
        chunked: Whether some layers attend to chunks.
        events: Whether `--kv-events-config` is given.
        offloading: Whether `--kv-offloading-size` is given, which selects a connector that supports the manager.
        environment: Environment variables of the engine.
    """
    connector = str(transfer.get("kv_connector") or "")
    if (transfer or offloading) and version < CONNECTORS_DECIDE:
        return f"kv-transfer-config ({connector or 'offloading'})"
    if connector and not _supports(version, transfer):
        return f"kv-transfer-config ({connector})"
    if events and version < (0, 17, 0):
        return "kv-events-config"
    allowed = environment.get("VLLM_ALLOW_CHUNKED_LOCAL_ATTN_WITH_HYBRID_KV_CACHE")
    on = version >= CHUNKED_BY_DEFAULT if allowed is None else allowed.strip() not in ("", "0")
    return "chunked attention" if chunked and not on else ""


def _supports(version: Version, transfer: Mapping[str, Any]) -> bool:
    connector = str(transfer.get("kv_connector") or "")
    if connector == "MultiConnector":
        extra = transfer.get("kv_connector_extra_config")
        children = extra.get("connectors") if isinstance(extra, Mapping) else None
        if not isinstance(children, list) or not children:
            return False
        return all(isinstance(child, Mapping) and _supports(version, child) for child in children)
    since = SUPPORTING.get(connector)
    return since is not None and version >= since
