"""Programs in Go that run for a moment."""

from __future__ import annotations

import os

_VARIABLE = "GOGC"
_PERCENT = "400"


def brief_run() -> dict[str, str]:
    """Return the variables under which a short run of a program in Go is quick; what the user set stays.

    Go collects garbage whenever the heap has grown by `GOGC` per cent of what is live, 100 if nothing is said
    (https://pkg.go.dev/runtime#hdr-Environment_Variables). A `kustomize build` of one overlay ends soon after: at 400
    it takes three quarters of the processor time, and 75 MB of memory in place of 50 MB.
    """
    return {} if _VARIABLE in os.environ else {_VARIABLE: _PERCENT}
