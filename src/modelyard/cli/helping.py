"""Help in sections: verbs by what people want, and the options of a long verb by what they decide."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from typer.core import TyperCommand

if TYPE_CHECKING:
    from typer._click import Context, HelpFormatter

OPTIONS: dict[str, dict[str, tuple[str, ...]]] = {
    "check": {
        "What to check": (
            "--env",
            "--application",
            "--shard",
            "--kubernetes-version",
            "--fact",
            "--plan",
            "--policies",
        ),
        "Which findings to report": ("--select", "--ignore", "--baseline", "--write-baseline", "--since", "--all"),
        "What fails": ("--fail-on", "--strict"),
        "Output": ("--format", "--output", "--quiet", "--watch"),
        "Fixes": ("--fix", "--unsafe", "--dry-run"),
    },
    "fit": {
        "Models of a repository": ("--env", "--model", "--strict", "--from-log"),
        "A model of the catalogue": (
            "--model-id",
            "--device",
            "--engine-version",
            "--tensor-parallel-size",
            "--pipeline-parallel-size",
            "--data-parallel-size",
            "--max-model-len",
            "--max-num-seqs",
            "--gpu-memory-utilization",
            "--kv-cache-dtype",
            "--quantization",
            "--flag",
        ),
    },
    "plan": {
        "Objectives": ("--ttft", "--itl", "--percentile"),
        "Load": ("--rate", "--concurrency", "--prompt", "--output", "--reuse"),
        "Answer": ("--all", "--what-if", "--json"),
        "Apply a candidate": ("--apply", "--no-check", "--dry-run"),
        "Keep a load test": ("--from-bench", "--device", "--engine-version", "--replicas"),
    },
    "diff": {
        "What to compare": ("--env", "--findings", "--policies"),
        "What fails": ("--fail-on", "--strict"),
        "Output": ("--format", "--output", "--artifact", "--quiet"),
    },
    "report": {
        "What to show": ("--env", "--application", "--since", "--plan", "--policies"),
        "What fails": ("--fail-on", "--strict"),
        "Output": ("--output", "--json"),
    },
    "model add": {
        "What to add": ("--env", "--name", "--overlay", "--accelerator", "--engine", "--feature", "--max-model-len"),
        "How to write it": ("--defaults", "--no-check", "--dry-run", "--json"),
    },
}
"""By verb, the options below each heading; the others stand below `Options`. A test holds that all exist."""

_END = re.compile(r"[:;]|\. ")


class SectionedCommand(TyperCommand):
    """A verb whose options stand below headings.

    Typer has headings only where it draws boxes, for which it loads a library that doubles the start.
    """

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the arguments, the options below their headings, then the rest."""
        verb = ctx.command_path.partition(" ")[2]
        headings = {option: heading for heading, options in OPTIONS.get(verb, {}).items() for option in options}
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], **{each: [] for each in headings.values()}}
        sections["Options"] = []
        for each in self.get_params(ctx):
            record = each.get_help_record(ctx)
            if record is not None:
                heading = next((headings[name] for name in each.opts if name in headings), "Options")
                sections["Arguments" if each.param_type_name == "argument" else heading].append(record)
        write_sections(formatter, sections)


def summary(function: Callable[..., object] | None) -> str:
    """Return what a verb does in some words: its docstring up to the first colon, semicolon or end of a sentence."""
    first = (inspect.getdoc(function) or "").partition("\n\n")[0]
    return f"{_END.split(' '.join(first.split()))[0].rstrip('.')}."


def write_sections(formatter: HelpFormatter, sections: dict[str, list[tuple[str, str]]]) -> None:
    """Write rows of two columns below headings; headings without rows are left out."""
    for heading, rows in sections.items():
        if rows:
            with formatter.section(heading):
                formatter.write_dl(rows)
