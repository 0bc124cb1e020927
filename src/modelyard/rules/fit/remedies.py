"""What findings about memory say alike: the budget under the message, and the nearest changes after which it fits."""

from __future__ import annotations

from collections.abc import Iterator

from modelyard.findings import NotChecked
from modelyard.rules.wording import either
from modelyard.sizing import Assessment, DeviceFit, Fit, bars, changes_for


def gaps(fit: Fit) -> Iterator[NotChecked]:
    """Yield the gap of a model about which nothing can be said; nothing for one that has a budget of another kind."""
    if fit.gap:
        yield NotChecked(fit.model, fit.gap, fit.fix, application=fit.model.application.name)


def unit(assessment: Assessment) -> str:
    """Return what a rank runs on, in a word."""
    return "GPU" if assessment.device.kind == "gpu" else "core"


def detail(fit: Fit, worst: DeviceFit) -> tuple[str, ...]:
    """Return the budget of a rank in bars, where pods may land, and what the figures rest on."""
    lines = [bars(worst.assessment)]
    if len(fit.devices) > 1:
        rest = either(each.eligible.device.name for each in fit.devices if each is not worst)
        lines.append(f"its pods can land on {worst.eligible.device.name}, and also on {rest}")
    lines.append(worst.assessment.basis)
    return tuple(lines)


def remedy(fit: Fit, worst: DeviceFit) -> str:
    """Return the nearest change, and one that takes more or other devices; empty when there is none to name."""
    changes = changes_for(fit, worst)
    first = next(iter(changes), None)
    words = []
    if first is not None:
        # What a shorter context leads to is said by its number; what another change leads to has to be told.
        words.append(first.text.partition(": ")[0] if "max-model-len" in first.flags else first.text)
    more = next((each for each in changes if "tensor-parallel-size" in each.flags and each is not first), None)
    if more is not None:
        words.append(more.text)
    larger = [each for each in fit.fitting() if _nominal(each) > _nominal(worst)]
    if larger:
        least = min(larger, key=_nominal)
        words.append(
            f"require {either(each.eligible.device.name for each in larger)} "
            f"(karpenter.k8s.aws/instance-gpu-memory Gt {_nominal(least) - 1})"
        )
    return ", or ".join(words)


def _nominal(each: DeviceFit) -> int:
    return each.eligible.device.nominal_mib
