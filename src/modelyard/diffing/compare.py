"""Two sides of a repository compared, in proportion to what differs between them."""

from __future__ import annotations

import tempfile
import threading
import time
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from modelyard.diffing.history import History
from modelyard.diffing.model import ORDER, Comparison, Kind
from modelyard.diffing.options import DiffOptions
from modelyard.diffing.secrets import hide_secrets
from modelyard.findings import UserError
from modelyard.tooling.renderer import prestart_renderer

if TYPE_CHECKING:
    from modelyard.checking import Progress
    from modelyard.tooling.streaming import LineProcess

_STEPS = "modelyard.diffing.comparing"


def compare(root: Path, sides: str, options: DiffOptions, progress: Progress) -> Comparison:
    """Return what changes between two sides of a repository.

    Args:
        root: The GitOps repository.
        sides: `BASE..HEAD`, `BASE...HEAD`, or `BASE` for the working tree.
        options: What to compare, and how.
        progress: Told how far it is.

    Raises:
        UserError: A side is no commit of this clone, a named environment is on neither side, or a tool is missing.
    """
    started = time.monotonic()
    with prestart_renderer() as prestarted:
        # A hundred modules, loaded while git answers.
        threading.Thread(target=import_module, args=(_STEPS,), name="steps", daemon=True).start()
        with closing(History(root)) as history:
            found = _compared(history, sides, options, progress, prestarted)
    hide_secrets(found)
    found.environments.sort(key=lambda each: (ORDER[each.kind or Kind.CHANGED], each.name))
    found.seconds = time.monotonic() - started
    return found


def _compared(
    history: History, sides: str, options: DiffOptions, progress: Progress, prestarted: LineProcess | None
) -> Comparison:
    base, head, differing = history.sides(sides)
    from modelyard.diffing.comparing import ComparisonRun, environment_names

    found = Comparison(base.name, head.name, base.commit, head.commit)
    found.all_environments = tuple(sorted(environment_names(base) | environment_names(head)))
    if not found.all_environments:
        raise UserError(f"neither {base.name} nor {head.name} holds environments", fix="name a GitOps repository")
    for name in options.environments:
        if name not in found.all_environments:
            raise UserError(
                f"there is no environment {name} on either side",
                fix=f"environments are {', '.join(found.all_environments)}",
            )
    if differing:
        with tempfile.TemporaryDirectory(prefix="modelyard-diff-") as folder:
            ComparisonRun(history, base, head, differing, options, progress, Path(folder)).into(found, prestarted)
    return found
