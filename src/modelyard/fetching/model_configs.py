"""A model's `config.json` from the Hugging Face hub."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import quote

from modelyard.fetching.transport import FetchFailed, get
from modelyard.repository.json import MalformedJSON, parsed

HUB = "https://huggingface.co"
ENDPOINT = "HF_ENDPOINT"
"""Variable that names another hub, as Hugging Face's own tools read it."""

MAX_CONFIG_BYTES = 4 * 2**20
COMMIT = "x-repo-commit"


def hub_config(model_id: str, revision: str = "main") -> tuple[dict[str, Any], str]:
    """Return a model's `config.json` and where it was read, with the commit when the hub tells it.

    Args:
        model_id: Repository such as `Qwen/Qwen3-32B`.
        revision: Branch, tag or commit.

    Raises:
        FetchFailed: The hub cannot be reached, has no such file, wants an account, or sends no JSON mapping.
    """
    base = os.environ.get(ENDPOINT, HUB).rstrip("/")
    url = f"{base}/{quote(model_id)}/resolve/{quote(revision, safe='')}/config.json"
    answer = get(url, limit=MAX_CONFIG_BYTES)
    by_hand = f"download config.json yourself and run modelyard catalog add {model_id} --config config.json"
    if answer.status != 200:
        raise FetchFailed(f"{url} asks for an account ({answer.status}), or does not exist", fix=by_hand)
    try:
        config = parsed(answer.body)
    except MalformedJSON:
        raise FetchFailed(f"{url} is no JSON that can be read", fix=by_hand) from None
    if not isinstance(config, dict):
        raise FetchFailed(f"{url} is no JSON mapping", fix=by_hand)
    commit = answer.headers.get(COMMIT, "")
    return config, f"{url}{f' at commit {commit}' if commit else ''}"
