"""`modelyard report merge`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from modelyard.cli import examples, exit_codes
from modelyard.cli.boundary import abandon_standard_output, verb
from modelyard.cli.choices import FailOn
from modelyard.cli.helping import SectionedCommand
from modelyard.cli.options import CONTEXT, FailsOn, OutputFile, ReportFormats, StrictlyChecked
from modelyard.findings import UserError

if TYPE_CHECKING:
    from modelyard.reporting.merging import Part

NAME = "merge"
_MOST_BYTES = 64 * 1024 * 1024
_MOST_VALUES = 4_000_000
_FIX = "write smaller parts: --shard I/N with a larger N"


class WithMerge(SectionedCommand):
    """The verb `report`, whose first word may be `merge` instead of a folder; a folder of that name is `./merge`."""

    @property
    def commands(self) -> dict[str, TyperCommand]:
        """Return the verbs below, for the reference."""
        return {NAME: merge_command()}

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Return the context of `merge` where the words ask for it, else of the verb itself."""
        if args and args[0] == NAME:
            return merge_command().make_context(f"{info_name} {NAME}", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


def merge_command() -> TyperCommand:
    """Return `merge` as a command."""
    app = typer.Typer(rich_markup_mode=None, add_completion=False, context_settings=CONTEXT)
    epilog = "\n\n".join(filter(None, (examples.shown(f"report {NAME}"), exit_codes.table())))
    app.command(NAME, epilog=epilog)(merge)
    made: TyperCommand = typer.main.get_command(app)  # type: ignore[assignment]
    return made


@verb
def merge(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILES...", help="Reports of `modelyard check --format json=FILE`.")
    ],
    format: ReportFormats = None,
    output: OutputFile = None,
    fail_on: FailsOn = FailOn.ERROR,
    strict: StrictlyChecked = False,
    all: Annotated[bool, typer.Option("--all", help="Show every finding, however many there are of one kind.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Findings and the last line only.")] = False,
) -> int:
    """Merge the JSON reports of several checks into one report, with the exit code of one check.

    Reports of --shard have to be there all, once each. What several of them say is said once.
    """
    from modelyard.cli.check import presentation
    from modelyard.cli.outputs import deliver, outputs
    from modelyard.reporting.merging import merged

    wanted = outputs(format or (), output)
    report = merged(_read(files), Path())
    code = report.exit_code(fail_on.severity, strict)
    try:
        deliver(report, wanted, presentation(Path(), fail_on.severity, strict=strict, quiet=quiet, fold=not all))
    except BrokenPipeError:
        abandon_standard_output()  # the reader left, but the verdict stands
    return code


def _read(files: Sequence[Path]) -> list[Part]:
    from modelyard.reporting.merging import read_part
    from modelyard.repository.json import parsed
    from modelyard.repository.limits import content_of

    found = []
    for path in files:
        if path.is_dir():
            raise UserError(f"{path} is a folder", fix=f"name the reports in it, such as {path}/*.json")
        name = str(path)
        content = content_of(path, name, most=_MOST_BYTES, fix=_FIX, pipes=True)
        found.append(read_part(name, parsed(content, name, most=_MOST_BYTES, values=_MOST_VALUES)))
    return found
