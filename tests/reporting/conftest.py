"""Reports that every format is tried with."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from modelyard.findings import (
    At,
    EnvironmentSummary,
    Finding,
    NotChecked,
    Place,
    Precision,
    Report,
    Severity,
)
from modelyard.reporting import Presentation, write

# What a name in a repository may hold: terminal codes, line ends, bidirectional overrides, C1 controls, a lone
# surrogate (a file name that is not UTF-8), workflow commands, Markdown, rich markup, XML.
HOSTILE = (
    "\x1b[31mred\x1b[0m\r\n::error::owned\n##[add-mask]x\u202e\x9b2J\udcff [red]@team #1 **b** <b>&amp;]]> | ${x} %0A"
)


@pytest.fixture
def report() -> Report:
    """Two environments, three findings, one gap that both have."""
    cache = Finding(
        at=At(
            Place("overlays/qwen3-32b-vllm-gpu/vllm.yaml", 3, 16, 21, Precision.EXACT, "max-model-len: 40960"),
        ),
        message="qwen3-32b keeps 5.6 GiB per GPU for the KV cache; one request of 40960 tokens needs 10.0 GiB",
        fix="max-model-len 20000 (with margin), or tensor-parallel-size 2: 35.6 GiB per GPU for 7 such requests",
        detail=(
            "weights 61.0 ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓  activation 5.6 ▓▓  graphs 0.5  other 0.2  KV 5.6 ▓▓"
            "   of 72.8 GiB (H100 × 0.92)",  # noqa: RUF001
        ),
        rule="fit/kv-cache-too-small",
        severity=Severity.ERROR,
        environment="prod",
        application="qwen3-32b",
    )
    name = Finding(
        at=At(
            Place(
                "environments/prod/models/chat/kustomization.yaml",
                12,
                11,
                23,
                Precision.EXACT,
                "    name: chat-with-me",
            )
        ),
        message="Service chat-with-me is not named after its model chat",
        fix="name it chat",
        rule="kustomize/name-differs",
        severity=Severity.WARNING,
        environment="prod",
        application="chat",
    )
    secret = Finding(
        at=At(Place("bases/features/hf-token/kustomization.yaml", precision=Precision.KUSTOMIZATION)),
        message="Secret hf-token is read by Deployment chat and nothing creates it",
        rule="secrets/missing-secret",
        severity=Severity.WARNING,
        environment="prod",
        application="chat",
    )
    gap = NotChecked(
        "chart kuberay-operator 1.5.1",
        "not in the cache",
        "run modelyard fetch",
        environment="dev",
        application="kuberay-operator",
    )
    return Report(
        root=Path("/repository"),
        environments=[
            EnvironmentSummary("dev", 11, 3, 142, (*(f"dev-{i}" for i in range(10)), "kuberay-operator")),
            EnvironmentSummary("prod", 14, 6, 201),
        ],
        findings=[cache, name, secret],
        not_checked=[gap, replace(gap, environment="prod")],
        seconds=1.4,
        applications=25,
        cached_applications=21,
        incomplete_applications=2,
    )


@pytest.fixture
def hostile() -> Report:
    """A report in which every text that a repository may choose is hostile."""
    place = Place(f"models/{HOSTILE}.yaml", 1, 1, None, Precision.EXACT, HOSTILE)
    finding = Finding(
        at=At(place),
        message=HOSTILE,
        fix=HOSTILE,
        detail=(HOSTILE,),
        rule=HOSTILE,
        severity=Severity.ERROR,
        environment=HOSTILE,
        application=HOSTILE,
    )
    gap = NotChecked(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    return Report(
        root=Path("/repository"),
        environments=[EnvironmentSummary(HOSTILE, 1, 1, 1, (HOSTILE,))],
        findings=[finding],
        not_checked=[gap, replace(gap, accepted=HOSTILE)],
        applications=1,
    )


@pytest.fixture
def empty() -> Report:
    """A check that found nothing."""
    return Report(root=Path("/repository"), environments=[EnvironmentSummary("dev", 1, 1, 1)], applications=1)


@pytest.fixture
def written() -> Callable[..., str]:
    """Return what a format writes."""

    def write_to_text(report: Report, format: str, presentation: Presentation | None = None) -> str:
        stream = io.StringIO()
        write(report, format, stream, presentation)
        return stream.getvalue()

    return write_to_text
